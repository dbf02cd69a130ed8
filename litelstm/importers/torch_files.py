"""Reader of PyTorch's files: state dicts, checkpoints around them, TorchScript and ``.pt2``."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from golden import packages
from golden.errors import InputError
from golden.store import check_expansion, most_bytes
from litelstm.importers import torch_description
from litelstm.importers.proof import Imported
from litelstm.importers.reading import of_file
from litelstm.importers.torch import from_description
from litelstm.importers.torch_description import Description
from litelstm.importers.torch_trace import from_program

WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "module", "weights")
"""Names under which a checkpoint may have the state dict."""

PREFIXES = ("module.", "model.", "_orig_mod.", "net.")
"""Beginnings that wrappers of modules add to all names: DataParallel, Lightning, torch.compile."""


def load(path: str | Path, description: str | Path | None) -> Imported:
    """Import a ``.safetensors``, ``.pt``, ``.pth`` or ``.pt2`` file.

    Args:
        path: the file; ``weights_only=True`` makes sure that reading a pickle executes nothing. The
            programs in TorchScript and ``.pt2`` files are run by PyTorch's own interpreters.
        description: for a state dict, a JSON file that describes its modules.

    Raises:
        InputError: a file cannot be read or mapped.
    """
    told = None if description is None else torch_description.read(description)
    path = Path(path)
    with of_file(path):
        program = _program(path)
        if program is not None:
            if told is not None:
                raise InputError(f"is a program, which {description} does not describe")
            return from_program(*program)
        state = (_read_safetensors if path.suffix == ".safetensors" else _read_pickle)(path)
        if told is None:
            raise InputError(
                "a state dict needs a description of its modules: --description FILE "
                "(docs/import.md); in Python litelstm.import_torch_module(module) needs none"
            )
        return from_description(_without_prefix(state, told), told)


def _program(path: Path) -> tuple[Any, Any] | None:
    """Read a program as a module, with an example of its input if the file has one.

    Returns ``None`` for a state dict.
    """
    if path.suffix == ".safetensors":
        return None
    torch, data = packages.load("torch", extra="train"), io.BytesIO(path.read_bytes())
    try:
        if path.suffix == ".pt2":
            program = torch.export.load(data)
            return program.module(), program.example_inputs[0][0]
        if not _is_torchscript(data):
            return None
        return torch.jit.load(data, map_location="cpu"), None
    except Exception:
        raise InputError("is not a readable program (foreign, damaged or cut short)") from None


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    numpy, data = packages.load("safetensors.numpy", extra="import"), io.BytesIO(path.read_bytes())
    try:
        return numpy.load(data.getvalue())
    except Exception:
        raise InputError(
            "is not a readable .safetensors file of floats (foreign, damaged or cut short)"
        ) from None


def _read_pickle(path: Path) -> Mapping[str, Any]:
    torch, data = packages.load("torch", extra="train"), io.BytesIO(path.read_bytes())
    try:
        if zipfile.is_zipfile(data):
            check_expansion(data)
        data.seek(0)
        state = torch.load(data, map_location="cpu", weights_only=True)
    except Exception:
        raise InputError(
            "is not a readable state dict (foreign, damaged, cut short, or more than tensors); "
            "save module.state_dict(), or the module with torch.jit.save"
        ) from None
    state = _unwrapped(torch, state)
    size = sum(value.numel() * value.element_size() for value in state.values())
    if size > most_bytes(len(data.getvalue())):
        raise InputError(f"has tensors of {size} bytes in {len(data.getvalue())}")
    return state


def _unwrapped(torch: Any, state: Any) -> Mapping[str, Any]:
    """Take the state dict out of a checkpoint, which also has an epoch, an optimizer, ..."""

    def is_dict(value: Any) -> bool:
        return isinstance(value, Mapping) and all(torch.is_tensor(v) for v in value.values())

    if is_dict(state):
        return state
    inner = [n for n in WRAPPERS if isinstance(state, Mapping) and is_dict(state.get(n))]
    if len(inner) > 1:
        raise InputError(f"holds {' and '.join(inner)}, expected one state dict")
    if not inner:
        raise InputError(f"holds {_described(state)}, expected a state dict of tensors")
    return state[inner[0]]


def _without_prefix(state: Mapping[str, Any], told: Description) -> Mapping[str, Any]:
    """Take away what wrappers put before all names, where the description does not have it."""
    names = [entry["name"] for entry in told.layers]
    for prefix in PREFIXES:
        own = any(f"{name}.".startswith(prefix) for name in names)
        if state and not own and all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def _is_torchscript(file: io.BytesIO) -> bool:
    """Whether a file is an archive of ``torch.jit.save``; ``file`` is at its start afterwards."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    finally:
        file.seek(0)


def _described(state: Any) -> str:
    if isinstance(state, Mapping):
        odd = next(k for k, v in state.items() if not hasattr(v, "detach"))
        return f"a dict with {odd!r} that is no tensor"
    return f"a {type(state).__name__}"
