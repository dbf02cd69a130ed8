"""``litelstm pack``: a network as an image of weights for a core."""

from __future__ import annotations

from pathlib import Path

import click

from golden import files
from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl import cycles
from hdl.weight_image import image
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
    help="JSON of the core, as litelstm generate --weights ram or double wrote it.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="File.")
def pack(network: Path, core: Path, output: Path) -> None:
    """Write the quantized NETWORK as an image of weights for a core that can run it.

    \b
    litelstm pack net.q.npz --for build/litelstm_core.json -o weights.bin

    The image is what the core's stream i_weights takes, 4 bytes a word, the low one first. A
    network that does not fit is refused with the reason.
    """
    quantized = QuantizedNetwork.load(network)
    capacity = read_capacity(core)
    outputs.check_file(output)
    try:
        plan = plan_for(quantized, capacity)
    except InputError as error:
        raise InputError(f"{network}: {error}") from None
    words = image(plan)
    files.replace_all({output: files.content(words.astype("<u4").tobytes())})
    steady = cycles.steady_state(plan)
    out.print(
        f"{output}: {words.size} words for core {capacity.number:08x}, "
        f"{steady.cycles_per_step} cycles a step (ideal {steady.ideal_cycles_per_step:g})"
    )
