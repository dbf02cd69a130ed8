"""Tables of docs/quantization.md, with spreads: training varies from machine to machine."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import QUANTIZATION, RESULTS, TRAINING


def _command(table: str, seconds: int) -> Command:
    run = f"python -m bench.quantization_tables --data-dir {{data}} --table {table} --json -"
    return Command(run=run, seconds=seconds)


def _table(name: str, command: Command, rows: list[str]) -> list[Figure]:
    """List the figures of one table: each row's text, with fields of its JSON as holes."""
    return [
        Figure(page=QUANTIZATION, shows=row, command=command, at=f"{name}.{number}")
        for number, row in enumerate(rows)
    ]


_FEW_BITS = "{plain_db ~10%} | {plain ~1%} | {refined_db ~10%} | {refined ~1%} |"
_CLOSE = "{db ~10%} | {changed ~40%} | {held ~1%} | {test ~1%} |"
_FOUND = "{drop ~50%} | {changed ~50%} | {promised ~20%} | {cost ~20%} |"

GATES = [
    f"| {network} | {bits} | {{float ~1%}} | {_FEW_BITS}"
    for network, widths in (
        ("iot lstm", (5, 4, 3)),
        ("iot litelstm", (5, 4)),
        ("speech litelstm", (4,)),
        ("speech gru", (5,)),
        ("mnist litelstm", (4, 3)),
    )
    for bits in widths
]
TANH = [
    f"| {task} | {numbers} | " + ("| | {held ~1%} | {test ~1%} |" if numbers == "float" else _CLOSE)
    for task in ("iot", "intrusion", "speech", "emotion")
    for numbers in ("float", "nearest", "interpolated", "trained on")
    if numbers != "trained on" or task == "speech"
]
MNIST_4 = next(row for row in GATES if row.startswith("| mnist litelstm | 4"))
PROMISE = [
    *(
        f"| {network} | {{float ~1%}} | {_FOUND} {{seconds ~40%}} |"
        for network in (
            "mnist plstm 32",
            "iot litelstm 16",
            "mnist rnn 48",
            "mnist gru 32",
            "mnist lstm 24",
            "mnist litelstm 64",
            "mnist litelstm 2 x 32",
            "iot lstm 8",
            "intrusion gru 16",
            "intrusion plstm 24",
        )
    ),
    *(f"| {name} | | {_FOUND}" for name in ("mean", "worst")),
]

GATES_TABLE = _command("gates", 60)
QUANTIZED = [
    *_table("gates", GATES_TABLE, GATES),
    *_table("tanh", _command("tanh", 300), TANH),
    *_table("promise", _command("promise", 500), PROMISE),
    *(
        Figure(
            page=page,
            shows=shows,
            command=GATES_TABLE,
            at=f"gates.{GATES.index(MNIST_4)}",
        )
        for page, shows in (
            (RESULTS, "trained in integers / rounded | ... / {plain} % |"),
            (TRAINING, "rounding alone gives {plain} % ("),
        )
    ),
]
