"""Amaranth's Yosys in this process: it prints what its own process prints, and starts anew."""

from __future__ import annotations

import pytest
from amaranth._toolchain.yosys import find_yosys

from hdl.export import yosys

DESIGN = """\
read_rtlil <<rtlil
module \\top
  wire input 1 \\a
  wire output 2 \\y
  connect \\y \\a
end
rtlil
"""


def test_it_prints_what_a_process_prints() -> None:
    script = f"{DESIGN}write_verilog -norename\n"
    expected = find_yosys(lambda version: True).run(["-q", "-"], script)
    assert "assign y = a;" in expected
    assert yosys.run(script) == expected


def test_nothing_is_left_of_the_run_before() -> None:
    yosys.run(DESIGN)
    assert "module" not in yosys.run("write_verilog\n")


def test_an_error_is_its_own() -> None:
    with pytest.raises(RuntimeError, match="ERROR: No such command: nothing"):
        yosys.run("nothing\n")
    assert "assign y = a;" in yosys.run(f"{DESIGN}write_verilog\n")
