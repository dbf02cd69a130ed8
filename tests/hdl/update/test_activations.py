"""Activations in gates against golden: all inputs, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed

from golden.activations import ExponentialTable, TanhTable, hard_sigmoid_raw
from golden.formats import Format, requantize
from hdl.update.activations import Tanh, hard_sigmoid, logistic_from_tanh
from tests.hdl.simulate import count_up, watch

GATES = [
    Format(width=2, frac=0),
    Format(width=5, frac=2),
    Format(width=10, frac=8),
    Format(width=18, frac=16),
]


def table(
    log2_entries: int, log2_range: int, interpolate: bool, width: int, frac: int
) -> TanhTable:
    return TanhTable(
        log2_entries=log2_entries,
        log2_range=log2_range,
        interpolate=interpolate,
        out=Format(width=width, frac=frac),
    )


@pytest.mark.slow
@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("width", [1, 2, 5, 12])
def test_hard_sigmoid_of_all_values(width: int, early: bool) -> None:
    m = Module()
    value = Signal(signed(width), init=-(1 << (width - 1)))
    count_up(m, value)
    cases = [(frac, gate) for frac in (0, 1, 4, 9, 14) for gate in GATES]
    outputs = [hard_sigmoid(m, value, frac=frac, to=gate, early=early) for frac, gate in cases]
    got = np.array(watch(m, outputs, cycles=1 << width))
    raw = np.arange(-(1 << (width - 1)), 1 << (width - 1))
    for column, (frac, gate) in enumerate(cases):
        assert outputs[column].shape() == signed(gate.width)
        assert (got[:, column] == hard_sigmoid_raw(raw, frac=frac, to=gate)).all(), (frac, gate)


@pytest.mark.slow
def test_everything_of_all_16_bit_values() -> None:
    """Hard sigmoid, and both kinds of table with the logistic sigmoid behind, in one run."""
    m = Module()
    value = Signal(signed(16), init=-(1 << 15))
    count_up(m, value)
    gate = Format(width=10, frac=8)
    fine = Format(width=18, frac=16)
    tables = [table(8, 2, False, 10, 8), table(8, 3, True, 18, 16)]
    outputs = [hard_sigmoid(m, value, frac=12, to=gate), hard_sigmoid(m, value, frac=15, to=fine)]
    for index, tanh in enumerate(tables):
        m.submodules[f"tanh{index}"] = unit = Tanh(table=tanh, fracs=[12], width=16)
        m.submodules[f"half{index}"] = half = Tanh(table=tanh, fracs=[13], width=16)
        m.d.comb += [unit.i.eq(value), half.i.eq(value)]
        outputs += [unit.o, logistic_from_tanh(m, half.o, frac=tanh.out.frac, to=gate)]
    got = np.array(watch(m, outputs, cycles=(1 << 16) + 5))
    raw = np.arange(-(1 << 15), 1 << 15)
    want = [
        (0, hard_sigmoid_raw(raw, frac=12, to=gate)),
        (0, hard_sigmoid_raw(raw, frac=15, to=fine)),
        (4, tables[0](raw, frac=12)),
        (4, tables[0].logistic(raw, frac=12, to=gate)),
        (5, tables[1](raw, frac=12)),
        (5, tables[1].logistic(raw, frac=12, to=gate)),
    ]
    for column, (latency, expected) in enumerate(want):
        assert (got[latency : latency + len(raw), column] == expected).all(), column


@pytest.mark.parametrize("gate", GATES, ids=str)
@pytest.mark.parametrize("frac", [1, 4, 8])
def test_logistic_from_tanh_of_all_values(frac: int, gate: Format) -> None:
    m = Module()
    t = Signal(signed(frac + 2), init=-(1 << (frac + 1)))
    count_up(m, t)
    result = logistic_from_tanh(m, t, frac=frac, to=gate)
    got = [row[0] for row in watch(m, [result], cycles=1 << (frac + 2))]
    raw = np.arange(-(1 << (frac + 1)), 1 << (frac + 1))
    want = requantize(raw + (1 << frac), frac=frac + 1, to=gate).clip(0, gate.one)
    assert got == want.tolist()


TABLES = [
    table(2, 2, False, 4, 2),
    table(2, 5, True, 9, 7),  # fewer entries than integers in its range
    table(3, 2, True, 10, 8),
    table(4, 5, False, 9, 7),
    table(6, 3, True, 12, 12),  # saturates below 1.0
    table(7, 2, True, 4, 3),  # many entries of little precision: rises of 0 and 1
    table(8, 2, False, 10, 8),
    table(9, 4, False, 8, 7),  # 1.0 does not fit
    table(10, 3, True, 18, 16),
    ExponentialTable.like(table(8, 2, False, 10, 8), "elu"),
    ExponentialTable.like(table(6, 3, True, 12, 10), "selu"),
    ExponentialTable.like(table(7, 2, True, 9, 8), "selu"),  # saturates below alpha
]
tables = pytest.mark.parametrize(
    "tanh",
    TABLES,
    ids=lambda t: f"{t.entries}over{1 << t.log2_range}{'i' if t.interpolate else 'n'}{t.out}",
)


@pytest.mark.slow
@tables
@pytest.mark.parametrize("deep", [False, True])
def test_tanh_of_all_values_at_several_binary_points(tanh: TanhTable, deep: bool) -> None:
    """Binary points change from cycle to cycle, so that nothing of one item meets another's."""
    width = 9
    fracs = [7, 8, -1, 4, 20, 6, 12, 1]
    m = Module()
    m.submodules.tanh = unit = Tanh(table=tanh, fracs=fracs, width=width, deep=deep)
    assert unit.latency == (5 if tanh.interpolate else 4) + deep
    counter = Signal(width + 3)
    count_up(m, counter)
    m.d.comb += [unit.select.eq(counter[:3]), unit.i.eq(counter[3:])]
    got = np.array(watch(m, [unit.o], cycles=(1 << (width + 3)) + unit.latency))[:, 0]
    raw = np.arange(1 << width)
    raw[1 << (width - 1) :] -= 1 << width
    for index, frac in enumerate(fracs):
        results = got[unit.latency + index :: 8][: 1 << width]
        assert (results == tanh(raw, frac=frac)).all(), frac


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("interpolate", [False, True])
@pytest.mark.parametrize("width", [2, 3, 18])
def test_tanh_at_the_ends_of_a_width(width: int, interpolate: bool, deep: bool) -> None:
    tanh = table(6, 2, interpolate, 10, 8)
    m = Module()
    m.submodules.tanh = unit = Tanh(table=tanh, fracs=[width - 2], width=width, deep=deep)
    values = [-(1 << (width - 1)), (1 << (width - 1)) - 1, 0, 1, -1, -(1 << (width - 1)) + 1]
    counter = Signal(4)
    count_up(m, counter)
    with m.Switch(counter):
        for index, value in enumerate(values):
            with m.Case(index):
                m.d.comb += unit.i.eq(value)
    got = [row[0] for row in watch(m, [unit.o], cycles=len(values) + unit.latency)]
    assert got[unit.latency :] == tanh(values, frac=width - 2).tolist()


@pytest.mark.usefixtures("made_in_vain")
def test_the_hardware_table_is_goldens() -> None:
    with pytest.raises(ValueError, match=r"Tanh fracs must not be empty, not \[\]"):
        Tanh(table=TABLES[0], fracs=[], width=8)
    unit = Tanh(table=TABLES[0], fracs=(3, 4), width=8)
    assert (unit.table, unit.fracs, unit.width, unit.deep) == (TABLES[0], (3, 4), 8, False)
