"""Simulates a build of ``litelstm build`` at its own clock and baud, with samples from the host.

    litelstm build NET --board ulx3s-85f -o build/board
    python -m bench.board_link build/board NET --samples FILE [--count 2] [--sim verilator]

The Verilog is that of the bitstream. Prints the simulated time of a sample, from the host's first
byte to the board's last, and the number of output words that differ from the golden model.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click
import numpy as np

from golden.interface import Interface
from golden.model import IntegerModel
from golden.quantized import QuantizedNetwork
from hdl.board.board_top import TOP
from litelstm import outputs, samples
from litelstm.options import json_option
from sim.cocotb_bench import runner
from sim.testbench.plls import with_plls


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--samples", "file", type=click.Path(path_type=Path), required=True)
@click.option("--count", default=2, show_default=True)
@click.option("--sim", default="verilator", show_default=True)
@json_option
def main(
    folder: Path, network: Path, file: Path, count: int, sim: str, json_path: Path | None
) -> None:
    """Simulate and print."""
    report = json.loads((folder / "board.json").read_text())
    quantized = QuantizedNetwork.load(network)
    data = samples.load(file, network=quantized, count=count)
    x = quantized.quantize_input(data.x)
    interface = Interface(**report["interface"])
    expected = interface.answer(IntegerModel(quantized).forward(x))
    verilog = (folder / "board.v").read_text()
    build = runner.build(with_plls(verilog) if report["pll"] else verilog, top=TOP, simulator=sim)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        np.savez(work / "x.npz", x=x)
        runner.run(
            build,
            test_module="bench.board_link_tests",
            expect=1,
            env={
                "BENCH_WORK": name,
                "BENCH_NETWORK": str(network.absolute()),
                "BENCH_BOARD": str((folder / "board.json").absolute()),
            },
            results=work / "results.xml",
            log=work / "log",
        )
        with np.load(work / "result.npz") as result:
            words, seconds = result["words"], result["seconds"]
    found = {
        "samples": count,
        "compared": int(words.size),
        "mismatched": int((words != expected).sum()),
        "ms_per_sample": round(1e3 * float(np.median(seconds)), 3),
    }
    lines = (
        f"{report['board']}, {report['clock_hz'] / 1e6:g} MHz, {report['baud']} baud:",
        "{samples} samples, {compared} output words compared, {mismatched} differ".format(**found),
        f"{found['ms_per_sample']:.2f} ms per sample in simulated time",
    )
    outputs.give({**report, **found}, json_path, lines)


if __name__ == "__main__":
    main()
