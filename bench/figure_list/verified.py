"""Counts of what is verified."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import CONFORMANCE, VERIFICATION

PROOFS = Command(
    run='python -c "import json; from sim.formal.cases import CASES; '
    "print(json.dumps({'cores': len(CASES)}))\"",
    known_as="make formal",
)


def _collected(file: str, row: str) -> Figure:
    command = Command(
        run=f"cd $PYTHONPATH && pytest tests/conformance/{file} --collect-only -q",
        prints="{tests} tests collected",
        known_as="make test",
    )
    return Figure(page=CONFORMANCE, shows=f"{row} | {{tests}} |", command=command)


VERIFIED = [
    Figure(
        page=VERIFICATION, shows="are proved without bound for {cores} small cores", command=PROOFS
    ),
    _collected("test_pytorch.py", "steps 1 to 50; float32 and float64"),
    _collected("test_keras.py", "`Bidirectional`, stacks; initial states"),
]
