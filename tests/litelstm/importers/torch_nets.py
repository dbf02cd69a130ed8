"""PyTorch networks for the tests: PyTorch's own layers, and loops written in several styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tests.litelstm.importers.cases import INPUTS, OUTPUTS, UNITS

Step = Callable[..., tuple[Tensor, Tensor]]


class Stack(nn.Module):
    """One of PyTorch's recurrent modules with a dense head on the last step."""

    def __init__(self, kind: type[nn.RNNBase], *, head: bool = True, **options: Any) -> None:
        super().__init__()
        self.rnn = kind(input_size=INPUTS, hidden_size=UNITS, **options)
        self.head = nn.Linear(UNITS, OUTPUTS) if head else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = self.rnn(x)[0]
        return self.head(h[:, -1] if self.rnn.batch_first else h[-1])


class FinalState(nn.Module):
    """An LSTM read by its h_n, which has an axis of layers in front."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(INPUTS, UNITS, 2, batch_first=True, bias=False)
        self.head = nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        return torch.log_softmax(self.head(self.rnn(x)[1][0][-1]), dim=1)


class Both(nn.Module):
    """A bidirectional LSTM of two layers, read by what its directions end with."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(INPUTS, UNITS, 2, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * UNITS, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        last = self.rnn(x)[1][0]
        return self.head(torch.cat([last[-2], last[-1]], dim=1))


