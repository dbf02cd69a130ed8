"""Results of PyTorch modules: their order and names, and sequences of any length."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from golden.errors import InputError
from litelstm.importers.torch_modules import import_torch_module
from tests.litelstm.importers.cases import BATCH, INPUTS, OUTPUTS, STEPS
from tests.litelstm.importers.torch_nets import Stack

pytestmark = pytest.mark.frameworks


class Mean(Stack):
    """A dense layer on the mean over all steps, behind ReLU or not."""

    relu: bool = True

    def forward(self, x: Tensor) -> Tensor:
        mean = self.rnn(x)[0].mean(1)
        return self.head(torch.relu(mean) if self.relu else mean)


def test_a_program_of_any_length_is_not_read_for_one() -> None:
    """The length that the importer follows it with is its own choice, not the program's."""
    module = Mean(nn.GRU, batch_first=True)
    with pytest.raises(InputError, match="averages over a free number of steps"):
        import_torch_module(module)
    module.relu = False
    assert import_torch_module(module).notes == (
        "y is a sum over the steps: divide by their number for the mean",
    )


def test_projections_are_refused_with_what_imports_them() -> None:
    class Projected(Stack):
        def __init__(self) -> None:
            super().__init__(nn.LSTM, batch_first=True, proj_size=3)
            self.head = nn.Linear(3, OUTPUTS)

    with pytest.raises(InputError, match="has an LSTM with proj_size.* import the state dict"):
        import_torch_module(Projected())


class Named(Stack):
    """Gives a dict, whose order is not that of its keys."""

    def forward(self, x: Tensor) -> Any:
        last = self.rnn(x)[0][:, -1]
        return {"zeta": self.head(last), "alpha": torch.relu(self.head(last))}


def test_outputs_of_a_dict_have_their_names_and_order(capfd: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(47)
    module = Named(nn.GRU, batch_first=True).eval()
    imported = import_torch_module(module)
    x = torch.randn(BATCH, STEPS, INPUTS)
    assert imported.notes == (
        f"a result has the outputs zeta ({OUTPUTS} words), alpha ({OUTPUTS} words), in this order",
    )
    y = np.hstack([value.detach().numpy() for value in module(x).values()])
    assert np.abs(imported.network.forward(x.numpy()) - y).max() < 1e-6
    with pytest.raises(InputError, match="exporter: Exporting the operator 'prim::DictConstruct'"):
        import_torch_module(torch.jit.script(module))
    assert capfd.readouterr().out == ""  # PyTorch would print the graph
