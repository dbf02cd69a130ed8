"""Loops that an exporter wrote out, read in every step, in reverse and in both directions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers.copies import Copy, postorder
from litelstm.importers.forms import Atom, Form
from litelstm.importers.torch_modules import import_torch_module
from tests.litelstm.importers.cases import INPUTS, OUTPUTS, TOLERANCE, UNITS, samples

pytestmark = pytest.mark.frameworks


class Loop(nn.Module):
    """A cell in a loop over the steps; gives h of every step, in the order of time."""

    def __init__(self, cell: type[nn.Module], inputs: int, *, back: bool = False) -> None:
        super().__init__()
        self.cell, self.back = cell(inputs, UNITS), back

    def forward(self, x: Tensor) -> Tensor:
        state, found = None, []
        for x_t in x.unbind(1)[:: -1 if self.back else 1]:
            state = self.cell(x_t, state)
            found.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(found[:: -1 if self.back else 1], 1)


class Net(nn.Module):
    """Loops, and what ``read`` makes of their h for a dense layer."""

    def __init__(
        self, loops: list[nn.Module], read: Callable[..., Tensor], features: int = UNITS
    ) -> None:
        super().__init__()
        self.loops, self.read = nn.ModuleList(loops), read
        self.head = nn.Linear(features, OUTPUTS)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.read(x, *self.loops))


def both(cell: type[nn.Module], inputs: int = INPUTS) -> list[nn.Module]:
    return [Loop(cell, inputs), Loop(cell, inputs, back=True)]


NETS: dict[str, tuple[Callable[[], nn.Module], list[str], bool]] = {
    "every step of two layers": (
        lambda: Net(
            [Loop(nn.LSTMCell, INPUTS), Loop(nn.GRUCell, UNITS)],
            lambda x, a, b: b(torch.relu(a(x))),
        ),
        ["lstm forward", "dense forward", "gru forward", "dense forward"],
        True,
    ),
    "every step, and x": (
        lambda: Net(
            [Loop(nn.RNNCell, INPUTS)], lambda x, a: torch.cat([x, a(x)], 2), INPUTS + UNITS
        ),
        ["rnn forward", "dense forward"],
        True,
    ),
    "both directions, and one above": (
        lambda: Net(
            [*both(nn.LSTMCell), Loop(nn.LSTMCell, 2 * UNITS, back=True)],
            lambda x, a, b, c: c(torch.cat([a(x), b(x)], 2))[:, 0],
        ),
        ["lstm forward", "lstm reverse", "lstm reverse", "dense forward"],
        False,
    ),
    "sum of both directions": (
        lambda: Net(both(nn.GRUCell), lambda x, a, b: a(x) + b(x)),
        ["gru forward", "gru reverse", "dense forward"],
        True,
    ),
    "mean of both directions, largest over the steps": (
        lambda: Net(both(nn.GRUCell), lambda x, a, b: ((a(x) + b(x)) / 2).amax(1)),
        ["gru forward", "gru reverse", "pool forward", "dense forward"],
        False,
    ),
}


@pytest.mark.parametrize(("make", "layers", "every"), NETS.values(), ids=NETS)
def test_results(make: Callable[[], nn.Module], layers: list[str], every: bool) -> None:
    torch.manual_seed(11)
    module = make().eval()
    imported = import_torch_module(module)
    network, x = imported.network, samples(11, steps=9)
    assert sorted(f"{layer.cell.kind} {layer.direction}" for layer in network.layers) == sorted(
        layers
    )
    assert imported.every_step == every
    with torch.no_grad():
        y = module(torch.from_numpy(x)).numpy()
    run = network.run(x)
    found = run.steps if every else run.output
    assert np.abs(found - y).max() < TOLERANCE


@pytest.mark.parametrize("cell", [nn.GRUCell, nn.LSTMCell])
def test_one_step_is_no_loop(cell: type[nn.Module]) -> None:
    """A first step's equations have no state: an earlier version failed on a GRU's."""
    module = Net([Loop(cell, INPUTS)], lambda x, a: a(x[:, -1:])[:, -1])
    with pytest.raises(InputError, match="computes|has a layer of one step"):
        import_torch_module(module)


def test_products_that_are_no_cell_stay_refused() -> None:
    def gated(x: Tensor, a: nn.Module, b: nn.Module) -> Tensor:
        h = a(x)
        return (h * torch.sigmoid(b(x)))[:, -1]

    module = Net([Loop(nn.GRUCell, INPUTS), Loop(nn.RNNCell, INPUTS)], gated)
    with pytest.raises(InputError, match="computes what is no step of RNN"):
        import_torch_module(module)


def test_a_turned_copy_keeps_what_it_is_a_copy_of() -> None:
    x = [Atom("input", 2, time) for time in range(3)]
    matrix = np.arange(4.0).reshape(2, 2)
    line: Form | None = None
    for atom in x:
        add = atom.form.mapped(matrix)
        line = (add if line is None else add.plus(line.mapped(matrix))).apply("tanh")
    assert line is not None
    copy = Copy(turned=2)
    ((turned,),) = copy.outputs([[line]])
    order = [atom.time for atom in postorder([turned]) if atom.kind == "input"]
    assert sorted(order) == [0, 1, 2]
    assert turned.time == 2
    assert copy.originals[turned.atom] is line.atom
    again = Copy().outputs([[line]])
    assert again[0][0] is line
