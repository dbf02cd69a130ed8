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
from litelstm.fpga.families import RAM
from litelstm.fpga.flow import Flow, Routed, Synthesized
from tests.litelstm.conftest import Call, Files

pytestmark = [pytest.mark.fpga, pytest.mark.usefixtures("made_in_vain")]

NAMES = pytest.mark.parametrize("name", BOARDS)


@pytest.fixture
def command(files: Files, tmp_path: Path) -> list[object]:
    """``litelstm build`` of a small board into the folder ``made``."""
    command = ["build", files.network, "--board", "icebreaker", "--lanes", 2, "--buffer", 64]
    return [*command, "-o", tmp_path / "made"]


@NAMES
def test_every_board_has_a_pin_for_every_port(name: str, files: Files) -> None:
    board = BOARDS[name]
    network = QuantizedNetwork.load(files.network)
    line = Line(clock=board.clock, baud=board.baud)
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
    assert all(f" {site}" in constraints or f'"{site}"' in constraints for site in pins.values())


@NAMES
def test_a_boards_part_is_the_one_that_its_definition_names(name: str) -> None:
    board = BOARDS[name]
    definition = board.definition()
    arguments = " ".join(board.part.arguments).lower()
    device = definition.device.lower().removeprefix("lfe5u-").removeprefix("ice40")
    assert f"--{device.replace('25f', '25k').replace('45f', '45k').replace('85f', '85k')} " in (
        f"{arguments} "
    )
    package = {"BG381": "cabga381", "BG256": "cabga256", "SG48": "sg48", "CT256": "ct256"}
    assert f"--package {package[definition.package]}" in arguments
    if hasattr(definition, "speed"):
        assert f"--speed {definition.speed}" in arguments
    assert board.part.mhz * 1_000_000 >= board.clock


def test_from_network_to_bitstream(
    files: Files, call: Call, command: list[object], tmp_path: Path
) -> None:
    folder = tmp_path / "made"
    done = call(*command, "--json", "-")
    assert done.status == 0, done.err
    report = json.loads(done.out)
    assert report == json.loads((folder / "board.json").read_text())
    assert report["mhz"] >= 12
    assert report["clock_hz"] == 12_000_000
    assert report["resources"]["pin"]["used"] == 3
    assert report["parts"]["host link"]["LUT"] > 100
    identity = Identity.of(QuantizedNetwork.load(files.network), Interface(), capacity=64)
    assert report["identity"] == {**asdict(identity), "network": identity.network.hex()}
    assert (folder / "board.bin").stat().st_size > 100_000
    assert "module litelstm_board(" in (folder / "board.v").read_text()
    assert (folder / "pins.pcf").read_text() == BOARDS["icebreaker"].constraints()
    assert f"bitstream: {folder / 'board.bin'}" in call(*command).out


def test_a_clock_that_is_not_met_is_refused(
    call: Call, command: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    real = Flow.route

    def slow(self: Flow, synthesized: Synthesized, *, seed: int, pins: str) -> Routed:
        tried.append(seed)
        return replace(real(self, synthesized, seed=1, pins=pins), mhz=9.0 + seed)

    monkeypatch.setattr(Flow, "route", slow)
    done = call(*command, "--seeds", 2)
    assert done.status == 2
    said = done.err.splitlines()[-1]
    assert "icebreaker runs at 12 MHz, the design reaches 11.0 MHz (best of 2 seeds)" in said
    assert tried == [1, 2]
    assert not (tmp_path / "made").exists()
    assert call(*command, "--seeds", 9).status == 0
    assert tried == [1, 2, 1, 2, 3]


def test_a_core_that_does_not_fit(
    call: Call, command: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Board, "part", replace(BOARDS["icebreaker"].part, available={RAM: 1}))
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
