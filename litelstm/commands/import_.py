"""``litelstm import``: another tool's trained network to a file of this project."""

from __future__ import annotations

from pathlib import Path

import click

from golden.errors import InputError
from golden.network import Layer, Network
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.importers.files import import_network, inspect
from litelstm.importers.reading import of_file
from litelstm.options import PATH, output_option


@click.command(name="import")
@click.argument("file", type=PATH)
@click.option(
    "--description",
    type=PATH,
    help="JSON that describes the modules of a PyTorch state dict: docs/import.md.",
)
@click.option(
    "--from", "start", metavar="NODE", help="ONNX: the first operator to take, or its tensor."
)
@click.option("--until", metavar="NODE", help="ONNX: the last operator to take, or its tensor.")
@click.option("--check", is_flag=True, help="Run FILE in its framework, and compare the results.")
@click.option("--inspect", "only", is_flag=True, help="Print how FILE is read, and write nothing.")
@output_option("File of the float network, .npz.", required=False)
def import_(
    file: Path,
    description: Path | None,
    start: str | None,
    until: str | None,
    only: bool,
    check: bool,
    output: Path | None,
) -> None:
    """Import a network from ONNX, Keras, TFLite or PyTorch.

    \b
    litelstm import net.onnx -o net.npz

    FILE is an ONNX file, a Keras file, a TFLite file, a PyTorch program or a state dict; a state
    dict needs --description. The command prints what it left out or assumed.
    """
    if only:
        for line in inspect(file, description=description, start=start, until=until):
            out.print(line)
        return
    if output is None:
        raise InputError("--output is missing: the file to write")
    outputs.check_file(output)
    with progress("import"):
        imported = import_network(file, description=description, start=start, until=until)
        if check and imported.check is None:
            raise InputError(f"{file}: no framework here can run it, so --check has nothing to do")
        with of_file(file):
            difference = imported.check() if check and imported.check else None
    imported.network.save(output)
    for note in imported.notes:
        out.print(f"{file}: {note}")
    if difference is not None:
        out.print(f"{file}: results differ by {difference:.1e} of the largest, on random samples")
    out.print(f"{output}: {summary(imported.network)}")


def summary(network: Network) -> str:
    """Describe a network in one line."""
    chain = all(sources == (index,) for index, sources in enumerate(network.sources))
    parts = [
        _layer(layer, "" if chain else _reads(sources))
        for layer, sources in zip(network.layers, network.sources, strict=True)
    ]
    if network.head:
        parts[-1] = f"{network.head.outputs} logits" + (
            "" if chain else _reads(network.sources[-1])
        )
    if network.results != (len(network.layers),):
        parts.append(f"results {', '.join(f'layer{n - 1}' for n in network.results or ())}")
    return f"{network.inputs} in, {', '.join(parts)}; {network.parameters} parameters"


def _reads(sources: tuple[int, ...]) -> str:
    return " of " + " and ".join(f"layer{n - 1}" if n else "x" for n in sources)


def _layer(layer: Layer, reads: str) -> str:
    """Describe a layer, for example ``gru of 64 units (reset after, logistic gates)``."""
    cell = layer.cell
    told = [] if layer.direction == "forward" else [layer.direction]
    if not cell.state:
        activation = str(getattr(cell, "activation", ""))
        told += [f"slope {getattr(cell, 'slope', '')}"] if activation == "leaky" else []
        told += [layer.sigmoid] if activation == "sigmoid" else []
        kind = f"dense {activation}"
    else:
        kind = cell.kind
        told += [f"{name} {getattr(cell, name)}" for name in cell.options]
        if any(not (gate.tanh or gate.wide) for gate in cell.gates):
            told.append(f"{layer.sigmoid} gates")
    return f"{kind} of {layer.units} units" + (f" ({', '.join(told)})" if told else "") + reads
