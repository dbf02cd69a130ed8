"""Points of a search: a network's shape and widths, and its core's options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from hdl.plan import Plan
from litelstm import options
from litelstm.fpga.families import ECP5, ICE40, Family
from litelstm.fpga.targets import Target

CELLS = ("litelstm", "litelstm-diagonal", "litelstm-none", "lstm", "gru-after", "rnn")
UNITS = (4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64)
LAYERS = (1, 2)
SUMS = {ECP5.name: ("lanes", "block"), ICE40.name: ("block",)}
"""Choices of a network's shape, and of a core's memory of sums by family: iCE40 has no LUT RAM."""

MOST_ROWS = 64
"""Most units per lane."""


class Draw(Protocol):
    """A source of choices: a trial of Optuna, or random numbers."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...

    def suggest_categorical(self, name: str, choices: tuple[Any, ...]) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A point of the search.

    Attributes:
        cell, units, layers: the network's shape; ``None`` where the network is given.
        weight_width, activation_width, state_width: see :class:`golden.settings.Settings`.
        rows: units per lane, so lanes are as few as give all units of a layer this many.
        tail_multipliers, pack, sums: see :class:`hdl.spec.options.CoreOptions`.
    """

    cell: str | None = None
    units: int | None = None
    layers: int | None = None
    weight_width: int
    activation_width: int
    state_width: int
    rows: int
    tail_multipliers: int
    pack: str
    sums: str

    @classmethod
    def draw(cls, draw: Draw, family: Family, *, shape: bool) -> Choice:
        """Choose a point; ``shape`` tells whether also the network's shape."""
        given: dict[str, Any] = {}
        if shape:
            given["cell"] = draw.suggest_categorical("cell", CELLS)
            given["units"] = draw.suggest_categorical("units", UNITS)
            given["layers"] = draw.suggest_categorical("layers", LAYERS)
        return cls(
            **given,
            weight_width=draw.suggest_int("weight_width", 3, 10),
            activation_width=draw.suggest_int("activation_width", 4, 10),
            state_width=draw.suggest_int("state_width", 6, 14),
            rows=draw.suggest_int("rows", 1, MOST_ROWS, log=True),
            tail_multipliers=draw.suggest_int("tail_multipliers", 0, 2),
            pack=draw.suggest_categorical("pack", ("auto", "2")),
            sums=draw.suggest_categorical("sums", SUMS[family.name]),
        )

    @classmethod
    def usual(cls, family: Family, shape: tuple[str, int, int] | None) -> Choice:
        """Return the point that a search begins with: the quantizer's widths, 4 units per lane."""
        settings = Settings()
        cell, units, layers = shape or (None, None, None)
        return cls(
            cell=cell,
            units=units,
            layers=layers,
            weight_width=settings.weight_width,
            activation_width=settings.activation_width,
            state_width=settings.state_width,
            rows=4,
            tail_multipliers=2,
            pack="auto",
            sums=SUMS[family.name][0],
        )

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

    def core(self, network: QuantizedNetwork) -> dict[str, Any]:
        """Return the core's options by name, see :func:`litelstm.options.core_of`."""
        units = max(layer.units for layer in network.body)
        return {
            "lanes": -(-units // min(self.rows, units)),
            "tail_multipliers": self.tail_multipliers,
            "sums": self.sums,
            "pack": self.pack,
        }

    def plan(self, network: QuantizedNetwork, target: Target) -> Plan:
        """Plan the core.

        Raises:
            InputError: the options do not go with the network.
        """
        core = options.core_of(self.core(network), network, part=target)
        return Plan(network=network, options=core)
