"""``litelstm cycles`` on files and on cells, and ``--tail-multipliers`` where it is taken."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.cycles import ROWS, Row
from golden.changes import changes_in_use
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from golden.thresholds import Thresholds
from hdl import cycles
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.architectures import CELLS, Architecture
from tests.litelstm.commands import refuse, run, run_json

Capture = pytest.CaptureFixture[str]
GRU = ("--cell", "gru", "--inputs", "4", "--units", "6", "--lanes", "3")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small GRU in a file, the same as ``GRU`` describes."""
    path = tmp_path_factory.mktemp("cycles") / "net.npz"
    Architecture(cell="gru", inputs=4, units=6).quantized().save(path)
    return path


def test_a_file_and_its_description_take_the_same(capsys: Capture, network: Path) -> None:
    of_file = run_json(capsys, "cycles", str(network), "--lanes", "3")
    assert of_file == run_json(capsys, "cycles", *GRU)


def test_the_numbers_are_those_of_the_count(capsys: Capture, network: Path) -> None:
    report = run_json(capsys, "cycles", str(network), "--lanes", "3", "--steps", "5")
    plan = Plan(network=QuantizedNetwork.load(network), options=CoreOptions(lanes=3))
    steady, alone = cycles.steady_state(plan), cycles.count(plan, [5])
    back_to_back = cycles.count(plan, [5] * 4).outputs
    assert report["cycles_per_step"] == steady.cycles_per_step
    assert report["ideal_cycles_per_step"] == 3 * 6 * (4 + 6) / 3
    assert report["waited_per_step"] == steady.waited
    assert report["first_output"] == alone.outputs[0]
    assert report["last_output"] == alone.outputs[-1]
    assert report["cycles_per_sequence"] == back_to_back[-1] - back_to_back[-7]
    assert report["state_update_multipliers"] == 2


def test_a_delta_core_is_counted_on_samples(capsys: Capture, tmp_path: Path) -> None:
    """Sequences that repeat one vector take less than those that change; none more than told."""
    dense = Architecture(cell="gru", inputs=4, units=6, head=3).quantized()
    network = replace(dense, thresholds=Thresholds.of(dense, x=2, h=3))
    network.save(tmp_path / "net.npz")
    x = np.random.default_rng(1).uniform(-1, 1, size=(5, 7, 4))
    x[3:] = x[3:, :1]
    np.savez(tmp_path / "x.npz", x=x)
    files = (str(tmp_path / "net.npz"), "--samples", str(tmp_path / "x.npz"), "--count", "4")
    report = run_json(capsys, "cycles", *files, "--lanes", "3")
    found = report["samples"]
    plan = Plan(network=network, options=CoreOptions(lanes=3, delta=True))
    words = network.quantize_input(x)
    series = [words[n] for n in (0, 0, 1, 2, 3)]
    sent = changes_in_use(network, np.concatenate(series), cycles.controls_of([7] * 5))
    ends = cycles.count(plan, [7] * 5, changes=sent).outputs[2::3]
    assert found["cycles"] == np.diff(ends).tolist()
    assert found["mean"] == np.diff(ends).mean()
    assert found["percentiles"]["most"] == max(found["cycles"]) <= report["cycles_per_sequence"]
    assert found["cycles"][3] < min(found["cycles"][:3])
    alone = Plan(network=dense, options=CoreOptions(lanes=3))
    assert found["without_delta"] == cycles.cycles_per_sequence(alone, 7)
    assert found["speedup"] == found["without_delta"] / found["mean"]
    text = run(capsys, "cycles", *files, "--lanes", "3")
    assert f"speed-up {found['speedup']:.2f} over the core without delta" in text


def test_samples_are_for_delta_cores_and_have_a_length(
    capsys: Capture, network: Path, tmp_path: Path
) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((2, 3, 4)))
    line = ("cycles", str(network), "--samples", str(tmp_path / "x.npz"))
    assert "--samples needs --delta" in refuse(capsys, *line)
    assert "--steps goes without --samples" in refuse(capsys, *line, "--delta", "--steps", "5")
    assert "speed-up" in run(capsys, *line, "--delta")


@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_is_counted(capsys: Capture, cell: str) -> None:
    arguments = ("--inputs", "3", "--units", "8", "--layers", "2", "--head", "4", "--lanes", "4")
    report = run_json(capsys, "cycles", "--cell", cell, *arguments, "--sigmoid", "logistic")
    assert report["cycles_per_step"] >= report["issued_per_step"]
    assert 0 < report["utilization"] <= 1
    assert report["cycles_per_sequence"] >= 28 * report["cycles_per_step"] - 100


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.title)
def test_the_count_meets_the_bars(row: Row) -> None:
    """The formula gives the cycles that bench.cycles measures in simulation."""
    interface = Interface(streams=row.streams)
    plan = Plan(
        network=row.work.quantized(), options=CoreOptions(lanes=row.lanes, interface=interface)
    )
    assert cycles.steady_state(plan).cycles_per_step <= row.bar


