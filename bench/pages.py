"""Content of the documentation pages: code, commands with their output, and numbers.

The tests that run the commands of a page use this module, and :mod:`bench.figures`.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CODE_OF_CONDUCT")),
    *(ROOT / name / "README.md" for name in ("examples", "models")),
    *sorted((ROOT / "docs").glob("*.md")),
]

_CODE = r"^```.*?^```|^(?: {4}|\t).*?$|`[^`\n]+`"
"""Pattern of code: blocks, indented lines and words in back-ticks."""

NUMBER = r"[-+]?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?"
_SPECIAL = re.compile(r"\s+|\.\.\.|\{[^}]*\}")


def read(page: str) -> str:
    """Read a page, named by its path from the project's folder."""
    return (ROOT / page).read_text(encoding="utf-8")


def code(text: str) -> list[str]:
    """Return a text's code; a line that ends with a backslash is joined with the next."""
    return re.findall(_CODE, text.replace("\\\n", " "), re.MULTILINE | re.DOTALL)


def block(text: str, language: str, words: str) -> str:
    """Find the only block of code in a language that has some words."""
    (found,) = (b for b in re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) if words in b)
    return found


def commands(text: str) -> list[tuple[str, str]]:
    """List each ``litelstm`` command that a text shows behind a ``$``, with its shown output."""
    found = re.findall(r"    \$ litelstm (.*)\n((?:    (?!\$).*\n)*)", text)
    return [(line, textwrap.dedent(printed)) for line, printed in found]


def matches(printed: str, shown: str) -> bool:
    """Return whether output matches a page's text, where ``...`` stands for any text."""
    pattern = ".*".join(re.escape(part) for part in shown.split("..."))
    return re.fullmatch(pattern, printed, re.DOTALL) is not None


def holes(shown: str) -> list[str]:
    """Return the text inside a template's braces."""
    return re.findall(r"\{([^}]*)\}", shown)


def numbers(text: str, shown: str) -> list[str] | None:
    """Find the numbers, or ranges of them, that a text has where ``shown`` has holes in braces.

    Lines may break anywhere, and ``...`` stands for any text in a paragraph or row.

    Returns:
        The numbers as printed, in the order of the holes; ``None`` if the text does not match.

    Raises:
        ValueError: the text matches more than once.
    """
    pattern, at = "", 0
    for special in _SPECIAL.finditer(shown):
        pattern += re.escape(shown[at : special.start()])
        kind = special[0]
        hole = rf"({NUMBER}(?: to {NUMBER})?)"
        pattern += hole if kind[0] == "{" else r"(?:(?!\n\n).)*?" if kind == "..." else r"\s+"
        at = special.end()
    found = list(re.finditer(pattern + re.escape(shown[at:]), text, re.DOTALL))
    if len(found) > 1:
        raise ValueError(f"shown {len(found)} times: {shown}")
    return list(found[0].groups()) if found else None
