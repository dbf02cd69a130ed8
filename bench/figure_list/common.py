"""Pages, networks and holes that several lists of figures share."""

from __future__ import annotations

README, RESULTS, FPGA, BOARDS, BUS = (
    "README.md",
    "docs/results.md",
    "docs/fpga.md",
    "docs/boards.md",
    "docs/bus.md",
)
ARCHITECTURE, CONFORMANCE = "docs/architecture.md", "docs/conformance.md"
NETWORKS = "docs/networks.md"
VERIFICATION = "docs/verification.md"
PAPER_PAGE, QUANTIZATION = "docs/paper_tables.md", "docs/quantization.md"
LOADING, SIMULATION, TRAINING = "docs/loading.md", "docs/simulation.md", "docs/training.md"

MODELS = "models/README.md"

MNIST = "models/mnist_litelstm_w8a8.npz"


def random_network(file: str, **sizes: int | str) -> str:
    """Return the command that makes a network of random weights."""
    words = ", ".join(f"{name}={value!r}" for name, value in sizes.items())
    make = f"from litelstm.architectures import Architecture as A; A({words}).quantized()"
    return f'python -c "{make}.save({file!r})"'


LUT, FF = "{resources.LUT.used}", "{resources.FF.used}"
RAM, MULTIPLIERS = "{resources.block RAM.used}", "{resources.multiplier.used}"
LC = "{resources.logic cell.used}"
AREA = f"{LUT} | {FF} | {RAM} | {MULTIPLIERS}"
"""Holes for a core's area, in the JSON of synth and build."""
