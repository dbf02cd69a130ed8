"""Points of a search: a network's shape and widths, and its core's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from golden.cells import SIGMOIDS
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from golden.thresholds import Thresholds
from hdl.plan import Plan
from litelstm import core_options, options
from litelstm.architectures import CELLS as KNOWN
from litelstm.fpga.families import ECP5, ICE40, SPRAM
from litelstm.fpga.targets import Target

CELLS = ("litelstm", "litelstm-diagonal", "litelstm-none", "lstm", "gru-after", "rnn")
UNITS = (4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64)
LAYERS = (1, 2)
SUMS = {ECP5.name: ("lanes", "block"), ICE40.name: ("block",)}
"""Choices of a network's shape, and of a core's memory of sums by family: iCE40 has no LUT RAM."""

MOST_ROWS = 64
"""Most units per lane."""

MOST_THRESHOLD = {"x": 8, "h": 8, "c": 32}
"""Largest thresholds of a delta core, by vector, in last places."""

Shape = tuple[str, int, int, str]
"""Cell, units, layers and gate activation of a network to train."""


class Draw(Protocol):
    """A source of choices: a trial of Optuna, or random numbers."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...

    def suggest_categorical(self, name: str, choices: tuple[Any, ...]) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A point of the search.

    Attributes:
        cell, units, layers, sigmoid: the network's shape; ``None`` where the network is given. A
            cell without gates has no ``sigmoid``.
        weight_width, activation_width, state_width: see :class:`golden.settings.Settings`.
        rows: units per lane, so lanes are as few as give all units of a layer this many.
        tail_multipliers, pack, sums, weights, delta: see :class:`hdl.spec.options.CoreOptions`.
        delta_x, delta_h, delta_c: thresholds of a delta core.
    """

    cell: str | None = None
    units: int | None = None
    layers: int | None = None
    sigmoid: str | None = None
    weight_width: int
    activation_width: int
    state_width: int
    rows: int
    tail_multipliers: int
    pack: str
    sums: str
    weights: str = "rom"
    delta: bool = False
    delta_x: int | None = None
    delta_h: int | None = None
    delta_c: int | None = None

    @property
    def shape(self) -> Shape | None:
        """The network to train, if the point chooses it."""
        if self.cell is None or self.units is None or self.layers is None:
            return None
        return self.cell, self.units, self.layers, self.sigmoid or next(iter(SIGMOIDS))

    @property
    def parameters(self) -> dict[str, Any]:
        """The choices by name, as :meth:`draw` makes them."""
        return options.said({field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Choice:
        """Return what :attr:`parameters` came from."""
        return cls(**parameters)

    @property
    def settings(self) -> Settings:
        """Widths of the quantizer."""
        return Settings(
            weight_width=self.weight_width,
            activation_width=self.activation_width,
            state_width=self.state_width,
        )

    def with_thresholds(self, network: QuantizedNetwork) -> QuantizedNetwork:
        """Return a network with the thresholds of the point.

        Raises:
            InputError: a threshold exceeds its vector's format.
        """
        if not self.delta:
            return network
        x, h, c = (self.delta_x or 0, self.delta_h or 0, self.delta_c or 0)
        return replace(network, thresholds=Thresholds.of(network, x=x, h=h, rh=h, c=c))

    def core(self, network: QuantizedNetwork) -> dict[str, Any]:
        """Return the core's options by name, see :func:`litelstm.core_options.core_of`."""
        units = max(layer.units for layer in network.body)
        return {
            "lanes": -(-units // min(self.rows, units)),
            "tail_multipliers": self.tail_multipliers,
            "sums": self.sums,
            "pack": self.pack,
            "weights": self.weights,
        }

    def plan(self, network: QuantizedNetwork, target: Target) -> Plan:
        """Plan the core.

        Raises:
            InputError: the options do not go with the network.
        """
        core = core_options.core_of(self.core(network), network, part=target)
        return Plan(network=network, options=core)


@dataclass(frozen=True, kw_only=True)
class Space:
    """Points that a search chooses from.

    Attributes:
        target: the part.
        shaped: whether the search also chooses the network's shape.
        storage: memory of the weights; ``None`` for those that may pay on the part.
    """

    target: Target
    shaped: bool
    storage: str | None = None

    @property
    def _weights(self) -> tuple[str, ...]:
        """Weights that are loaded cost more of all, but where they fit memories of their own."""
        if self.storage is not None:
            return (self.storage,)
        return ("rom", "ram") if self.target.available.get(SPRAM) else ("rom",)

    def draw(self, draw: Draw) -> Choice:
        """Choose a point."""
        given: dict[str, Any] = {}
        if self.shaped:
            given["cell"] = cell = draw.suggest_categorical("cell", CELLS)
            given["units"] = draw.suggest_categorical("units", UNITS)
            given["layers"] = draw.suggest_categorical("layers", LAYERS)
            if len(KNOWN[cell].gates) > 1:
                given["sigmoid"] = draw.suggest_categorical("sigmoid", tuple(SIGMOIDS))
        given["weights"] = draw.suggest_categorical("weights", self._weights)
        if given["weights"] == "rom":
            given["delta"] = draw.suggest_categorical("delta", (False, True))
        if given.get("delta"):
            for name, most in MOST_THRESHOLD.items():
                given[f"delta_{name}"] = draw.suggest_int(f"delta_{name}", 0, most)
        return Choice(
            **given,
            weight_width=draw.suggest_int("weight_width", 3, 10),
            activation_width=draw.suggest_int("activation_width", 4, 10),
            state_width=draw.suggest_int("state_width", 6, 14),
            rows=draw.suggest_int("rows", 1, MOST_ROWS, log=True),
            tail_multipliers=draw.suggest_int("tail_multipliers", 0, 2),
            pack=draw.suggest_categorical("pack", ("auto", "2")),
            sums=draw.suggest_categorical("sums", SUMS[self.target.family.name]),
        )

    def usual(self, shape: Shape | None) -> Choice:
        """Return the point that a search begins with: the quantizer's widths, 4 units per lane."""
        settings = Settings()
        cell, units, layers, sigmoid = shape or (None, None, None, None)
        return Choice(
            cell=cell,
            units=units,
            layers=layers,
            sigmoid=sigmoid,
            weight_width=settings.weight_width,
            activation_width=settings.activation_width,
            state_width=settings.state_width,
            rows=4,
            tail_multipliers=2,
            pack="auto",
            sums=SUMS[self.target.family.name][0],
            weights=self._weights[0],
        )
