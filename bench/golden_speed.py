"""Speed of the integer model beside a float PyTorch LSTM layer of the same size.

    python -m bench.golden_speed [NETWORK] [--numpy] [--json PATH]

Both run one recurrent layer (the network's first one, and an LSTM and a GRU of its size) over
sequences of 28 steps, 256 at once and one at a time, on one thread. The integer model uses compiled
loops (:mod:`golden.fused`) if Numba is installed, unless ``--numpy`` is given. Rates are per second
of CPU time, so other work on the machine matters little. Both take turns, so a change of the
machine's clock affects both. The result is the ratio of their medians.
"""

from __future__ import annotations

import os

# NumPy and PyTorch read this once, at import.
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from golden import fused
from golden.errors import InputError
from golden.model import IntegerModel
from golden.packages import missing
from golden.quantized import QuantizedLayer, QuantizedNetwork
from litelstm import outputs
from litelstm.architectures import Architecture

try:
    import torch  # pyright: ignore[reportMissingImports]
except ImportError:
    print(f"golden_speed: {missing('torch', extra='train')}", file=sys.stderr)
    sys.exit(2)

NETWORK = Path(__file__).parent.parent / "models" / "mnist_litelstm_w8a8.npz"
OTHERS = ("lstm", "gru")
BATCHES, STEPS = (256, 1), 28
SLICE = 0.3  # seconds of a turn


def golden_pass(network: QuantizedNetwork, batch: int) -> Callable[[], object]:
    """Make a function that runs the integer model once, on a batch of random input words."""
    rng = np.random.default_rng(0)
    shape = (batch, STEPS, network.inputs)
    x = rng.integers(0, network.x.max, size=shape, endpoint=True)
    model = IntegerModel(network)
    return lambda: model.forward(x)


def torch_pass(inputs: int, units: int, batch: int) -> Callable[[], object]:
    """Make a function that runs torch.nn.LSTM once, float32, on a batch in its preferred layout."""
    torch.manual_seed(0)
    layer = torch.nn.LSTM(inputs, units).eval()
    x = torch.rand(STEPS, batch, inputs)

    def run() -> object:
        with torch.inference_mode():
            return layer(x)

    return run


def rate(run: Callable[[], object]) -> float:
    """Measure calls per second of CPU time during one turn."""
    calls, start = 0, time.process_time()
    while (elapsed := time.process_time() - start) < SLICE:
        run()
        calls += 1
    return calls / elapsed


def measure(network: QuantizedNetwork, batch: int, repetitions: int) -> dict[str, float]:
    """Measure the median rates of both in sequences per second, in turns, and their ratio."""
    layer = network.layers[0]
    runs = {
        "golden": golden_pass(replace(network, layers=(layer,)), batch),
        "torch_lstm": torch_pass(layer.inputs, layer.units, batch),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
    for _ in range(repetitions):
        for name, run in runs.items():
            rates[name].append(batch * rate(run))
    result = {name: statistics.median(values) for name, values in rates.items()}
    return {**result, "ratio": result["golden"] / result["torch_lstm"]}


def _like(layer: QuantizedLayer, cell: str) -> QuantizedNetwork:
    """Make a network of one layer with random weights, of a layer's size."""
    return Architecture(cell=cell, inputs=layer.inputs, units=layer.units).quantized()


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(prog="golden_speed", description=__doc__)
    parser.add_argument("network", nargs="?", type=Path, default=NETWORK, help="quantized network")
    parser.add_argument("--repetitions", type=int, default=11)
    parser.add_argument("--numpy", action="store_true", help="without compiled loops")
    parser.add_argument("--json", type=Path, metavar="PATH", help="JSON; - is standard output")
    args = parser.parse_args()
    torch.set_num_threads(1)
    fused.PATIENCE = math.inf if args.numpy else 0.0
    network = QuantizedNetwork.load(args.network)
    layer = network.layers[0]
    networks = [network, *(_like(layer, cell) for cell in OTHERS)]
    report: dict[str, dict[str, float]] = {}
    lines = [f"{layer.inputs} in, {layer.units} units, {STEPS} steps, one thread, sequences/CPU s"]
    for one in networks:
        for batch in BATCHES:
            kind = one.layers[0].cell.kind
            result = measure(one, batch, max(1, args.repetitions))
            report[f"{kind}, batch {batch}"] = result
            lines.append(
                f"{kind:8}  batch {batch:3}  golden {result['golden']:9,.0f}  "
                f"torch.nn.LSTM float32 {result['torch_lstm']:9,.0f}  ratio {result['ratio']:5.2f}"
            )
    outputs.give(report, args.json, lines)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        print(f"golden_speed: {error}", file=sys.stderr)
        sys.exit(2)
