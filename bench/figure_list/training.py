"""Accuracy of networks that are trained anew."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import RESULTS, TRAINING

QAT = Command(
    run="litelstm train --task mnist --data {data}/mnist.npz --qat models/mnist_litelstm.npz "
    "--weight-bits 4 -o w4.npz --json w4.json",
    seconds=150,
)


def _trained(task: str, label: str) -> Figure:
    """A LiteLSTM of three seeds: a row of RESULTS, made by what makes docs/paper_tables.md."""
    command = Command(
        run=f"python -m bench.paper_tables --data-dir {{data}} --tasks {task} --cells litelstm",
        seconds=1500 if task == "mnist" else 300,
        prints="| floats | {floats}% ± {spread} | ... | integers | {integers}% ± {their_spread} |",
    )
    return Figure(
        page=RESULTS,
        shows=f"| {label} | {{floats ~1%}} ± {{spread ~10%}} % / "
        "{integers ~1%} ± {their_spread ~10%} %",
        command=command,
    )


TRAINED = [
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
