"""C++ that puts random values on every input of a Verilated design, generated from its Verilog."""

from __future__ import annotations

import re
from collections.abc import Mapping

_CLOCKS_AND_RESETS = ("clk", "rst", "aclk", "aresetn")

_INPUT = re.compile(r"^  input (?:\[(\d+):0\] )?(\w+);$", re.MULTILINE)


def noise_header(designs: Mapping[str, str]) -> str:
    """Generate the header ``noise.h``: ``make_noise(model, seed)`` for each model.

    Args:
        designs: Verilog texts by name of the top module.
    """
    lines = [
        "#include <cstdint>",
        "namespace litelstm {",
        "// splitmix64",
        "inline uint64_t mixed(uint64_t& state) {",
        "    uint64_t z = state += 0x9E3779B97F4A7C15u;",
        "    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;",
        "    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;",
        "    return z ^ (z >> 31);",
        "}",
        "// Drives all inputs but clock and reset.",
    ]
    for top, verilog in designs.items():
        lines.append(f"inline void make_noise(V{top}& m, uint64_t& seed) {{")
        for name, width in inputs(verilog, top).items():
            lines.append(f"    m.{name} = mixed(seed) >> {64 - width};")
        lines.append("}")
    return "\n".join([*lines, "}  // namespace litelstm", ""])


def inputs(verilog: str, top: str) -> dict[str, int]:
    """Find the inputs of a module but its clock and reset: their widths in bits, by name."""
    begin = verilog.index(f"\nmodule {top}(")
    module = verilog[begin : verilog.index("\nendmodule", begin)]
    found = {name: int(high or 0) + 1 for high, name in _INPUT.findall(module)}
    return {name: width for name, width in found.items() if name not in _CLOCKS_AND_RESETS}
