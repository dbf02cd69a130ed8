"""Vivado's script for the bitstream of a board whose part has no open router here."""

from __future__ import annotations

from hdl.board.board_top import TOP
from litelstm.fpga.boards import Board

_SCRIPT = """\
# Makes board.bit for {title} with AMD Vivado. Not run with Vivado, which was not at hand.
#
#     vivado -mode batch -source build.tcl
set here [file dirname [file normalize [info script]]]
read_verilog [file join $here {verilog}]
read_xdc [file join $here {pins}]
synth_design -top {top} -part {part}
opt_design
place_design
phys_opt_design
route_design
set_property CFGBVS VCCO [current_design]
set_property CONFIG_VOLTAGE 3.3 [current_design]
report_utilization -file [file join $here utilization.rpt]
report_timing_summary -file [file join $here timing.rpt]
if {{[get_property SLACK [get_timing_paths]] < 0}} {{
    error "the clock is not met: see timing.rpt"
}}
write_bitstream -force [file join $here board.bit]
"""


def vivado_script(board: Board, verilog: str) -> str:
    """Write a Tcl script that makes a board's bitstream.

    Args:
        board: the board.
        verilog: name of the file with its top, beside the script.
    """
    definition = board.definition()
    return _SCRIPT.format(
        title=board.title,
        verilog=verilog,
        pins=board.chip.family.pin_file,
        top=TOP,
        part=f"{definition.device}{definition.package}-{definition.speed}".lower(),
    )
