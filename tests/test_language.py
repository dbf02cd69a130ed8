"""Docstrings name a thing or say what to do: a reader need not guess what the sentence is about."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

OPENINGS = re.compile(r"(What|Those|The same|Of|As)\b")
"""Openings that leave the subject of a docstring open."""

MORE = {"hdl": re.compile(r"(Whether|That)\b")}
"""Openings that a folder does without, too."""


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each docstring, those of attributes included."""
    for node in ast.walk(ast.parse(source)):
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            for statement in statements if isinstance(statements, list) else ():
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                    text = statement.value.value
                    if isinstance(text, str):
                        yield statement.lineno, text.strip()


@pytest.mark.parametrize("folder", ["golden", "hdl", "sim", "litelstm", "tests", "bench"])
def test_no_docstring_opens_without_a_subject(folder: str) -> None:
    openings = [OPENINGS, *([MORE[folder]] if folder in MORE else [])]
    found = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line, text in docstrings(path.read_text(encoding="utf-8"))
        if any(opening.match(text) for opening in openings)
    ]
    assert not found, "\n".join(["rewrite as a verb or a noun plus the contract:", *found])


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('"""What a core has."""', [1]),
        ('x = 1\n"""Of a bus."""', [2]),
        ('class A:\n    """As :class:`B`."""\n    n = 0\n    """\n    Those of n."""', [2, 4]),
        ('def f():\n    """The same\n    for g."""', [2]),
        ('X = 1\n"""The same, later."""', [2]),
        ('def f():\n    """As `x`."""', [2]),
        ('"""Offset of a bus, as in b."""\nprint("What")', []),
    ],
)
def test_all_kinds_of_docstrings_are_found(source: str, lines: list[int]) -> None:
    assert [line for line, text in docstrings(source) if OPENINGS.match(text)] == lines
