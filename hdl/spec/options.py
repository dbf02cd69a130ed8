"""Options of a core: what is chosen for it beside its network."""

from __future__ import annotations

from dataclasses import dataclass

from golden.errors import InputError
from golden.interface import DEFAULT, Interface
from golden.quantized import QuantizedNetwork
from hdl.spec.multipliers import ANY, Multipliers
from hdl.spec.storage import BUILT_IN, Storage

MAX_STEPS = (1 << 16) - 1
"""Most steps of a sequence that a core buffers."""


@dataclass(frozen=True, kw_only=True)
class CoreOptions:
    """Options of a core, chosen when it is generated.

    Attributes:
        lanes: products per cycle, 1 to the largest number of units.
        tail_multipliers: multipliers that the state update may have beside the array. With
            fewer, a unit enters every few cycles. With 0, the state update has one made of adders,
            for parts whose multipliers the array takes.
        interface: streams, state and outputs.
        storage: memories of weights and sums.
        max_steps: steps of the longest sequence that the core buffers, so that it can run reverse
            layers; 0 for one that takes steps as they come.
        delta: recurrent layers' sums live on from step to step, and only elements that changed are
            multiplied.
        multipliers: how many products a hardware multiplier of the array computes.
        parity: every word of every memory has a parity bit, which is checked when the word is read.
    """

    lanes: int
    tail_multipliers: int = 2
    interface: Interface = DEFAULT
    storage: Storage = BUILT_IN
    max_steps: int = 0
    delta: bool = False
    multipliers: Multipliers = ANY
    parity: bool = False

    def check(self, largest: int) -> None:
        """Refuse options that no network of ``largest`` units in a layer can have.

        Raises:
            InputError: names the option and what was expected.
        """
        for name in ("lanes", "tail_multipliers", "max_steps"):
            if not isinstance(getattr(self, name), int):
                raise InputError(f"{name} is {getattr(self, name)!r}, expected an integer")
        if not 1 <= self.lanes <= largest:
            raise InputError(
                f"lanes is {self.lanes}, expected 1 to {largest} (the units of the largest layer)"
            )
        if not 0 <= self.max_steps <= MAX_STEPS:
            raise InputError(f"max_steps is {self.max_steps}, expected 0 to {MAX_STEPS}")
        if self.tail_multipliers < 0:
            raise InputError(f"tail_multipliers is {self.tail_multipliers}, expected 0 or more")

    def check_sweeps(self, network: QuantizedNetwork) -> None:
        """Refuse to buffer sequences where nothing needs it, or with what does not go with it.

        Raises:
            InputError: all layers are forward; or not even the first step with a result fits; or
                sequences do not start from zero, one by one, in a core with its weights in the
                Verilog.
        """
        forward = all(layer.direction == "forward" for layer in network.layers)
        if forward and not network.repeats:
            raise InputError(
                f"max_steps is {self.max_steps}, but all layers are forward: expected 0"
            )
        if 0 < self.max_steps <= network.first:
            raise InputError(
                f"max_steps is {self.max_steps}, expected {network.first + 1} or more: the first "
                f"{network.first} steps have no result"
            )
        if network.indexed and network.layers[0].direction != "forward":
            raise InputError(
                f"x is an index, and layer0 is {network.layers[0].direction}: expected a forward "
                "layer, such as a table, in front of others (--max-steps)"
            )
        for name, value, expected in (
            ("streams", self.interface.streams, 1),
            ("state", self.interface.state, "clear"),
            ("weights", self.storage.weights, "rom"),
        ):
            if value != expected:
                raise InputError(f"{name} is {value!r}, expected {expected!r} with max_steps")
