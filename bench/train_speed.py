"""Training speed of a LiteLSTM layer beside an LSTM written in the same way.

    python -m bench.train_speed [--json PATH]

Measures forward and backward pass over 28 steps of 28 inputs, 128 sequences at once, 64 units, one
thread. The LSTM is a loop of ``addmm`` over PyTorch tensors; ``torch.nn.LSTM``, written in C++, is
shown too. All take turns; the medians of their CPU time are compared.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from golden.packages import missing

try:
    import torch
except ImportError:
    print(f"train_speed: {missing('torch', extra='train')}", file=sys.stderr)
    sys.exit(2)

from torch import Tensor, nn

from litelstm import outputs
from litelstm.architectures import CELLS
from litelstm.torch import Recurrent

STEPS, BATCH, INPUTS, UNITS = 28, 128, 28, 64
REFERENCE = "LSTM, loop of addmm"


class LoopLSTM(nn.Module):
    """LSTM in plain PyTorch: one product per step, with all gates concatenated."""

    def __init__(self) -> None:
        super().__init__()
        bound = UNITS**-0.5
        self.W = nn.Parameter(torch.empty(4 * UNITS, INPUTS).uniform_(-bound, bound))
        self.U = nn.Parameter(torch.empty(4 * UNITS, UNITS).uniform_(-bound, bound))
        self.b = nn.Parameter(torch.zeros(4 * UNITS))

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """Compute h of every step for x (steps, batch, inputs)."""
        flat = torch.addmm(self.b, x.reshape(STEPS * BATCH, INPUTS), self.W.t())
        h = c = x.new_zeros(BATCH, UNITS)
        U, outputs = self.U.t(), []
        for from_x in flat.view(STEPS, BATCH, -1).unbind(0):
            i, f, g, o = torch.addmm(from_x, h, U).chunk(4, dim=1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            outputs.append(h)
        return torch.stack(outputs), None


def measure(repetitions: int) -> dict[str, float]:
    """Measure the median milliseconds of each layer."""
    torch.manual_seed(0)
    modules: dict[str, nn.Module] = {REFERENCE: LoopLSTM(), "torch.nn.LSTM": nn.LSTM(INPUTS, UNITS)}
    modules |= {name: Recurrent(cell, INPUTS, UNITS) for name, cell in CELLS.items()}
    x = torch.rand(STEPS, BATCH, INPUTS)

    def losses(module: nn.Module) -> Callable[[], Tensor]:
        return lambda: module(x)[0].square().sum()

    return medians({name: losses(module) for name, module in modules.items()}, repetitions)


def medians(losses: Mapping[str, Callable[[], Tensor]], repetitions: int) -> dict[str, float]:
    """Measure the CPU time of forward and backward passes, in turns.

    Args:
        losses: forward passes by name.
        repetitions: measured turns, after one for warming up.

    Returns:
        Median milliseconds by name.
    """
    times: dict[str, list[float]] = {name: [] for name in losses}
    for warm in [True, *[False] * repetitions]:
        for name, loss in losses.items():
            start = time.process_time()
            loss().backward()
            if not warm:
                times[name].append(1000 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> int:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(prog="train_speed", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--json", type=Path, metavar="PATH", help="JSON; - is standard output")
    args = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(max(1, args.repetitions))
    reference = result[REFERENCE]
    lines = [f"{name:20} {ms:7.2f} ms  ratio {ms / reference:.2f}" for name, ms in result.items()]
    outputs.give(result, args.json, lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
