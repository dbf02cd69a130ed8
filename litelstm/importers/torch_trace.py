"""PyTorch programs and modules with a ``forward`` of their own: exported to ONNX in memory.

PyTorch follows the program on zeros and writes what it computes; the importer of ONNX files reads
that. The program itself must then give the network's results on random sequences.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
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

INPUT = "x"
"""Name of a program's input in its graph."""

PROJECTED = (
    "has an LSTM with proj_size, which PyTorch's exporter does not write; import the state dict, "
    "with a description"
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
        x = torch.zeros_like(example) if example is not None else _zeros(torch, module)
        model = _exported(torch, module, x)
        names = [value.name for value in model.graph.output]

        def run(wanted: Sequence[str], feeds: Mapping[str, Any]) -> list[Any]:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _, found = _results(torch, module(torch.from_numpy(*feeds.values())))
            results = dict(zip(names, found, strict=False))
            return [results[name].numpy() for name in wanted]

        # Without an example the length was chosen here, so no weight may read zeros alone.
        with whole_windows() if example is None else contextlib.nullcontext():
            plan, notes = onnx.follow(model)
            free = example is None and plan.made.fixed and _takes_longer(plan, run)
            if free:
                plan, notes = onnx.follow(model, free=True)
        length = _prove(plan, run, free=free)
        said = [steps_note(plan.steps, fixed=fixed) for fixed in (True, False)]
        told = tuple(note for note in notes if note not in said)
        made = replace(plan.made, network=replace(plan.made.network, input_scale=input_scale))
        return imported(made, names, (*told, *length), check=lambda: prove(plan, run))
    except InputError as error:
        raise InputError(f"{kind} {error}") from None
    finally:
        if training:
            module.train(True)


def _prove(plan: Plan, run: Run, *, free: bool) -> tuple[str, ...]:
    """Compare results of sequences of another length, or else of the one that was followed."""
    fixed = plan.made.fixed and not free
    try:
        prove(plan if fixed else _longer(plan), run)
    except NotRunError:
        prove(plan, run)
        fixed = True
    return (steps_note(plan.steps, fixed=plan.made.fixed),) if fixed else ()


def _takes_longer(plan: Plan, run: Run) -> bool:
    """Whether a program can be run on longer sequences."""
    try:
        prove(_longer(plan), run)
    except NotRunError:
        return False
    except InputError:  # with other results
        return True
    return True


def _results(torch: Any, found: Any) -> tuple[list[str], list[Any]]:
    """Name the tensors that a program returns, by keys of a dict and places in a tuple.

    There are no names for dicts and tuples inside others, and for keys that no graph can have.
    """
    leaves, _ = torch.utils._pytree.tree_flatten_with_path(found)
    tensors = [(path, leaf) for path, leaf in leaves if torch.is_tensor(leaf)]
    keys = [
        str(getattr(path[0], "key", f"y{n}")) if path else "y"
        for n, (path, _) in enumerate(tensors)
    ]
    named = all(key.isidentifier() and key != INPUT for key in keys)
    named &= all(len(path) < 2 for path, _ in tensors)
    return keys if named else [], [leaf for _, leaf in tensors]


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
            names, _ = _results(torch, module(x))
            torch.onnx.export(
                traced,
                (x,),
                found,
                dynamo=False,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=names,
            )
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if "projections" in reason:
            raise InputError(PROJECTED) from None
        raise InputError(f"cannot be followed by PyTorch's exporter: {reason}") from None
    return package.load_from_string(found.getvalue())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide what PyTorch's exporter prints, from C++ too, and warns of."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        with warnings.catch_warnings(), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(nowhere):
                yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        logger.setLevel(level)
