"""Rooms stay small: entries per folder, lines per file and per function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("golden", "hdl", "sim", "litelstm")
ENTRIES = {"hdl": 20, "sim": 16}
FILE, FUNCTION = 300, 60
"""Most lines."""

LONG_FILES = ["golden/cells.py"]
"""Files that say in their docstring why they are longer."""

UNSEEN = ("__init__.py", "__pycache__", "py.typed")


def long_functions(text: str) -> Iterator[str]:
    """Name the functions that have more than ``FUNCTION`` lines."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno
            if node.end_lineno - node.lineno >= FUNCTION:
                yield node.name


def test_folders_files_and_functions_are_small() -> None:
    for room, most in ENTRIES.items():
        seen = sorted(path.name for path in (ROOT / room).iterdir() if path.name not in UNSEEN)
        assert len(seen) <= most, (room, seen)
    texts = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
    }
    assert [name for name, text in texts.items() if text.count("\n") > FILE] == LONG_FILES
    assert {name: found for name, text in texts.items() if (found := [*long_functions(text)])} == {}


def test_a_long_function_is_found() -> None:
    short = "def short():\n" + "    pass\n" * (FUNCTION - 1)
    assert [*long_functions(short + short.replace("short():", "long():\n    pass"))] == ["long"]
