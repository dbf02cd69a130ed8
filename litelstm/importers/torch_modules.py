"""Importer of live PyTorch modules.

:mod:`litelstm.importers.torch_trace` follows a module with a ``forward`` of its own. PyTorch's own
modules, alone or in an ``nn.Sequential`` that need not be able to run, become a description of
their state dict.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from golden import packages
from golden.cells import Cell, cell_options
from golden.errors import InputError
from litelstm.importers.operations import refusal
from litelstm.importers.proof import Imported
from litelstm.importers.torch import from_state_dict
from litelstm.importers.torch_description import ALL_STEPS, FINAL_STATE, NONE
from litelstm.importers.torch_trace import from_program

PASSED = ("Dropout", "Dropout1d", "AlphaDropout", "Identity")
"""Modules that do nothing outside of training."""

ACTIVATIONS = {
    "ReLU": "relu",
    "ReLU6": "relu6",
    "LeakyReLU": "leaky_relu",
    "Tanh": "tanh",
    "Sigmoid": "sigmoid",
    "Hardsigmoid": "hardsigmoid",
    "ELU": "elu",
    "SELU": "selu",
    "Softmax": "softmax",
    "LogSoftmax": "log_softmax",
}
"""Modules that are the ``activation`` of the one before."""

NOT_RUN = (
    "modules were taken in their order without a run: assumed that the last recurrent one hands on "
    "what each of its directions ends with (h_n), and that nothing stands between modules"
)
"""Note on a module whose ``forward`` was not run."""


def import_torch_module(module: Any, *, input_scale: float = 1.0) -> Imported:
    """Import a module that has been trained.

    Args:
        module: a user's module, which is run on random sequences in eval mode and must give the
            network's results; or an ``nn.RNN``, ``nn.GRU``, ``nn.LSTM`` or
            ``litelstm.torch.Recurrent``, or an ``nn.Sequential`` of these, ``nn.Linear``,
            ``nn.BatchNorm1d`` and activations in the order of the data.
        input_scale: factor from stored samples to the numbers that the module reads.

    Raises:
        InputError: a module cannot be mapped (the message has its name and kind), or the results
            differ.
    """
    torch = packages.load("torch", extra="train")
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"is a {type(module).__name__}, expected a torch.nn.Module")
    if _has_own_forward(torch.nn, module):
        return from_program(module, input_scale=input_scale)
    layers: list[dict[str, Any]] = []
    for entry in _described(torch.nn, module, ""):
        if "module" in entry:
            layers.append(entry)
        elif not layers or layers[-1]["activation"] != NONE:
            raise InputError(f"{entry['kind']} {entry['name']!r} stands before any other module")
        else:
            layers[-1] |= {k: v for k, v in entry.items() if k not in ("kind", "name")}
    recurrent = [entry for entry in layers if entry["module"] not in ("Linear", "BatchNorm1d")]
    for entry in recurrent:
        entry["output"] = FINAL_STATE if entry is recurrent[-1] else ALL_STEPS
    made = from_state_dict(module.state_dict(), {"layers": layers, "input_scale": input_scale})
    return replace(made, notes=(NOT_RUN, *made.notes))


def _has_own_forward(nn: Any, module: Any) -> bool:
    """Whether a module, or one inside it, computes something that its class does not tell."""
    if isinstance(getattr(module, "cell", None), Cell):
        return False
    if not type(module).__module__.startswith("torch.nn."):
        return True
    return any(_has_own_forward(nn, child) for child in module.children())


def _described(nn: Any, module: Any, name: str) -> Iterator[dict[str, Any]]:
    """Yield the description's entries for a module and its children, and their activations."""
    kind = type(module).__name__
    if isinstance(getattr(module, "cell", None), Cell):
        options = cell_options(module.cell)
        if "activation" in options:
            options["nonlinearity"] = options.pop("activation")
        gate = {"cell": module.cell.kind, "gate": module.gate}
        yield {"module": "Recurrent", "name": name, "activation": NONE, **gate, **options}
    elif isinstance(module, nn.RNNBase):
        found = getattr(module, "nonlinearity", None)
        said = {} if found is None else {"nonlinearity": found}
        yield {"module": kind, "name": name, "activation": NONE, **said}
    elif isinstance(module, nn.Linear):
        yield {"module": "Linear", "name": name, "activation": NONE}
    elif isinstance(module, nn.BatchNorm1d):
        yield {"module": kind, "name": name, "activation": NONE, "eps": module.eps}
    elif kind in ACTIVATIONS:
        if kind == "ELU" and module.alpha != 1:
            raise InputError(f"ELU {name!r} has alpha {module.alpha:g}, expected 1")
        slope = {"slope": module.negative_slope} if kind == "LeakyReLU" else {}
        yield {"kind": kind, "name": name, "activation": ACTIVATIONS[kind], **slope}
    elif isinstance(module, nn.Sequential):
        for child, part in module.named_children():
            yield from _described(nn, part, f"{name}.{child}" if name else child)
    elif kind not in PASSED:
        raise InputError(f"{kind} {name!r} {refusal(kind)}")
