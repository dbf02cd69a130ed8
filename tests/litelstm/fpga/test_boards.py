"""``litelstm build``: the table of boards, and from a network to a board's bitstream."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from golden import packages
from golden.interface import DEFAULT, Interface
from golden.link.messages import DEFAULT_CAPACITY, Identity
from golden.quantized import QuantizedNetwork
from hdl.board.board_top import BoardTop, Line
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.fpga.boards import BOARDS, Board
from litelstm.fpga.families import MULTIPLIER, RAM, XILINX7
from litelstm.fpga.flow import Flow, Routed, Synthesized
from tests.litelstm.conftest import Call, Files

pytestmark = [pytest.mark.fpga, pytest.mark.usefixtures("made_in_vain")]

NAMES = pytest.mark.parametrize("name", BOARDS)


@pytest.fixture
def command(files: Files, tmp_path: Path) -> list[object]:
    """``litelstm build`` of a small board into ``made``: one that is routed once."""
    command = ["build", files.network, "--board", "icebreaker", "--lanes", 2, "--buffer", 64]
    command += ["--clock", 18]
    return [*command, "-o", tmp_path / "made"]


@NAMES
def test_every_board_has_a_pin_for_every_port(name: str, files: Files) -> None:
    board = BOARDS[name]
    network = QuantizedNetwork.load(files.network)
    line = Line(clock=board.oscillator, baud=board.baud)
    top = BoardTop(
        plan=Plan(network=network, options=CoreOptions(lanes=1)),
        identity=Identity.of(network, DEFAULT, capacity=DEFAULT_CAPACITY),
        line=line,
        high=board.high_ports,
    )
    pins = {pin.port: pin.site for pin in board.pins()}
    assert set(pins) == set(top.signature.members)
    assert len(set(pins.values())) == len(pins)
    constraints = board.constraints()
    for port, site in pins.items():
        (placed,) = re.findall(
            rf'^.*\b{port}\b.*[ "]{site}\b.*$|^.*[ "]{site}\b.*\b{port}\b.*$', constraints, re.M
        )
        assert placed.startswith(("LOCATE", "set_io", "IO_LOC", "set_property PACKAGE_PIN"))


PACKAGES = {
    "BG381": "CABGA381",
    "BG256": "CABGA256",
    "BG554": "CABGA554",
    "MG285": "CSFBGA285",
    "SG48": "sg48",
    "CT256": "ct256",
}
"""Package in a definition, and nextpnr's name of it."""


@NAMES
def test_a_boards_part_is_the_one_that_its_definition_names(name: str) -> None:
    board = BOARDS[name]
    definition, arguments = board.definition(), " ".join((*board.part.arguments, ""))
    if board.part.family.name == "Gowin":
        assert f"--device {definition.part} " in arguments
    elif board.part.family is XILINX7:
        assert definition.device.removesuffix("i") == board.chip.name.replace("xilinx-", "xc7")
    else:
        device = definition.device.lower().removeprefix("lfe5").removeprefix("ice40")
        device = re.sub(r"(\d+)f$", r"\1k", device).removeprefix("u-")
        assert f"--{device} " in arguments
        assert f"--package {PACKAGES[definition.package]} " in arguments
        if hasattr(definition, "speed"):
            assert f"--speed {definition.speed} " in arguments


@NAMES
def test_every_board_has_a_pll_for_a_faster_and_a_slower_clock(name: str) -> None:
    board = BOARDS[name]
    assert board.pll_for(None) is None
    assert board.pll_for(board.oscillator / 1e6) is None
    for mhz in (18, 36):
        pll = board.pll_for(mhz)
        assert pll
        assert pll.reference == board.oscillator
        assert 0.95 * mhz <= pll.output / 1_000_000 <= mhz