def test_it_says_what_the_array_waits_for(capsys: Capture) -> None:
    text = run(capsys, "cycles", "--cell", "litelstm", "--inputs", "1", "--units", "16")
    assert "65 cycles per step, ideal 50" in text
    assert "the array waits 15 cycles per step for c of layer0" in text
    text = run(capsys, "cycles", "--cell", "litelstm", "--inputs", "16", "--units", "16")
    assert "the array never waits" in text


def test_it_says_what_empty_lanes_cost(capsys: Capture) -> None:
    """Nothing waits, yet 64 units on 10 lanes take 7 rows of which the last is not full."""
    sizes = ("--cell", "litelstm", "--inputs", "28", "--units", "64")
    text = run(capsys, "cycles", *sizes, "--lanes", "10")
    assert "1736 cycles per step, ideal 1587.2" in text
    assert "the array never waits" in text
    assert "8.6% of the lanes are empty" in text
    assert "this costs 148.8 cycles per step" in text
    assert "empty" not in run(capsys, "cycles", *sizes, "--lanes", "16")


def test_empty_lanes_of_a_head_count_where_every_step_has_a_result(capsys: Capture) -> None:
    """Its 10 logits on 16 lanes leave 6 of them empty for 64 columns, so 24 cycles of 1056."""
    sizes = ("--cell", "litelstm", "--inputs", "28", "--units", "64", "--head", "10")
    assert "empty" not in run(capsys, "cycles", *sizes)
    text = run(capsys, "cycles", *sizes, "--every-step")
    assert "2.3% of the lanes are empty" in text
    assert "this costs 24 cycles per step" in text


def test_fewer_tail_multipliers_take_longer(capsys: Capture) -> None:
    arguments = ("cycles", "--cell", "plstm", "--inputs", "1", "--units", "16")
    one, two, six = (
        run_json(capsys, *arguments, "--tail-multipliers", n)["last_output"] for n in "126"
    )
    assert one > two >= six


@pytest.mark.slow
def test_generate_takes_tail_multipliers(capsys: Capture, network: Path, tmp_path: Path) -> None:
    for count in (1, 2):
        run(
            capsys,
            *("generate", str(network), "--lanes", "3", "-o", str(tmp_path)),
            *("--tail-multipliers", str(count), "--name", f"core{count}"),
        )
        described = json.loads((tmp_path / f"core{count}.json").read_text(encoding="utf-8"))
        assert described["multipliers"]["state_update"] == count


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "NETWORK or --cell is needed"),
        (("--units", "3"), "NETWORK or --cell is needed"),
        (("net.npz", "--cell", "gru"), "--cell goes without NETWORK"),
        (("net.npz", "--layers", "1"), "--layers goes without NETWORK"),
        (("--cell", "gru", "--units", "3"), "--inputs is needed"),
        (("--cell", "gru", "--inputs", "3"), "--units is needed"),
        ((*GRU, "--steps", "0"), "Invalid value for '--steps': 0 is not in the range x>=1."),
        ((*GRU, "--tail-multipliers", "-1"), "--tail-multipliers is -1, expected 0 or more"),
        ((*GRU, "--lanes", "7"), "--lanes is 7, expected 1 to 6 (the units of the largest layer)"),
        ((*GRU, "--units", "0"), "--units is 0, expected 1 to 2048"),
        ((*GRU, "--inputs", "-1"), "--inputs is -1, expected 1 to 2048"),
        ((*GRU, "--layers", "65"), "--layers is 65, expected 1 to 64"),
        ((*GRU, "--head", "0"), "--head is 0, expected 1 to 2048"),
        ((*GRU, "--sigmoid", "soft"), "Invalid value for '--sigmoid': 'soft'"),
        (("no.npz",), "no.npz: "),
    ],
)
def test_bad_input_is_one_line(capsys: Capture, arguments: tuple[str, ...], message: str) -> None:
    assert refuse(capsys, "cycles", *arguments).startswith(message)


def test_an_unknown_cell_is_told_the_known_ones(capsys: Capture) -> None:
    line = refuse(capsys, "cycles", "--cell", "mlp", "--inputs", "1", "--units", "1")
    known = ", ".join(map(repr, CELLS))
    assert line == f"Invalid value for '--cell': 'mlp' is not one of {known}."


@pytest.mark.parametrize(("units", "lanes"), [(3, 3), (16, 16), (40, 16)])
def test_lanes_are_16_or_all_units_where_there_are_fewer(
    capsys: Capture, units: int, lanes: int
) -> None:
    sizes = ("--inputs", "2", "--units", str(units))
    cell = run_json(capsys, "cycles", "--cell", "gru", *sizes)
    assert cell["lanes"] == lanes
    assert run_json(capsys, "compare", *sizes)["lanes"] == lanes
