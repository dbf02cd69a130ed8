"""Area that AXI buses add to a core, and its clock over several seeds of the router.

    python -m bench.bus_area [--network models/mnist_litelstm_w8a8.npz] [--lanes 16] [--seeds 5]
    python -m bench.bus_area --streams 4 --state load

Prints the cells of the core alone and of the same core with its AXI top, and each median clock.

For the clock, a shell puts a register at every port, in shift registers with only their ends at
pins. So, as inside a system, every path from or to a port counts, but no distance to a pin.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import click
from amaranth.lib import wiring

from golden.quantized import QuantizedNetwork
from hdl.bus.top import AxiTop
from hdl.core import Core
from hdl.plan import Plan
from hdl.verilog import Top, convert
from litelstm import core_options, outputs
from litelstm.fpga.families import PIN
from litelstm.fpga.flow import Flow
from litelstm.fpga.targets import TARGETS
from litelstm.options import json_option

TOP, SHELL = "litelstm_core", "shell"


def shell(verilog: str) -> str:
    """Wrap a module's Verilog in a module with a register at each port."""
    module = verilog[verilog.index(f"module {TOP}(") :].partition("endmodule")[0]
    ports = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);$", module, re.MULTILINE)
    common = {"clk": "clk", "rst": "rst", "aclk": "clk", "aresetn": "~rst"}
    width = {"input": 0, "output": 0}
    connections: list[str] = []
    for direction, high, name in ports:
        if name in common:
            connections.append(f".{name}({common[name]})")
        else:
            low, width[direction] = width[direction], width[direction] + int(high or 0) + 1
            connections.append(f".{name}({direction}s[{width[direction] - 1}:{low}])")
    return f"""{verilog}
module {SHELL}(input clk, input rst, input shift, input in, output out);
  reg [{width["input"] - 1}:0] inputs;
  reg [{width["output"] - 1}:0] seen;
  wire [{width["output"] - 1}:0] outputs;
  {TOP} top({", ".join(connections)});
  always @(posedge clk) begin
    inputs <= {{inputs, in}};
    seen <= shift ? {{seen, 1'b0}} : outputs;
  end
  assign out = seen[{width["output"] - 1}];
endmodule
"""


@click.command()
@click.option(
    "--network", type=click.Path(path_type=Path), default="models/mnist_litelstm_w8a8.npz"
)
@core_options.options("lanes", "weights", "streams", "state")
@click.option("--seeds", default=5, show_default=True, help="Seeds of the router; 0: no clock.")
@json_option
def main(network: Path, seeds: int, json_path: Path | None, **core: Any) -> None:
    """Synthesize, place and route both for an ECP5-25F."""
    net = QuantizedNetwork.load(network)
    part = TARGETS["ecp5-25f"]
    flow = Flow(target=part)
    plan = Plan(network=net, options=core_options.core_of(core, net, part=part))
    tops: dict[str, wiring.Component] = {
        "core alone": Top(Core(plan=plan)),
        "with AXI": AxiTop(core=Core(plan=plan, watched=True)),
    }
    report: dict[str, Any] = {}
    for name, top in tops.items():
        verilog = convert(top, name=TOP)
        used = flow.synthesize(verilog, top=TOP).netlist.used
        report[name] = {"used": used}
        if seeds:
            inside = flow.synthesize(shell(verilog), top=SHELL)
            mhz = [flow.route(inside, seed=seed).mhz for seed in range(1, seeds + 1)]
            report[name]["mhz"] = {"median": median(mhz), "least": min(mhz), "most": max(mhz)}
    alone, axi = (made["used"] for made in report.values())
    report["AXI adds"] = {
        "used": {kind: axi[kind] - alone.get(kind, 0) for kind in axi if kind != PIN}
    }
    outputs.give(report, json_path, _lines(report))


def _lines(report: dict[str, Any]) -> Iterator[str]:
    for name, made in report.items():
        yield f"{name}: " + ", ".join(f"{number:,} {kind}" for kind, number in made["used"].items())
        if clock := made.get("mhz"):
            yield "  median {median:.1f} MHz ({least:.1f} to {most:.1f})".format(**clock)


if __name__ == "__main__":
    main()