def test_a_script_for_vivado(files: Files, call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    options = ["--board", "arty-a7-35t", "--lanes", 1, "--buffer", 64, "--clock", 115]
    done = call("build", files.network, *options, "-o", folder)
    assert done.status == 0, done.err
    assert f"script, not run here: vivado -mode batch -source {folder / 'build.tcl'}" in done.out
    assert "the board's clock is 115 MHz, made from 100 MHz" in done.out
    script = (folder / "build.tcl").read_text()
    assert "synth_design -top litelstm_board -part xc7a35ticsg324-1l\n" in script
    named = re.findall(r"\[file join \$here (\S+)\]", script)
    assert {"board.v", "pins.xdc"} <= set(named)
    assert {path.name for path in folder.iterdir()} == {
        *("board.v", "board.vlt", "pins.xdc", "build.tcl", "board.json")
    }
    assert "PLLE2_BASE #(" in (folder / "board.v").read_text()


def test_from_network_to_bitstream(
    files: Files, call: Call, command: list[object], tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    done = call(*command, "--json", "-")
    assert done.status == 0, done.err
    report = json.loads(done.out)
    assert report == json.loads((folder / "board.json").read_text())
    assert report["mhz"] >= 18
    assert report["oscillator_hz"] == 12_000_000
    assert report["clock_hz"] == 18_000_000
    # The router computes the clock from the PLL's parameters.
    assert report["constraint_mhz"] == pytest.approx(18, rel=1e-3)
    assert report["resources"]["pin"]["used"] == 3
    assert report["parts"]["host link"]["LUT"] > 100
    identity = Identity.of(QuantizedNetwork.load(files.network), Interface(), capacity=64)
    assert report["identity"] == {**asdict(identity), "network": identity.network.hex()}
    assert (folder / "board.bin").stat().st_size > 100_000
    verilog = (folder / "board.v").read_text()
    assert "module litelstm_board(" in verilog
    assert re.search(r"sums\s+(//\s+)?block", verilog)  # an iCE40 has no LUT RAM
    assert (folder / "pins.pcf").read_text() == BOARDS["icebreaker"].constraints()
    printed = call(*command).out
    assert f"bitstream: {folder / 'board.bin'}" in printed
    assert "MHz, the board's clock is 18 MHz, made from 12 MHz" in printed


def test_a_clock_that_is_not_met_is_refused(
    call: Call, command: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    real = Flow.route

    def slow(self: Flow, synthesized: Synthesized, *, seed: int, pins: str) -> Routed:
        tried.append(seed)
        return replace(real(self, synthesized, seed=1, pins=pins), mhz=15.0 + seed)

    monkeypatch.setattr(Flow, "route", slow)
    done = call(*command, "--seeds", 2)
    assert done.status == 2
    said = done.err.splitlines()[-1]
    wanted = "the clock of icebreaker is 18 MHz, the design reaches 17.0 MHz (best of 2 seeds)"
    assert wanted in said
    assert tried == [1, 2]
    assert not (tmp_path / "made").exists()
    assert call(*command, "--seeds", 9).status == 0
    assert tried == [1, 2, 1, 2, 3]


def test_a_core_that_does_not_fit(
    call: Call, command: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Board, "part", replace(BOARDS["icebreaker"].part, available={RAM: 1, MULTIPLIER: 8})
    )
    done = call(*command)
    assert done.status == 2
    said = done.err.splitlines()[-1]
    short = r"(\d) block RAMs of 1 \(\d too many\)"
    wanted = f"litelstm: 2 lanes do not fit icebreaker: {short}; try other --lanes"
    assert re.fullmatch(wanted, said)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--board", "basys"], "'basys' is not one of 'ulx3s-25f', 'ulx3s-45f'"),
        (["--board", "icebreaker", "--seeds", 0], "0 is not in the range x>=1"),
        (["--board", "icebreaker", "--lanes", 9], "lanes is 9, expected 1 to 4"),
        (["--board", "icebreaker", "--lanes", 1, "--baud", 5_000_000], "baud is 5000000"),
        (["--board", "icebreaker", "--lanes", 1, "--clock", 5], "--clock is 5 MHz, expected one"),
        (["--board", "icebreaker", "--lanes", 1, "--clock", "nan"], "--clock is nan MHz, expected"),
        (["--board", "icebreaker", "--lanes", 1, "--buffer", 2], "buffer is 2 bytes, expected 3"),
    ],
)
def test_bad_input_is_one_line(
    files: Files, call: Call, tmp_path: Path, options: list[object], says: str
) -> None:
    done = call("build", files.network, "-o", tmp_path / "made", *options)
    assert done.status == 2
    assert done.err.count("\n") == 1
    assert says in done.err
    assert not (tmp_path / "made").exists()


def test_a_missing_package_names_the_extra(
    files: Files, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: name != "amaranth_boards" or None)
    done = call("build", files.network, "--board", "icebreaker", "-o", tmp_path / "made")
    assert done.status == 2
    assert done.err == f"litelstm: amaranth_boards is missing: {packages.in_a_checkout('fpga')}\n"
