"""``litelstm import``: another tool's trained network to a file of this project."""

from __future__ import annotations

from pathlib import Path

import click

from golden.network import Layer, Network
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.importers.files import import_network


@click.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--description",
    type=click.Path(path_type=Path),
    help="For a PyTorch state dict: JSON that describes its modules (docs/import.md).",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="File to write."
)
def import_(file: Path, description: Path | None, output: Path) -> None:
    """Read a trained network from FILE: ONNX, Keras, or a PyTorch state dict."""
    outputs.check_file(output)
    with progress("import"):
        imported = import_network(file, description=description)
    imported.network.save(output)
    for note in imported.notes:
        out.print(f"{file}: {note}")
    out.print(f"{output}: {_summary(imported.network)}")


def _summary(network: Network) -> str:
    parts = [_layer(layer) for layer in network.layers]
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
