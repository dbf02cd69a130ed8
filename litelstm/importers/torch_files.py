"""Reader of PyTorch's files: state dicts, checkpoints around them, TorchScript and ``.pt2``."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from golden import packages
from golden.errors import InputError
from golden.store import check_expansion, most_bytes
from litelstm.importers import torch_description, torch_programs
from litelstm.importers.proof import Imported
from litelstm.importers.reading import of_file
from litelstm.importers.torch import from_description
from litelstm.importers.torch_description import Description
from litelstm.importers.torch_trace import from_program

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "module", "weights")
"""Names under which a checkpoint may have the state dict."""

PREFIXES = ("module.", "model.", "_orig_mod.", "net.")
"""Beginnings that wrappers add to all names of a module: DataParallel, Lightning, torch.compile."""


def load(path: str | Path, description: str | Path | None) -> Imported:
    """Import a ``.safetensors``, ``.pt``, ``.pth`` or ``.pt2`` file.

    Args:
        path: the file; ``weights_only=True`` makes sure that reading a pickle executes nothing.
            PyTorch runs the programs in TorchScript and ``.pt2`` files, if
            :mod:`litelstm.importers.torch_programs` finds operators alone in them.
        description: for a state dict, a JSON file that describes its modules.

    Raises:
        InputError: a file cannot be read or mapped.
    """
    told = None if description is None else torch_description.read(description)
    path = Path(path)
    with of_file(path):
        program = None
        if path.suffix != ".safetensors":
            torch = packages.load("torch", extra="train")
            program = torch_programs.load(torch, io.BytesIO(path.read_bytes()), path.suffix)
        if program is not None:
            if told is not None:
                raise InputError(f"is a program, which {description} does not describe")
            return from_program(*program)
        if path.suffix == ".safetensors":
            state, notes = _read_safetensors(path), ()
        else:
            state, notes = _read_pickle(path)
        if told is None:
            raise InputError(
                "a state dict needs a description of its modules: --description FILE "
                "(docs/import.md); in Python litelstm.import_torch_module(module) needs none"
            )
        made = from_description(_without_prefix(state, told), told)
        return replace(made, notes=(*notes, *made.notes))


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    package, data = packages.load("safetensors", extra="import"), path.read_bytes()
    try:
        # NumPy has no 16-bit floats of a short mantissa; PyTorch has.
        half = any(one["dtype"] == "BF16" for _, one in package.deserialize(data))
        kind, extra = ("torch", "train") if half else ("numpy", "import")
        return packages.load(f"safetensors.{kind}", extra=extra).load(data)
    except InputError:
        raise
    except Exception:
        raise InputError(
            "is not a readable .safetensors file of floats (foreign, damaged or cut short)"
        ) from None


def _read_pickle(path: Path) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Read a state dict, with notes on which one it is."""
    torch, data = packages.load("torch", extra="train"), io.BytesIO(path.read_bytes())
    try:
        if zipfile.is_zipfile(data):
            check_expansion(data)
        data.seek(0)
        state = torch.load(data, map_location="cpu", weights_only=True)
    except Exception:
        raise InputError(
            f"is not a readable state dict ({_odd(data)}); save module.state_dict(), or the module "
            "with torch.jit.script(module).save(...)"
        ) from None
    state, notes = _unwrapped(torch, state)
    size = sum(value.numel() * value.element_size() for value in state.values())
    if size > most_bytes(len(data.getvalue())):
        raise InputError(f"has tensors of {size} bytes in {len(data.getvalue())}")
    return state, notes


def _odd(data: io.BytesIO) -> str:
    """Say why a pickle is not read: which classes it has, as far as that is known."""
    torch = packages.load("torch", extra="train")
    try:
        data.seek(0)
        found = torch.serialization.get_unsafe_globals_in_checkpoint(data)
    except Exception:
        found = []
    if not found:
        return "foreign, damaged, cut short, or more than tensors"
    return f"it has more than tensors: {', '.join(sorted(found)[:3])}"


def _unwrapped(torch: Any, state: Any) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """Take the state dict out of a checkpoint, which also has an epoch, an optimizer, ...

    Returns:
        The state dict, and notes on which one it is.
    """
    found = dict(_state_dicts(torch, state, ""))
    if "" in found:
        return found[""], ()
    names = list(found)
    usual = [name for name in names if name.rpartition(".")[2] in WRAPPERS]
    chosen = usual or names
    if len(chosen) > 1:
        raise InputError(f"holds {' and '.join(chosen)}, expected one state dict: save that alone")
    if not chosen:
        raise InputError(f"holds {_described(state)}, expected a state dict of tensors")
    others = [name for name in names if name not in chosen]
    told = f"the file's {chosen[0]} is read, not its {' or '.join(others)}"
    return found[chosen[0]], (told,) if others else ()


def _state_dicts(torch: Any, value: Any, name: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the state dicts in a checkpoint, with their names."""
    if not isinstance(value, Mapping) or not value:
        return
    if all(isinstance(key, str) and torch.is_tensor(v) for key, v in value.items()):
        yield name, value
        return
    for key, inner in value.items():
        yield from _state_dicts(torch, inner, f"{name}.{key}".removeprefix("."))


def _without_prefix(state: Mapping[str, Any], told: Description) -> Mapping[str, Any]:
    """Take away what wrappers put before all names that the description has.

    A description of the module itself has an empty name: then ``PREFIXES`` of all names go.
    """
    heads = [f"{entry['name']}." for entry in told.layers if entry["name"]]
    if any(name.startswith(head) for head in heads for name in state):
        return state
    before = [name[: name.find(f".{heads[0]}") + 1] for name in state] if heads else PREFIXES
    fitting = [
        prefix
        for prefix in dict.fromkeys(before)
        if prefix and all(any(n.startswith(prefix + head) for n in state) for head in heads)
        if heads or all(name.startswith(prefix) for name in state)
    ]
    if len(fitting) != 1:
        return state
    inner = {name.removeprefix(fitting[0]): value for name, value in state.items()}
    return inner if heads else _without_prefix(inner, told)


def _described(state: Any) -> str:
    if isinstance(state, Mapping):
        odd = next(k for k, v in state.items() if not hasattr(v, "detach"))
        return f"a dict with {odd!r} that is no tensor"
    return f"a {type(state).__name__}"
