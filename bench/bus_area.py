"""What AXI buses add to a core: area, and clock over some seeds of the router.

    python -m bench.bus_area [--network models/mnist_litelstm_w8a8.npz] [--lanes 16] [--seeds 5]

Prints the cells of the core alone and of the same core with its AXI top, and each median clock.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

import click

from golden.quantized import QuantizedNetwork
from hdl.bus.top import AxiTop
from hdl.component import Component
from hdl.core import Core
from hdl.plan import Plan
from hdl.verilog import Top, convert
from litelstm.fpga.flow import Flow
from litelstm.fpga.targets import TARGETS

TOP = "litelstm_core"


@click.command()
@click.option(
    "--network", type=click.Path(path_type=Path), default="models/mnist_litelstm_w8a8.npz"
)
@click.option("--lanes", default=16, show_default=True)
@click.option("--seeds", default=5, show_default=True, help="0: no clock.")
def main(network: Path, lanes: int, seeds: int) -> None:
    """Synthesize, place and route both for an ECP5-25F."""
    net = QuantizedNetwork.load(network)
    flow = Flow(target=TARGETS["ecp5-25f"])
    plan = Plan(network=net, lanes=lanes)
    tops: dict[str, Component] = {
        "core alone": Top(Core(plan=plan)),
        "with AXI": AxiTop(core=Core(plan=plan, watched=True)),
    }
    used: dict[str, dict[str, int]] = {}
    for name, top in tops.items():
        made = flow.synthesize(convert(top, name=TOP), top=TOP)
        used[name] = made.netlist.used
        print(f"{name}: {used[name]}", flush=True)
        if seeds:
            mhz = [flow.route(made, seed=seed).mhz for seed in range(1, seeds + 1)]
            print(
                f"{name}: median {median(mhz):.1f} MHz of {[round(m, 1) for m in mhz]}", flush=True
            )
    alone, axi = used.values()
    print("AXI adds", {kind: axi[kind] - alone.get(kind, 0) for kind in axi if kind != "pin"})


if __name__ == "__main__":
    main()
