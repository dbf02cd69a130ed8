"""``litelstm import``: another tool's trained network to a file of this project."""

from __future__ import annotations

from pathlib import Path

import click

from golden.errors import InputError
from litelstm import outputs
from litelstm.console import out, progress
from litelstm.importers.files import import_network, inspect
from litelstm.importers.reading import of_file
from litelstm.importers.text import summary
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
