"""Importer of live PyTorch modules: derives a description from them, and uses their state dict.

It assumes facts that modules do not show, such as the step that the head reads. It runs a module
with its own ``forward`` and refuses a wrong assumption; for others, the notes name the assumptions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from golden import packages
from golden.cells import Cell, cell_options
from golden.errors import InputError
from golden.network import Network
from litelstm.importers.layers import Imported
from litelstm.importers.outputs import ENDS, check_results, end_note, probe
from litelstm.importers.torch import from_state_dict
from litelstm.importers.torch_description import ALL_STEPS, FINAL_STATE, NONE

PASSED = ("Dropout", "Dropout1d", "AlphaDropout", "Identity")
"""Modules that do nothing outside of training."""

NOT_RUN = (
    "modules were taken in their order without a run: assumed that the last recurrent one hands on "
    "what each of its directions ends with (h_n), and that nothing stands between modules"
)
"""Note on a module whose ``forward`` was not run."""

CHECK = (3, 5)
"""Samples and steps of the random data for running a user's module."""


def import_torch_module(module: Any, *, input_scale: float = 1.0) -> Imported:
    """Import a module that has been trained.

    Args:
        module: an ``nn.RNN`` (tanh), ``nn.GRU``, ``nn.LSTM`` or ``litelstm.torch.Recurrent``; an
            ``nn.Sequential`` of these and ``nn.Linear`` in the order of the data, which need not
            be able to run; or a user's module with these as children. The importer runs such a
            module on random sequences in eval mode, because its children may be in another order
            than the data; it must give the network's results for the last step.
        input_scale: factor from stored samples to the numbers that the module reads.

    Raises:
        InputError: a module cannot be mapped (the message has its name and kind), or the results
            differ.
    """
    torch = packages.load("torch", extra="train")
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"is a {type(module).__name__}, expected a torch.nn.Module")
    walk = _Walk(torch)
    layers = list(walk.described(module, ""))
    recurrent = [entry for entry in layers if entry["module"] != "Linear"]
    for entry in recurrent:
        entry["output"] = FINAL_STATE if entry is recurrent[-1] else ALL_STEPS
    told = {"layers": layers, "input_scale": input_scale}
    network = from_state_dict(module.state_dict(), told).network
    notes = []
    if walk.own:
        _compare(torch, module, walk, network)
    else:
        notes.append(NOT_RUN)
    if walk.end:
        notes.append(end_note(walk.end))
    return Imported(network=network, notes=tuple(notes))


class _Walk:
    """Walk through a module's children.

    Attributes:
        own: whether a module is not PyTorch's, so that its ``forward`` is unknown.
        end: the function after the head, a key of ``ENDS``.
        batch_first: whether recurrent modules read (batch, steps, inputs).
    """

    def __init__(self, torch: Any) -> None:
        self._nn = torch.nn
        self.own, self.batch_first = False, True
        self.end: str | None = None

    def described(self, module: Any, name: str) -> Iterator[dict[str, str]]:
        """Yield the description's entries for a module and its children."""
        nn, kind = self._nn, type(module).__name__
        of_torch = type(module).__module__.startswith("torch.nn.")
        if not of_torch and isinstance(module, (nn.RNNBase, nn.Linear, nn.Sequential)):
            self.own = True  # a subclass of a PyTorch module may compute something else
        if self.end:
            raise InputError(f"{kind} {name!r} comes after {ENDS[self.end]}, expected nothing more")
        if isinstance(getattr(module, "cell", None), Cell):
            self.batch_first = module.batch_first
            options = cell_options(module.cell)
            gate = {"cell": module.cell.kind, "gate": module.gate}
            yield {"module": "Recurrent", "name": name, "activation": NONE, **gate, **options}
        elif isinstance(module, nn.RNNBase):
            found = getattr(module, "nonlinearity", None)
            if found not in (None, "tanh"):
                raise InputError(f"{kind} {name!r} has nonlinearity {found}, expected tanh")
            self.batch_first = module.batch_first
            said = {} if found is None else {"nonlinearity": found}
            yield {"module": kind, "name": name, "activation": NONE, **said}
        elif isinstance(module, nn.Linear):
            yield {"module": "Linear", "name": name, "activation": NONE}
        elif kind in PASSED and of_torch:
            return
        elif kind.lower() in ENDS and of_torch:
            self.end = kind.lower()
        elif of_torch and not isinstance(module, (nn.Sequential, nn.ModuleList, nn.ModuleDict)):
            raise InputError(f"{kind} {name!r} cannot be mapped to a core")
        else:
            self.own |= not isinstance(module, nn.Sequential)  # the one with an order of its own
            for child, part in module.named_children():
                yield from self.described(part, f"{name}.{child}" if name else child)


def _compare(torch: Any, module: Any, walk: _Walk, network: Network) -> None:
    """Run the module on random sequences; refuse it if the network's results differ."""
    parameter = next(module.parameters())
    samples = probe(network, *CHECK)
    x = torch.from_numpy(samples * network.input_scale).to(parameter)
    training = module.training
    module.eval()
    try:
        with torch.no_grad():
            found = module(x if walk.batch_first else x.transpose(0, 1))
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{type(module).__name__} cannot be run for a check: {reason}") from None
    finally:
        module.train(training)
    if not torch.is_tensor(found):
        raise InputError(f"{type(module).__name__} returns a {type(found).__name__}, not a tensor")
    try:
        check_results(network, samples, walk.end, found.double().cpu().numpy())
    except InputError as error:
        raise InputError(
            f"{type(module).__name__} {error}; nn.Sequential of its parts, in the order of the "
            "data, is taken without a run"
        ) from None
