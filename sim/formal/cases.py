"""Small cores for the proofs: every cell, with and without head, and more."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from golden.cells import GRU, LSTM, RNN, Cell, Dense, LiteLSTM
from golden.interface import DEFAULT, Interface
from golden.quantized import QuantizedLayer
from hdl.core import Core
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import BUILT_IN, Storage
from sim.draw.index import with_index
from sim.draw.networks import Recipe, quantized_network


@dataclass(frozen=True, kw_only=True)
class Case:
    """A small core. Its data are narrow, because no claim depends on data.

    Attributes:
        name: of the case.
        cells: of each layer.
        units: of each layer.
        inputs, outputs: of the network; ``None`` for no dense head.
        weight_width: bits of a weight.
        lanes, tail_multipliers, interface, storage: see :class:`hdl.core.Core`.
        delta: sums live on from step to step.
        index: x is an index.
        lag: each layer also reads the vector before it at this lag, if it is not 0.
    """

    name: str
    cells: tuple[Cell, ...]
    units: tuple[int, ...] = (2,)
    inputs: int = 2
    outputs: int | None = None
    weight_width: int = 2
    lanes: int = 1
    tail_multipliers: int = 2
    interface: Interface = DEFAULT
    storage: Storage = BUILT_IN
    delta: bool = False
    lag: int = 0
    index: bool = False

    def core(self) -> Core:
        """The core."""
        recipe = Recipe(
            inputs=self.inputs,
            units=self.units,
            outputs=self.outputs,
            cells=self.cells,
            weight_width=self.weight_width,
            activation_width=3,
            state_width=4,
            pre_width=5,
            out_width=2,
            log2_entries=2,
        )
        network = quantized_network(recipe, 1)
        if self.lag:
            layers = [_at_lag(n, layer, self.lag) for n, layer in enumerate(network.layers)]
            network = replace(network, layers=tuple(layers))
        if self.index:
            network = with_index(network, np.random.default_rng(0))
        return Core(
            plan=Plan(
                network=network,
                options=CoreOptions(
                    lanes=self.lanes,
                    tail_multipliers=self.tail_multipliers,
                    interface=self.interface,
                    storage=self.storage,
                    delta=self.delta,
                ),
            )
        )


def _at_lag(index: int, layer: QuantizedLayer, lag: int) -> QuantizedLayer:
    """Make a layer read its source a second time, at a lag, with the same weights."""
    matrices = {g.matrix("x1"): layer.weights[g.matrix("x")] for g in layer.cell.gates}
    return replace(
        layer,
        weights={**layer.weights, **matrices},
        formats=replace(layer.formats, more=(layer.formats.x,)),
        sources=(index, index),
        lags=(0, lag),
    )


CELLS: dict[str, Cell] = {
    "RNN": RNN(),
    "LSTM": LSTM(),
    "pLSTM, o from c(t-1)": LSTM(peephole="previous"),
    "pLSTM, o from c(t)": LSTM(peephole="current"),
    "GRU, reset before": GRU(reset="before"),
    "GRU, reset after": GRU(reset="after"),
    "LiteLSTM, full": LiteLSTM(peephole="full"),
    "LiteLSTM, diagonal": LiteLSTM(peephole="diagonal"),
    "LiteLSTM, none": LiteLSTM(peephole="none"),
}

_LITE = (LiteLSTM(),)

CASES: tuple[Case, ...] = (
    *(Case(name=name, cells=(cell,)) for name, cell in CELLS.items()),
    Case(name="with a head", cells=_LITE, outputs=2),
    Case(name="GRU with a head", cells=(GRU(),), outputs=2),
    Case(name="RNN with a head", cells=(RNN(),), outputs=2),
    Case(name="LSTM with a head", cells=(LSTM(),), outputs=2),
    Case(name="rows of two lanes, the last half empty", cells=_LITE, units=(3,), lanes=2),
    Case(name="two layers and a head", cells=(GRU(), LiteLSTM()), units=(1, 2), outputs=1),
    Case(
        name="dense layers behind each other",
        cells=(RNN(), Dense(activation="relu")),
        units=(2, 2),
        outputs=1,
    ),
    Case(
        name="x and h of earlier steps",
        cells=(Dense(activation="relu"), RNN()),
        units=(2, 2),
        lag=1,
    ),
    Case(name="x is an index", cells=_LITE, inputs=3, outputs=2, index=True),
    Case(name="one multiplier", cells=(LSTM(),), tail_multipliers=1),
    Case(name="products in logic", cells=_LITE, tail_multipliers=0),
    Case(name="one of everything", cells=_LITE, units=(1,), inputs=1, outputs=1),
    Case(name="two streams", cells=_LITE, outputs=2, interface=Interface(streams=2)),
    Case(
        name="two streams, state kept, every step",
        cells=(RNN(),),
        interface=Interface(streams=2, state="keep", every_step=True),
    ),
    Case(name="RNN, state loaded and saved", cells=(RNN(),), interface=Interface(state="load")),
    Case(name="LSTM, state loaded and saved", cells=(LSTM(),), interface=Interface(state="load")),
    Case(name="LiteLSTM, state loaded and saved", cells=_LITE, interface=Interface(state="load")),
    Case(
        name="GRU, state loaded and saved",
        cells=(GRU(reset="after"),),
        interface=Interface(state="load"),
    ),
    Case(name="every step, a head", cells=_LITE, outputs=2, interface=Interface(every_step=True)),
    Case(name="classes", cells=(RNN(),), outputs=3, interface=Interface(classes=True)),
    Case(
        name="sums in block RAM",
        cells=_LITE,
        units=(3,),
        lanes=2,
        storage=Storage(sums="block"),
    ),
)
"""Proved by ``make formal``, a third of them by ``make test``, too."""

DELTA = (
    Case(name="RNN, delta", cells=(RNN(),), units=(1,), delta=True),
    Case(
        name="RNN, delta, state kept, every step",
        cells=(RNN(),),
        units=(1,),
        interface=Interface(state="keep", every_step=True),
        delta=True,
    ),
)
"""Delta cores: their handshakes, rows and words, and that each unit is in its list once."""
