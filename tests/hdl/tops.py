"""Cores of every kind of top, small ones that together have every module: for what holds of all."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from golden.cells import GRU, LSTM, RNN
from golden.interface import DEFAULT, Interface
from golden.link.messages import Identity
from hdl.board.board_top import BoardTop, Line, board_verilog
from hdl.bus.options import Bus
from hdl.packaging.system import Host, generate_system
from hdl.plan import Plan
from hdl.spec.multipliers import ANY, Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import BUILT_IN, Storage
from hdl.verilog import generated
from sim.draw.directions import with_directions
from sim.draw.networks import Recipe, quantized_network
from sim.draw.sharing import symmetric

LINE = Line(clock=12_000_000, baud=115_200)

SMALL = Recipe(inputs=2, units=(3, 2), outputs=3)
EVERYTHING = Interface(streams=3, state="load", every_step=True)
MIXED = Recipe(
    inputs=3,
    units=(5, 4, 3),
    outputs=4,
    cells=(LSTM(peephole="current"), GRU(), RNN()),
    mixed=True,
    interpolate=True,
)
LITELSTM = Recipe(
    inputs=3,
    units=(5, 4),
    outputs=6,
    sigmoid=("hard", "logistic"),
    peephole=("full", "diagonal"),
    mixed=True,
)


NARROW = Recipe(
    inputs=2,
    units=(4, 3),
    outputs=3,
    weight_width=4,
    activation_width=6,
    state_width=8,
    cells=(GRU(), RNN()),
)


def _plan(
    recipe: Recipe = SMALL,
    *,
    lanes: int = 2,
    tail: int = 2,
    interface: Interface = DEFAULT,
    storage: Storage = BUILT_IN,
    max_steps: int = 0,
    multipliers: Multipliers = ANY,
    parity: bool = False,
) -> Plan:
    network = quantized_network(recipe, 1)
    if multipliers != ANY:
        network = symmetric(network)
    return Plan(
        network=with_directions(network, 2) if max_steps else network,
        options=CoreOptions(
            lanes=lanes,
            tail_multipliers=tail,
            interface=interface,
            storage=storage,
            max_steps=max_steps,
            multipliers=multipliers,
            parity=parity,
        ),
    )


def _plain(recipe: Recipe = SMALL, **options: object) -> str:
    return generated(_plan(recipe, **options), name="core").verilog  # pyright: ignore


def _system(host: Host, recipe: Recipe = SMALL, **options: object) -> str:
    return generate_system(_plan(recipe, **options), host=host, name="core").verilog  # pyright: ignore


def _board() -> str:
    plan = _plan()
    identity = Identity.of(plan.network, plan.options.interface, capacity=64)
    return board_verilog(BoardTop(plan=plan, identity=identity, line=LINE, high=("led",)))


_TOPS: dict[str, Callable[[], str]] = {
    "plain": _plain,
    "one_of_everything": lambda: _plain(Recipe(inputs=1, units=(1,), outputs=None), lanes=1),
    "three_kinds_of_cells": lambda: _plain(MIXED, lanes=3),
    "products_in_logic": lambda: _plain(
        Recipe(units=(4,), cells=(GRU(reset="after"),)), lanes=4, tail=0
    ),
    "interface": lambda: _plain(MIXED, lanes=2, interface=EVERYTHING),
    "block": lambda: _plain(MIXED, lanes=3, storage=Storage(sums="block")),
    "loaded_block": lambda: _plain(
        LITELSTM, tail=0, interface=EVERYTHING, storage=Storage(weights="ram", sums="block")
    ),
    "double": lambda: _plain(
        Recipe(units=(6, 5), cells=(GRU(), LSTM())), lanes=3, storage=Storage(weights="double")
    ),
    "both_ways": lambda: _plain(
        MIXED, interface=Interface(every_step=True, classes=True), max_steps=9
    ),
    "shared_multipliers": lambda: _plain(
        NARROW, lanes=4, multipliers=Multipliers(pack="2", multiplier="18x18")
    ),
    "dual_multipliers": lambda: _plain(
        NARROW, lanes=3, multipliers=Multipliers(pack="2", multiplier="dual-8x8")
    ),
    "guarded": lambda: _plain(LITELSTM, storage=Storage(weights="ram"), parity=True),
    "axi": lambda: _system(Host()),
    "axi_guarded": lambda: _system(Host(), MIXED, interface=EVERYTHING, parity=True),
    "axi_tight": lambda: _system(
        Host(bus=Bus(width=64, packing="tight")),
        MIXED,
        interface=EVERYTHING,
        storage=Storage(weights="double"),
    ),
    "window": lambda: _system(
        Host(bus=Bus(window=True)), interface=EVERYTHING, storage=Storage(weights="ram")
    ),
    "spi": lambda: _system(Host(kind="spi")),
    "uart": lambda: _system(
        Host(kind="uart", line=LINE), interface=Interface(streams=2, state="keep", classes=True)
    ),
    "board": _board,
}

NAMES = tuple(_TOPS)


@cache
def verilog(name: str) -> str:
    """Verilog of a kind of top; the module is ``core``, a board's ``litelstm_board``."""
    return _TOPS[name]()
