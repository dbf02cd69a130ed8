"""Fuzz the readers: whatever a file holds, only InputError comes out.

    python -m tests.fuzz [READER ...] [--seconds 10] [--seed 1] [--folder build/fuzz] [--plain]

Files are mutated with knowledge of their structure. With atheris (extra ``fuzz``), coverage of the
project's own code decides which mutants are kept, and ``--folder`` keeps them between runs; without
it, or with ``--plain``, every mutant starts from a good file. Each reader has a process of its own,
which may take 1 GiB, must read nothing beside its folder, and must write nowhere else.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import click

from tests.fuzz.readers import READERS

POSITIVE = click.IntRange(min=1)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(READERS)))
@click.option("--seconds", type=POSITIVE, default=10, show_default=True, help="Per reader.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/fuzz"),
    show_default=True,
    help="For corpora, and for files that a reader fails on.",
)
@click.option("--plain", is_flag=True, help="Do without atheris.")
def main(names: tuple[str, ...], seconds: int, seed: int, folder: Path, plain: bool) -> None:
    """Fuzz the readers NAMES, or all; exit with 1 if one of them fails."""
    guided = not plain and importlib.util.find_spec("atheris") is not None
    failed = False
    for name in names or READERS:
        module = "guided" if guided else "plain"
        own = folder / name
        own.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", f"tests.fuzz.{module}", name, str(own)]
        done = subprocess.run(
            [*command, str(seconds), str(seed)], capture_output=True, text=True, check=False
        )
        said = (done.stdout + done.stderr).strip().splitlines()
        told = [line for line in said if line.startswith("fuzz: ")]
        print(f"{name}: {told[-1].removeprefix('fuzz: ') if told else 'died'}", flush=True)
        if done.returncode:
            failed = True
            print(f"    {own}: status {done.returncode}: {(said or ['no output'])[-1]}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
