"""``litelstm generate``: Verilog and its description."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from golden import files
from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from hdl import verilog
from hdl.fusesoc import core_file
from hdl.storage import Storage
from hdl.weight_image import image
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.options import (
    interface_options,
    lanes_option,
    storage_options,
    tail_multipliers_option,
)


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@lanes_option
@tail_multipliers_option
@storage_options
@interface_options
@click.option(
    "--also",
    "others",
    type=click.Path(path_type=Path),
    multiple=True,
    help="With loaded weights: one more network that the core shall be able to run.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder.")
@click.option("--name", default="litelstm_core", show_default=True, help="Name of the top module.")
def generate(
    network: Path,
    lanes: int,
    tail_multipliers: int,
    weights: str,
    sums: str,
    output: Path,
    name: str,
    others: tuple[Path, ...],
    **interface: Any,
) -> None:
    """Write NAME.v, NAME.json and NAME.core for the quantized NETWORK.

    With --weights ram or double also NAME.weights.bin, the image that the core's stream i_weights
    takes.
    """
    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    with progress("generate"):
        core = verilog.generate(
            quantized,
            lanes=lanes,
            tail_multipliers=tail_multipliers,
            interface=Interface(**interface),
            storage=Storage(weights=weights, sums=sums),
            name=name,
            others=[QuantizedNetwork.load(other) for other in others],
        )
    folder = files.make_folder(output)
    source, description = folder / f"{name}.v", folder / f"{name}.json"
    fusesoc, loaded = folder / f"{name}.core", folder / f"{name}.weights.bin"
    words = image(core.plan)
    contents = {
        source: files.content(core.verilog),
        description: files.content(json.dumps(core.description, indent=2) + "\n"),
        fusesoc: files.content(core_file(name=name, lanes=lanes)),
    }
    if words.size:
        contents[loaded] = files.content(words.astype("<u4").tobytes())
    files.replace_all(contents)
    timing = core.description["timing"]
    out.print(
        f"{source}: {lanes} lanes, {core.plan.accumulator_width}-bit accumulators, "
        f"{timing['cycles_per_step']} cycles a step (ideal {timing['ideal_cycles_per_step']:g})"
    )
    out.print(f"{description}: ports, formats, timing, sizes")
    out.print(f"{fusesoc}: for FuseSoC")
    if words.size:
        out.print(f"{loaded}: {words.size} words for i_weights, 4 bytes each, the low one first")
