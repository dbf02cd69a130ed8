"""``litelstm pack``: write a network as an image of weights for a generated core."""

from __future__ import annotations

from pathlib import Path

import click

from golden import files
from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl import cycles
from hdl.layout.weight_image import image
from hdl.packaging.c_array import array_header
from litelstm import outputs
from litelstm.console import out
from litelstm.options import PATH, network_argument, output_option
from litelstm.packing import plan_for, read_capacity


@click.command()
@network_argument
@click.option(
    "--for",
    "core",
    type=PATH,
    required=True,
    help="JSON of the core, written by litelstm generate --storage ram or double.",
)
@click.option("--c-array", is_flag=True, help="Write a C header with the words as an array.")
@output_option("File of the image.")
def pack(network: Path, core: Path, c_array: bool, output: Path) -> None:
    """Pack a network's weights for an existing core.

    \b
    litelstm pack net.q.npz --for build/litelstm_core.json -o weights.bin
    litelstm pack net.q.npz --for build/litelstm_core.json --c-array -o net.h

    The image holds the words for the core's stream i_weights, 4 bytes per word, low byte first.
    With --c-array it is an array for litelstm_load() of the C driver, named after the file, here
    net_weights. If the quantized NETWORK does not fit the core, the command says why.
    """
    quantized = QuantizedNetwork.load(network)
    capacity = read_capacity(core)
    outputs.check_file(output)
    try:
        plan = plan_for(quantized, capacity)
    except InputError as error:
        raise InputError(f"{network}: {error}") from None
    words = image(plan)
    data = array_header(words, output.stem) if c_array else words.astype("<u4").tobytes()
    files.replace_all({output: files.content(data)})
    steady = cycles.steady_state(plan)
    out.print(
        f"{output}: {words.size} words for core {capacity.number:08x}, "
        f"{steady.cycles_per_step} cycles per step (ideal {steady.ideal_cycles_per_step:g})"
    )