class Normalized(nn.Module):
    """Samples are scaled and go through a dense layer before a GRU reads them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(INPUTS, 5)
        self.rnn = nn.GRU(5, UNITS, batch_first=True)
        self.head = nn.Linear(UNITS, OUTPUTS)
        self.mean = torch.tensor([0.5, -0.25, 0.125])

    def forward(self, x: Tensor) -> Tensor:
        h = self.rnn(self.first((x - self.mean) / 1.5))[0]
        return torch.sigmoid(self.head(h[:, -1]))


class Loop(nn.Module):
    """Layers written as a loop over steps, and a dense head.

    Args:
        step: called with a layer's parameters, x, h and c; returns h and c.
        shapes: names and shapes of a layer's parameters for a number of inputs.
        layers: how many.
    """

    def __init__(
        self, step: Step, shapes: Callable[[int], dict[str, tuple[int, ...]]], layers: int
    ) -> None:
        super().__init__()
        self.step = step
        self.layers = nn.ModuleList(
            nn.ParameterDict(
                {
                    name: nn.Parameter(torch.randn(shape) * 0.5)
                    for name, shape in shapes(UNITS if index else INPUTS).items()
                }
            )
            for index in range(layers)
        )
        self.head = nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        sequence = list(x.unbind(1))
        for layer in self.layers:
            sequence = self.run(layer, sequence)
        return self.head(sequence[-1])

    def run(self, layer: Any, sequence: list[Tensor]) -> list[Tensor]:
        """h of every step of one layer."""
        h = c = sequence[0].new_zeros(sequence[0].shape[0], UNITS)
        results = []
        for value in sequence:
            h, c = self.step(layer, value, h, c)
            results.append(h)
        return results


class Mixed(nn.Module):
    """Four layers of different cells, each a loop, on samples that are scaled."""

    def __init__(self) -> None:
        super().__init__()
        steps = (litelstm_logistic, gru_before, plstm_current, gru_after)
        shapes = (litelstm_shapes, stacked_shapes(3), stacked_shapes(4), stacked_shapes(3))
        self.stack = [
            Loop(step, lambda _, of=of, n=n: of(UNITS if n else INPUTS), 1)
            for n, (step, of) in enumerate(zip(steps, shapes, strict=True))
        ]
        self.loops = nn.ModuleList(self.stack)

    def forward(self, x: Tensor) -> Tensor:
        sequence = [value / 255 for value in (60 * x).unbind(1)]
        *loops, last = self.stack
        for loop in loops:
            sequence = loop.run(loop.layers[0], sequence)
        return last.head(last.run(last.layers[0], sequence)[-1])


class OneProduct(nn.Module):
    """A diagonal LiteLSTM whose sums over x are one product for all steps of all samples."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(INPUTS, 2 * UNITS)
        self.U = nn.Parameter(torch.randn(UNITS, 2 * UNITS) * 0.5)
        self.w = nn.Parameter(torch.randn(UNITS))
        self.head = nn.Linear(UNITS, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.transpose(0, 1)
        flat = self.first(steps.reshape(-1, INPUTS)).view(steps.shape[0], -1, 2 * UNITS)
        h = c = x.new_zeros(x.shape[0], UNITS)
        states = []
        for from_x in flat.unbind(0):
            f, g = torch.addmm(from_x, h, self.U).split(UNITS, dim=1)
            f = hard(torch.addcmul(f, self.w, c))
            c = f * (c + torch.tanh(g))
            h = f * torch.tanh(c)
            states.append(h)
        return self.head(torch.stack(states)[-1])


def hard(x: Tensor) -> Tensor:
    """Eq. (21)."""
    return torch.clamp(x / 4 + 0.5, 0, 1)


def litelstm_shapes(inputs: int) -> dict[str, tuple[int, ...]]:
    """Eq. (18) with the matrices on [x, h, c] and [x, h] as one each."""
    both = inputs + UNITS
    return {"F": (UNITS, both + UNITS), "b": (UNITS,), "G": (UNITS, both), "d": (UNITS,)}


def litelstm(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Full peephole, hard sigmoid, (24) as f (c + g)."""
    f = hard(torch.cat([x, h, c], 1) @ p["F"].T + p["b"])
    c = f * (c + torch.tanh(torch.cat([x, h], 1) @ p["G"].T + p["d"]))
    return f * torch.tanh(c), c


def litelstm_logistic(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """No peephole, logistic gate, (24) as printed."""
    both = torch.cat([x, h], 1)
    f = torch.sigmoid(both @ p["F"][:, : both.shape[1]].T + p["b"])
    g = torch.tanh(nn.functional.linear(both, p["G"], p["d"]))
    c = f * c + f * g
    return f * torch.tanh(c), c


def stacked_shapes(gates: int) -> Callable[[int], dict[str, tuple[int, ...]]]:
    """W and U with all gates below each other, one bias, and diagonal weights on c."""

    def shapes(inputs: int) -> dict[str, tuple[int, ...]]:
        rows = gates * UNITS
        return {"W": (rows, inputs), "U": (rows, UNITS), "b": (rows,), "w": (3, UNITS)}

    return shapes


def litelstm_diagonal(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Diagonal peephole; nn.Hardsigmoid's slope of 1/6."""
    f, g = (x @ p["W"].T + h @ p["U"].T + p["b"]).chunk(2, dim=1)
    f = nn.functional.hardsigmoid(f + p["w"][0] * c)
    c = f * (torch.tanh(g) + c)
    return f * torch.tanh(c), c


def plstm(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Eqs. (8)-(13), o from c of the step before."""
    i, f, o, g = (x @ p["W"].T + h @ p["U"].T + p["b"]).chunk(4, dim=1)
    i, f, o = (torch.sigmoid(s + w * c) for s, w in zip((i, f, o), p["w"], strict=True))
    c = f * c + i * torch.tanh(g)
    return o * torch.tanh(c), c


def plstm_current(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """ONNX's form: o from c of this step."""
    i, f, o, g = (x @ p["W"].T + h @ p["U"].T + p["b"]).chunk(4, dim=1)
    i, f = (torch.sigmoid(s + w * c) for s, w in zip((i, f), p["w"][:2], strict=True))
    c = i * torch.tanh(g) + f * c
    return torch.sigmoid(o + p["w"][2] * c) * torch.tanh(c), c


def gru_before(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """Eqs. (14)-(17) as printed."""
    W, U, b = (p[name].chunk(3) for name in "WUb")
    z, r = (torch.sigmoid(x @ W[n].T + h @ U[n].T + b[n]) for n in (0, 1))
    n = torch.tanh(x @ W[2].T + (r * h) @ U[2].T + b[2])
    return (1 - z) * h + z * n, c


def gru_after(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """PyTorch's GRU, in another order of operations."""
    x_z, x_r, x_n = (x @ p["W"].T).chunk(3, dim=1)
    h_z, h_r, h_n = (h @ p["U"].T + p["b"]).chunk(3, dim=1)
    z, r = hard(x_z + h_z), hard(x_r + h_r)
    n = torch.tanh(x_n + r * h_n)
    return n + z * (h - n), c


def lstm_relu(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """ReLU in place of tanh."""
    i, f, g, o = (x @ p["W"].T + h @ p["U"].T + p["b"]).chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.relu()
    return o.sigmoid() * c.relu(), c


def lstm_coupled(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """f = 1 - i, and o reads c(t)."""
    i, g, o = (x @ p["W"].T + h @ p["U"].T + p["b"]).chunk(3, dim=1)
    i = (i + p["w"][0] * c).sigmoid()
    c = (1 - i) * c + i * g.tanh()
    return (o + p["w"][2] * c).sigmoid() * c.tanh(), c


def lstm_keeping(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """i = 1 - f, and ReLU."""
    f, g, o = (x @ p["W"].T + h @ p["U"].T + p["b"]).chunk(3, dim=1)
    f = hard(f)
    c = f * c + (1 - f) * g.relu()
    return hard(o) * c.relu(), c


def gru_relu(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """ReLU in place of tanh."""
    x_r, x_z, x_n = (x @ p["W"].T + p["b"]).chunk(3, dim=1)
    h_r, h_z, h_n = (h @ p["U"].T).chunk(3, dim=1)
    z = torch.sigmoid(x_z + h_z)
    return z * h + (1 - z) * (x_n + torch.sigmoid(x_r + h_r) * h_n).relu(), c


def minimal(p: Any, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
    """A minimal gated unit: a GRU whose r and z are one."""
    s = x @ p["W"].T
    f = torch.sigmoid(s + h @ p["U"].T + p["b"])
    return (1 - f) * h + f * torch.tanh(s + (f * h) @ p["U"].T), c
