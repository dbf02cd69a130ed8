"""PyTorch programs and modules with a ``forward`` of their own: exported to ONNX in memory.

PyTorch follows the program on zeros and writes what it computes; the importer of ONNX files reads
that. The program itself must then give the network's results on random sequences.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from golden import packages
from golden.errors import InputError
from litelstm.importers import onnx
from litelstm.importers.onnx_proof import NotRunError, Plan, Run, prove
from litelstm.importers.proof import Imported, imported, steps_note
from litelstm.importers.windows import whole_windows

SIZES = ((2, 4), (1, 4), (1, 1), (2, 48), (2, 240), (1, 960))
"""Samples and steps of the sequences that a program may be followed with."""

LONGER = 3
"""Steps that the sequences have more, for which results are compared."""

OPSET = 17

PROJECTED = (
    "has an LSTM with proj_size, which PyTorch's exporter does not write; import the state dict, "
    "with a description"
)

ONE_STEP = (
    "reads the last step of a reverse layer, expected its final h: in that step it has seen one "
    "alone; export it as ONNX with the number of steps that it is for"
)


def from_program(module: Any, example: Any = None, *, input_scale: float = 1.0) -> Imported:
    """Import a module, a TorchScript program or an exported one.

    Args:
        module: what can be called with a tensor (batch, steps, inputs) or (steps, batch, inputs).
        example: an input, if one is known.
        input_scale: factor from stored samples to the numbers that it reads.

    Raises:
        InputError: it cannot be run or mapped, or its results differ.
    """
    torch = packages.load("torch", extra="train")
    kind, training = type(module).__name__, module.training and not _is_exported(module)
    try:
        if not _is_exported(module):
            module.eval()
        x = _zeros(torch, module) if example is None else torch.zeros_like(example)
        # Without an example the length was chosen here, so no weight may read zeros alone.
        with whole_windows() if example is None else contextlib.nullcontext():
            plan, notes = onnx.follow(_exported(torch, module, x))
        names = [name for name, _ in plan.outputs]
        if example is None and _reads_one_step(plan):
            raise InputError(ONE_STEP)

        def run(wanted: Sequence[str], feeds: Mapping[str, Any]) -> list[Any]:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = torch.utils._pytree.tree_leaves(module(torch.from_numpy(feeds[plan.input])))
            results = dict(zip(names, found, strict=False))
            return [results[name].numpy() for name in wanted]

        length = _prove(plan, run)
        said = [steps_note(plan.steps, fixed=fixed) for fixed in (True, False)]
        told = tuple(note for note in notes if note not in said)
        made = replace(plan.made, network=replace(plan.made.network, input_scale=input_scale))
        return imported(made, names, (*told, *length), check=lambda: prove(plan, run))
    except InputError as error:
        raise InputError(f"{kind} {error}") from None
    finally:
        if training:
            module.train(True)


def _prove(plan: Plan, run: Run) -> tuple[str, ...]:
    """Compare results of sequences of another length, or else of the one that was followed."""
    fixed = plan.made.fixed
    try:
        prove(plan if fixed else _longer(plan), run)
    except NotRunError:
        prove(plan, run)
        fixed = True
    return (steps_note(plan.steps, fixed=plan.made.fixed),) if fixed else ()


def _reads_one_step(plan: Plan) -> bool:
    """Whether a recurrent layer is in its first state in the last step of all."""
    network = plan.made.network
    last = plan.steps // network.fold - 1
    return any(
        layer.cell.state and layer.warmup and start == last
        for layer, start in zip(network.layers, network.starts[1:], strict=True)
    )


def _longer(plan: Plan) -> Plan:
    return replace(plan, steps=plan.steps + LONGER * plan.made.network.fold)


def _is_exported(module: Any) -> bool:
    """Whether a module is that of a ``.pt2`` file, which refuses ``eval`` and ``train``."""
    return type(module).__module__.startswith("torch.fx")


def _zeros(torch: Any, module: Any) -> Any:
    """Find a sequence of zeros that a module takes, by the sizes of its weights."""
    state = module.state_dict()
    arrays = {name: v for name, v in state.items() if torch.is_tensor(v) and v.ndim in (2, 3)}
    windows = {name for name, v in arrays.items() if v.ndim == 3 and v.shape[0] > 1}
    first = sorted(arrays, key=lambda name: "weight_ih" not in name and name not in windows)
    widths = dict.fromkeys(arrays[name].shape[1] for name in first)
    wide = bool(windows)  # a convolution, which has the steps last
    counts = [size for size in SIZES if size[1] > 4] if wide else SIZES
    counts = [*counts, *((1, steps) for steps in _quotients(widths))]
    sizes = [(*size, width) for width in widths for size in counts]
    if wide:
        sizes += [(samples, width, steps) for width in widths for samples, steps in counts]
    kinds = dict.fromkeys(sizes, torch.float32) | dict.fromkeys(counts, torch.int64)  # indices
    reasons = []
    for size, kind in kinds.items():
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                module(torch.zeros(size, dtype=kind))
            return torch.zeros(size, dtype=kind)
        except Exception as error:
            reasons.append((str(error).strip().splitlines() or [type(error).__name__])[-1])
    reason = reasons[0] if reasons else "it has no matrix"
    raise InputError(f"cannot be run on (batch, steps, inputs): {reason}; export it as ONNX")


def _quotients(widths: Iterable[int]) -> list[int]:
    """List steps of which a linear layer may read all at once: the quotients of two widths."""
    found = {a // b for a in widths for b in widths if b > 1 and a % b == 0 and a > b}
    return sorted(found)


def _exported(torch: Any, module: Any, x: Any) -> Any:
    """Export a module as an ``onnx.ModelProto``."""
    package, found, traced = packages.load("onnx", extra="import"), io.BytesIO(), module
    if _is_exported(module):

        class Program(torch.nn.Module):
            """Calls the program, without being asked to train it."""

            def forward(self, x: Any) -> Any:
                return module(x)

        for parameter in module.parameters():
            parameter.requires_grad_(False)
        traced = Program()
    try:
        with _quiet(), torch.no_grad():
            torch.onnx.export(
                traced, (x,), found, dynamo=False, opset_version=OPSET, input_names=["x"]
            )
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if "projections" in reason:
            raise InputError(PROJECTED) from None
        raise InputError(f"cannot be followed by PyTorch's exporter: {reason}") from None
    return package.load_from_string(found.getvalue())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide what PyTorch's exporter prints and warns of."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
