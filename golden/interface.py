"""Interface of a core: streams that share it, source of the state, form of the results."""

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
    """Interface options of a core, chosen when it is generated.

    Attributes:
        streams: independent sequences that share the core, each with its own state.
        state: source of a sequence's first state. ``clear``: the network's, which is zero unless
            its layers have another. ``keep``: that, or on request the state at the end of the
            stream's previous sequence. ``load``: as ``keep``, or words from the port for state
            words; the core can then also save the state after any step.
        every_step: whether each step gives a result; otherwise only a sequence's last step does.
        classes: whether a result is one word, the index of the largest logit (the first of
            equals).

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
        """Refuse class output for a network without classes, and state words without windows.

        Raises:
            InputError: its results are not those of one linear dense layer at the end; or state is
                loaded, and a layer reads vectors at lags.
        """
        if self.state == "load" and network.windowed:
            raise InputError(
                "state is load, expected clear or keep: a layer reads earlier steps' vectors, "
                "which are no state words"
            )
        if self.classes and not network.classes:
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
        """Convert the network's output words (last axis) to the words of results."""
        if self.classes:
            return np.argmax(words, axis=-1)[..., np.newaxis]
        return np.asarray(words, dtype=np.int64)


DEFAULT = Interface()
"""One stream, state cleared at each sequence's start, output words after its last step."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """Control fields beside one step's input.

    Attributes:
        last: whether the step ends its sequence.
        stream: number of the step's stream.
        keep: whether the sequence that this step starts continues from the stream's state instead
            of the network's first state. Ignored in other steps; a new stream has the first state.
        load: whether the core first loads the stream's state from the port for state words.
        save: whether the core puts out the stream's state after the step.
    """

    last: bool = False
    stream: int = 0
    keep: bool = False
    load: bool = False
    save: bool = False


LAST_BEAT = ("last", "save")
"""Fields that the core reads in a step's last beat; it reads the others in the first."""
