"""``litelstm import``: read a network that another tool trained."""

from __future__ import annotations

from pathlib import Path

import click

from golden.network import Layer, Network
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.importers.files import import_network
from litelstm.options import PATH, output_option


@click.command(name="import")
@click.argument("file", type=PATH)
@click.option(
    "--description",
    type=PATH,
    help="JSON that describes the modules of a PyTorch state dict: docs/import.md.",
)
@output_option("File of the float network, .npz.")
def import_(file: Path, description: Path | None, output: Path) -> None:
    """Import a network from ONNX, Keras or PyTorch.

    \b
    litelstm import net.onnx -o net.npz

    FILE is an ONNX file, a Keras file or a PyTorch state dict; a state dict needs --description.
    The command prints what it left out or assumed.
    """
    outputs.check_file(output)
    with progress("import"):
        imported = import_network(file, description=description)
    imported.network.save(output)
    for note in imported.notes:
        out.print(f"{file}: {note}")
    out.print(f"{output}: {_summary(imported.network)}")


def _summary(network: Network) -> str:
    parts = [_layer(layer) for layer in network.recurrent]
    if network.head:
        parts.append(f"{network.head.outputs} logits")
    return f"{network.inputs} in, {', '.join(parts)}; {network.parameters} parameters"


def _layer(layer: Layer) -> str:
    """Describe a layer, for example ``gru of 64 units (reset after, logistic gates)``."""
    cell = layer.cell
    told = [] if layer.direction == "forward" else [layer.direction]
    told += [f"{name} {getattr(cell, name)}" for name in cell.options]
    if any(not (gate.tanh or gate.wide) for gate in cell.gates):
        told.append(f"{layer.sigmoid} gates")
    return f"{cell.kind} of {layer.units} units" + (f" ({', '.join(told)})" if told else "")
