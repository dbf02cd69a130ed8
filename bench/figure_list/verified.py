"""Counts of verified cases, and errors against other implementations."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import CONFORMANCE, VERIFICATION

PROOFS = Command(
    run='python -c "import json; from sim.formal.cases import CASES; '
    "print(json.dumps({'cores': len(CASES)}))\"",
    known_as="make formal",
)


NAMES = {
    "largest": "largest error over the reported one",
    "integers": "integers",
    "mean": "RMS error over the estimate",
    "coarse": "RMS error of a coarse table over the estimate",
    "keras": "Keras",
    "onnxruntime": "onnxruntime",
    "onnx": "shipped by onnx",
    "float32": "PyTorch float32",
    "float64": "PyTorch float64",
}
"""Lines of the tests' summary, in order."""

CONFORMING = Command(
    run="cd $PYTHONPATH && pytest tests/conformance -q -m 'not simulator'",
    seconds=40,
    known_as="pytest tests/conformance",
    prints="\n".join(
        f"{line}: {{{key}.cases}} cases, {{{key}.least}} to {{{key}.most}}"
        for key, line in NAMES.items()
    ),
)
ROWS = {
    "HardSigmoid(0.25, 0.5) and (0.2, 0.5); initial states, sequence lengths; steps 1 to 50": (
        "{onnxruntime.cases} | 1e-5 | {onnxruntime.most ~50%}"
    ),
    "the 12 recurrent node cases of onnx 1.22.0": ("{onnx.cases} of 12 | 1e-5 | {onnx.most ~50%}"),
    "steps 1 to 50; float32 and float64": (
        "{float32.cases} + {float64.cases} | 1e-5, 1e-12 | {float32.most ~50%}, {float64.most ~50%}"
    ),
    "`Bidirectional`, stacks; initial states": "{keras.cases} | 1e-5 | {keras.most ~50%}",
    "logistic gates, h of every step": (
        "{largest.cases} + {mean.cases} | predicted error, below | {integers.most ~20%}"
    ),
}
"""Counts and worst errors at the ends of rows."""

VERIFIED = [
    Figure(
        page=VERIFICATION, shows="for any number of cycles, for {cores} small cores", command=PROOFS
    ),
    *(
        Figure(page=CONFORMANCE, shows=f"{row} | {holes} |", command=CONFORMING)
        for row, holes in ROWS.items()
    ),
    Figure(
        page=CONFORMANCE,
        shows="Among the {largest.cases} networks of the test the extremes are "
        "{largest.least ~20%} and {largest.most ~20%} times.",
        command=CONFORMING,
    ),
    Figure(
        page=CONFORMANCE,
        shows="it is {mean.least ~20%} to {mean.most ~20%} times. The test detects",
        command=CONFORMING,
    ),
    Figure(
        page=CONFORMANCE,
        shows="its RMS error is {coarse.most ~20%} times the estimate",
        command=CONFORMING,
    ),
]
