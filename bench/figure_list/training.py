"""Accuracy of newly trained networks, and the rows of docs/paper_tables.md."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import PAPER_PAGE, RESULTS, TRAINING
from bench.paper_figures import CELLS, TABLES

QAT = Command(
    run="litelstm train --task mnist --data {data}/mnist.npz --qat models/mnist_litelstm.npz "
    "--weight-bits 4 -o w4.npz --json w4.json",
    seconds=150,
)


PAPER = {
    task: Command(
        run=f"python -m bench.paper_tables --data-dir {{data}} --tasks {task} --json made.json",
        seconds=seconds,
    )
    for task, seconds in (
        ("mnist", 3300),
        ("iot", 60),
        ("intrusion", 150),
        ("speech", 150),
        ("emotion", 180),
    )
}
"""The paper's tables by task."""

SETUP = Command(
    run="python -m bench.paper_setup --data {data}/mnist.npz --samples 5000",
    seconds=180,
    prints="\n".join(
        f"| {cell} | {{{cell}.parameters}} | ... | {{{cell}.time}} | ... | {{{cell}.accuracy}}% |"
        for cell in CELLS
    ),
)

NUMBERS = ("floats", "integers")


def _both_rows(cell: str) -> str:
    """Return a cell's rows, floats and integers, in a table of docs/paper_tables.md."""
    rows = []
    for numbers in NUMBERS:
        holes = " | ".join(
            f"{{{cell}.{numbers}.{measure}.mean ~1%}}% ± "
            f"{{{cell}.{numbers}.{measure}.deviation ~40%}}"
            for measure in ("accuracy", "precision", "recall", "f1")
        )
        rows.append(f"{numbers} | {holes} |")
    sizes = f"| {cell} | {{{cell}.parameters}} | {{{cell}.macs}} | {{{cell}.time ~20%}}"
    return f"{sizes} | {rows[0]}\n| | | | | {rows[1]}"


PAPER_TABLES = [
    *(
        Figure(
            page=PAPER_PAGE,
            shows=f"(`{task}`)\n\n| cell ...\n{_both_rows(cell)}",
            command=command,
            at=task,
        )
        for task, command in PAPER.items()
        for cell in CELLS
    ),
    *(
        Figure(
            page=PAPER_PAGE,
            shows=f"| {cell} | {{{cell}.parameters}} | {row.parameters:,} | {{{cell}.time ~20%}} | "
            f"{TABLES['mnist'].time_ratio(cell):.2f} | {{{cell}.accuracy ~2%}}% |",
            command=SETUP,
        )
        for cell, row in TABLES["mnist"].cells.items()
    ),
    Figure(
        page=PAPER_PAGE,
        shows="Training time of LiteLSTM over LSTM: {litelstm.time ~20%} here;",
        command=SETUP,
    ),
]


def _trained(task: str, label: str) -> Figure:
    """Make the figure of a LiteLSTM of three seeds, a row of docs/results.md."""
    numbers = " / ".join(
        f"{{{n}.accuracy.mean ~1%}} ± {{{n}.accuracy.deviation ~40%}} %" for n in NUMBERS
    )
    return Figure(
        page=RESULTS, shows=f"| {label} | {numbers}", command=PAPER[task], at=f"{task}.litelstm"
    )


TRAINED = [
    *PAPER_TABLES,
    Figure(
        page=RESULTS,
        shows="trained in integers / rounded | {test.accuracy * 100} % /",
        command=QAT,
    ),
    Figure(
        page=TRAINING,
        shows="{test.accuracy * 100} % of the official test images after {epochs} epochs "
        "({cpu_seconds ~40%} s of CPU time)",
        command=QAT,
    ),
    _trained("mnist", "LiteLSTM of 3 seeds, float / integers W8 A8: MNIST"),
    _trained("speech", "speech digits"),
    _trained("iot", "IoT, two classes"),
    _trained("intrusion", "intrusion, five classes"),
    _trained("emotion", "emotion, seven classes"),
]
