"""Programs of PyTorch: checks what is in a TorchScript or ``.pt2`` file before PyTorch loads it.

PyTorch itself reads a ``.pt2`` file with pickles, evaluates its sizes as Python, and calls whatever
function of its own modules a node names. So only archives of tensors and of graphs of ``aten``
operators are loaded, and their pickles with ``weights_only``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import zipfile
from collections.abc import Iterator
from typing import Any

from golden.errors import InputError
from golden.store import check_expansion

MEMBERS = re.compile(
    r"[^/]+/(\.data/\w+|archive_\w+|byteorder|version|models/\w+\.json|extra/.*"
    r"|data/sample_inputs/\w+\.pt|data/(weights|constants)/(\w+_config\.json|weight_\d+|tensor_\d+))"
)
"""Members of a ``.pt2`` archive: tensors, graphs and notes; no compiled code, no other objects."""

FILES = "save|from_file|rpc_\\w+"
"""Operators that reach files or other machines."""

TARGET = re.compile(
    rf"torch\.ops\.aten\.(?!({FILES})\b)\w+(\.\w+)?|torch\.sym_\w+"
    r"|_operator\.(add|sub|mul|floordiv|truediv|mod|neg|pow|eq|ne|lt|le|gt|ge|and_|or_|getitem)"
)
"""Operators that a node of a graph may call."""

SIZE = re.compile(
    r"(Symbol|Integer|Rational|Add|Mul|Pow|Max|Min|Mod|PythonMod|FloorDiv|CeilDiv|CleanDiv|positive"
    r"|nonnegative|integer|True|False|'[su]\d+'|[\s\d(),=-])*"
)
"""An expression of a size, which PyTorch evaluates."""

CODE = re.compile(rf"\b({FILES}|classes|ops(?!\.(prim|aten)\b)|getattr(?!\([\w.]+, \"\w+\"\)))\b")
"""Words that the code of a TorchScript file must not have: a name may be given to any module."""

FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
"""Variable with which PyTorch reads all pickles as tensors alone."""


def load(torch: Any, data: io.BytesIO, suffix: str) -> tuple[Any, Any] | None:
    """Load a program as a module, with an example of its input if the file has one.

    Returns ``None`` for a state dict.

    Raises:
        InputError: the file is damaged, or has more than tensors and operators of ``aten``.
    """
    try:
        if suffix != ".pt2" and not _is_torchscript(data):
            return None
        check_expansion(data)
        members = _members(data)
        check = _more if suffix == ".pt2" else _code
        found = next((odd for name, text in members.items() for odd in check(name, text)), None)
        if found is None and suffix == ".pt2":
            with _weights_only():
                program = torch.export.load(_archive(members))
            return program.module(), program.example_inputs[0][0]
        if found is None:
            return torch.jit.load(_archive(members), map_location="cpu"), None
    except Exception:
        raise InputError("is not a readable program (foreign, damaged or cut short)") from None
    raise InputError(
        f"has {found[:80]!r}, expected tensors and aten operators alone; export it as ONNX"
    )


@contextlib.contextmanager
def _weights_only() -> Iterator[None]:
    """Let PyTorch read tensors alone from the pickles of a program."""
    before = os.environ.get(FORCED)
    os.environ[FORCED] = "1"
    try:
        yield
    finally:
        del os.environ[FORCED]
        if before is not None:
            os.environ[FORCED] = before


def _members(data: io.BytesIO) -> dict[str, bytes]:
    with zipfile.ZipFile(data) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _archive(members: dict[str, bytes]) -> io.BytesIO:
    """Write what was checked as an archive that every reader of such files reads alike."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    made.seek(0)
    return made


def _more(name: str, data: bytes) -> Iterator[str]:
    """Yield what a member of a ``.pt2`` archive has beside tensors and operators of ``aten``."""
    if not MEMBERS.fullmatch(name):
        yield name
    elif "/models/" in name:
        yield from _calls(json.loads(data))


def _calls(node: Any) -> Iterator[str]:
    """Yield functions and expressions in a graph that are not known."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if key == "target" and not TARGET.fullmatch(str(value)):
            yield str(value)
        if key == "expr_str" and not SIZE.fullmatch(str(value)):
            yield str(value)
        if key in ("as_operator", "as_custom_obj"):
            yield key
    for value in node.values() if isinstance(node, dict) else node:
        if isinstance(value, (dict, list)):
            yield from _calls(value)


def _code(name: str, data: bytes) -> Iterator[str]:
    """Yield what a member of a TorchScript archive has beside tensors and PyTorch's operators."""
    if "code/" in name and name.endswith(".py"):
        for match in CODE.finditer(data.decode(errors="replace")):
            yield match.group()


def _is_torchscript(file: io.BytesIO) -> bool:
    """Whether a file is an archive of ``torch.jit.save``; ``file`` is at its start afterwards."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False
    finally:
        file.seek(0)
