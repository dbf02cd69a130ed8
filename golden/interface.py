"""How a core is talked to: streams that share it, where state comes from, what it answers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from golden.dataclass import dataclass
from golden.errors import InputError
from golden.formats import Format
from golden.quantized import QuantizedNetwork, signed_width

MAX_STREAMS = 256


@dataclass(frozen=True, kw_only=True)
class Interface:
    """What is chosen when a core is generated, beside its network and size.

    Attributes:
        streams: independent sequences that share the core, each with its own state.
        state: where a sequence's first state comes from. ``clear``: it is zero. ``keep``: zero, or
            on request what the stream's sequence before left. ``load``: that, or what a stream of
            state words brings; the state can then be read out after any step, too.
        every_step: a result after each step, not only after a sequence's last.
        classes: a result is one word, the index of the largest logit (the first of equal ones).

    Raises:
        InputError: a number is out of range, or a word is unknown.
    """

    streams: int = 1
    state: str = "clear"
    every_step: bool = False
    classes: bool = False

    STATES: ClassVar[tuple[str, ...]] = ("clear", "keep", "load")

    def __post_init__(self) -> None:
        if not 1 <= self.streams <= MAX_STREAMS:
            raise InputError(f"streams is {self.streams}, expected 1 to {MAX_STREAMS}")
        if self.state not in self.STATES:
            *others, last = self.STATES
            expected = f"{', '.join(others)} or {last}"
            raise InputError(f"state is {self.state!r}, expected {expected}")

    def check(self, network: QuantizedNetwork) -> None:
        """Refuse a network that has no classes where they are asked for.

        Raises:
            InputError: it has no dense head.
        """
        if self.classes and network.head is None:
            raise InputError("class output needs a dense head, the network has none")

    def words(self, network: QuantizedNetwork) -> int:
        """Words of one result."""
        return 1 if self.classes else network.outputs

    def out(self, network: QuantizedNetwork) -> Format:
        """Format of the output words."""
        if self.classes:
            return Format(width=signed_width(0, network.outputs - 1), frac=0)
        return network.out

    def answer(self, words: NDArray[Any]) -> NDArray[np.int64]:
        """The words of results, from the network's output words in the last axis."""
        if self.classes:
            return np.argmax(words, axis=-1)[..., np.newaxis]
        return np.asarray(words, dtype=np.int64)


DEFAULT = Interface()
"""One stream, cleared at a sequence's start; the network's output words after its last step."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """What travels with one step's input.

    Attributes:
        last: the step is its sequence's last.
        stream: number of the stream that it belongs to.
        keep: a sequence that starts with it goes on from the stream's state; without, from zero.
            Without meaning in other steps, and zero in any case when the stream is new.
        load: the stream's state is taken from the stream of state words first.
        save: the stream's state is given out after the step.
    """

    last: bool = False
    stream: int = 0
    keep: bool = False
    load: bool = False
    save: bool = False


LAST_BEAT = ("last", "save")
"""Fields of a step that are looked at in its last beat; the others are in its first."""
