"""The iCE40's multiplier in its mode for two products, in place of the generic description.

The module stays a black box until the core is mapped. Otherwise Yosys would take adders and
registers into the multiplier, and with them leave the mode.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from hdl.spec.multipliers import SIZES
from litelstm.fpga.families import Family

_GENERIC = "_lanes_dual"
"""Part of the names of the modules of :class:`hdl.array.dual_product.DualProduct`."""

_NAME = "litelstm_dual_product"

_HEAD = """\
module {name}({ports});
  input {inputs};
  input [{operand}-1:0] operand;
  input [2*{weight}-1:0] weights;
  output [{operand}+{weight}-1:0] product_q0, product_q1;
"""

_WIDTH = re.compile(r"^  input \[(\d+):0\] (operand|weights);", re.MULTILINE)
"""Widths of the factors' ports in the generic module."""

_VECTORS = ("operand", "weights", "product_q0", "product_q1")

_BODY = """\
  wire signed [{operand}-1:0] x = operand;
  wire signed [{weight}-1:0] low = weights[{weight}-1:0], high = weights[2*{weight}-1:{weight}];
  wire signed [7:0] wide_x = x, wide_low = low, wide_high = high;
  wire [15:0] wide_q0, wide_q1;
  assign product_q0 = wide_q0[{operand}+{weight}-1:0];
  assign product_q1 = wide_q1[{operand}+{weight}-1:0];
  SB_MAC16 #(
    .A_SIGNED(1'b1), .B_SIGNED(1'b1), .MODE_8x8(1'b1), .A_REG(1'b1), .B_REG(1'b1),
    .TOP_8x8_MULT_REG(1'b1), .BOT_8x8_MULT_REG(1'b1),
    .TOPOUTPUT_SELECT(2'b10), .BOTOUTPUT_SELECT(2'b10)
  ) multiplier (
    .CLK(clk), .CE(1'b1), .A({{wide_high, wide_low}}), .B({{wide_x, wide_x}}), .C(16'b0), .D(16'b0),
    .AHOLD(1'b0), .BHOLD(1'b0), .CHOLD(1'b0), .DHOLD(1'b0),
    .IRSTTOP(1'b0), .IRSTBOT(1'b0), .ORSTTOP(1'b0), .ORSTBOT(1'b0),
    .OLOADTOP(1'b0), .OLOADBOT(1'b0), .ADDSUBTOP(1'b0), .ADDSUBBOT(1'b0),
    .OHOLDTOP(1'b0), .OHOLDBOT(1'b0), .CI(1'b0), .ACCUMCI(1'b0), .SIGNEXTIN(1'b0),
    .O({{wide_q1, wide_q0}})
  );
endmodule
"""


class DualMultiplier:
    """Yosys' commands that use the mode.

    Args:
        ports: of the generic module; what it does not use differs from core to core.
        operand, weight: bits of the factors.
    """

    def __init__(self, ports: list[str], operand: int, weight: int) -> None:
        inputs = ", ".join(port for port in ports if port not in _VECTORS)
        widths = {"operand": operand, "weight": weight}
        self._head = _HEAD.format(name=_NAME, ports=", ".join(ports), inputs=inputs, **widths)
        self._body = _BODY.format(**widths)

    @classmethod
    def of(cls, verilog: str, family: Family) -> DualMultiplier | None:
        """For a core with dual products and a family with such multipliers; else ``None``."""
        if not SIZES[family.multiplier].native:
            return None
        found = re.search(
            rf"^module \w*{_GENERIC}0\(([^)]*)\);(.*?)^endmodule", verilog, re.MULTILINE | re.DOTALL
        )
        if not found:
            return None
        tops = {name: int(top) for top, name in _WIDTH.findall(found[2])}
        return cls(found[1].split(", "), tops["operand"] + 1, (tops["weights"] + 1) // 2)

    def begin(self) -> Iterator[str]:
        """Yield the commands after the core is read."""
        yield f"read_verilog <<verilog\n(* blackbox *)\n{self._head}endmodule\nverilog"
        yield f"chtype -set {_NAME} t:*{_GENERIC}*"

    def end(self) -> Iterator[str]:
        """Yield the commands after the mapping."""
        yield f"delete ={_NAME}"
        yield f"read_verilog <<verilog\n{self._head}{self._body}verilog"
        yield from ("flatten", f"delete {_NAME}", "opt_clean")
