"""``litelstm pack``: a network as an image of weights for a core."""

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
from litelstm.packing import plan_for, read_capacity


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option(
    "--for",
    "core",
    type=click.Path(path_type=Path),
    required=True,
    help="JSON of the core, as litelstm generate --storage ram or double wrote it.",
)
@click.option("--c-array", is_flag=True, help="Write a C header with an array, NAME_weights.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="File.")
def pack(network: Path, core: Path, c_array: bool, output: Path) -> None:
    """Write the quantized NETWORK as an image of weights for a core that can run it.

    \b
    litelstm pack net.q.npz --for build/litelstm_core.json -o weights.bin
    litelstm pack net.q.npz --for build/litelstm_core.json --c-array -o net.h

    The image is what the core's stream i_weights takes, 4 bytes per word, the low one first. With
    --c-array it is an array of words for litelstm_load of the driver in C, named after the file:
    net_weights. A network that does not fit is refused with the reason.
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
