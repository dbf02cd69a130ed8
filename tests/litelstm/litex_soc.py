"""A small SoC of LiteX with something added to it, and accesses to that over Wishbone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from litex.build.generic_platform import Pins
from litex.build.sim import SimPlatform
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import wishbone
from migen import ClockDomain

from sim.tools import toolchain

BENCH = Path(__file__).with_name("litex_bench.v")
TO_BUS = {"adr": 30, "dat_w": 32, "sel": 4, "cyc": 1, "stb": 1, "we": 1}
FROM_BUS = {"dat_r": 32, "ack": 1, "err": 1}


def verilog(add: Callable[[Any], object], *, bus: str) -> str:
    """The Verilog of a SoC without a processor.

    Args:
        add: adds something to the SoC.
        bus: wishbone, axi-lite or axi.
    """
    ports = {"clk": 1, "rst": 1, **{f"wb_{name}": n for name, n in {**TO_BUS, **FROM_BUS}.items()}}
    platform: Any = SimPlatform("SIM", [(name, 0, Pins(bits)) for name, bits in ports.items()])
    soc: Any = SoCMini(platform, clk_freq=int(1e6), bus_standard=bus)
    soc.clock_domains.cd_sys = ClockDomain("sys")
    soc.comb += soc.cd_sys.clk.eq(platform.request("clk"))
    soc.comb += soc.cd_sys.rst.eq(platform.request("rst"))
    master = wishbone.Interface(data_width=32, address_width=32)
    soc.comb += [getattr(master, name).eq(platform.request(f"wb_{name}")) for name in TO_BUS]
    soc.comb += [platform.request(f"wb_{name}").eq(getattr(master, name)) for name in FROM_BUS]
    soc.bus.add_master("test", master)
    add(soc)
    soc.finalize()
    return str(platform.get_verilog(soc, name="soc"))


def accesses(*files: Path) -> list[str]:
    """The words that the bench reads from a SoC; in Verilator, for Icarus never ends with LiteX."""
    tool = toolchain.find_tool("verilator")
    options = ["--binary", "-Wno-fatal", "--top-module", "bench", "-CFLAGS", "-O0"]
    env = toolchain.environment()
    command = [tool, *options, str(BENCH), *map(str, files)]
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["obj_dir/Vbench"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("- ")]
