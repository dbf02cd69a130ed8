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


_FEW_BITS = "{nearest_db ~10%} | {nearest ~2%} | {compensated_db ~10%} | {compensated ~2%} |"
_CLOSE = "{db ~10%} | {changed ~40%} | {held ~1%} | {test ~1%} |"
_FOUND = "{drop ~50%} | {changed ~50%} | {promised ~20%} | {cost ~20%} |"

ROUNDED = [
    f"| {network} | {bits} | {{float ~1%}} | {_FEW_BITS}"
    for network in (
        "mnist litelstm",
        "digits litelstm",
        "iot litelstm",
        "intrusion litelstm",
        "speech litelstm",
        "emotion litelstm",
        "iot lstm",
        "speech gru",
    )
    for bits in (5, 4, 3)
]
TANH = [
    f"| {task} | {numbers} | " + ("| | {held ~1%} | {test ~1%} |" if numbers == "float" else _CLOSE)
    for task in ("iot", "intrusion", "speech", "emotion")
    for numbers in ("float", "nearest", "interpolated", "trained on")
    if numbers != "trained on" or task == "speech"
]
MNIST_4 = next(row for row in ROUNDED if row.startswith("| mnist litelstm | 4"))
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

ROUNDING = _command("rounding", 60)
QUANTIZED = [
    *_table("rounding", ROUNDING, ROUNDED),
    *_table("tanh", _command("tanh", 300), TANH),
    *_table("promise", _command("promise", 500), PROMISE),
    *(
        Figure(
            page=page,
            shows=shows,
            command=ROUNDING,
            at=f"rounding.{ROUNDED.index(MNIST_4)}",
        )
        for page, shows in (
            (RESULTS, "trained in integers / rounded | ... / {compensated} % |"),
            (TRAINING, "rounding alone gives {compensated} % ("),
        )
    ),
]
