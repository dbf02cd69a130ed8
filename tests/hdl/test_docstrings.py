"""Docstrings open with a verb or a noun, so that their first line says what a thing is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HDL = Path(__file__).parents[2] / "hdl"

VAGUE = re.compile(r"(What|Those|The same|Of|As|Whether|That)\b")


def vague(source: str) -> list[str]:
    """First lines of docstrings that open with a vague word; attributes' docstrings count."""
    texts = [
        node.value.value.strip()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    ]
    return [text.splitlines()[0] for text in texts if VAGUE.match(text)]


@pytest.mark.parametrize("path", sorted(HDL.rglob("*.py")), ids=lambda p: str(p.relative_to(HDL)))
def test_docstrings_open_with_a_verb_or_a_noun(path: Path) -> None:
    assert vague(path.read_text()) == []


@pytest.mark.parametrize("text", ["What it is.", "The same, later.", "Of a core.", "As `x`."])
def test_a_vague_docstring_is_found(text: str) -> None:
    assert vague(f'X = 1\n"""{text}"""\n') == [text]
    assert vague(f'def f():\n    """{text}"""\n') == [text]
