"""Conditions under which a line of a core's Verilog runs, read from its text.

Yosys writes one statement per line, and conditions that are a bit or a few bits of signals. Only
the innermost condition counts, with those before its ``else``: a line that it rules out never runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sim.compiled.counts import Point
from sim.coverage.reach import Never

_EMPTY = re.compile(r"default: ;|if \(\w+\) begin end")
_IF = re.compile(r"(?:end else )?if \((.*)\) begin")
_CASE = re.compile(r"casez \((.*)\)")
_LABEL = re.compile(r"\d+'[hb][\da-f?xz_]+")
_PART = re.compile(r"(\w+)(?:\[(\d+)(?::(\d+))?\])?$")


def has_code(lines: Sequence[str], point: Point) -> bool:
    """Tell whether a point stands for a line that does something, and not for Yosys' empty arms."""
    if point.kind == "toggle" or point.what not in ("if", "elsif", "else", "case", "block"):
        return False
    if point.kind == "branch" and point.what == "else":
        return False  # of an if that has none
    return not _EMPTY.fullmatch(lines[point.line - 1].strip())


def never_run(lines: Sequence[str], point: Point) -> list[Never]:
    """Return claims that together say that a line never runs; none if its condition is unknown."""
    text, at = lines[point.line - 1], point.line - 1
    widths = _widths(lines, at)
    indent = _indent(text)
    if found := _IF.fullmatch(text.strip()):
        wanted = {found[1]: int(point.what != "else")}
        while lines[at].lstrip().startswith("end else"):  # what comes before it must fail
            at = next(n for n in range(at - 1, 0, -1) if _indent(lines[n]) == indent)
            wanted |= {before[1]: 0 for before in [_IF.fullmatch(lines[at].strip())] if before}
        bits = {condition: _bits(condition, widths, point.place) for condition in wanted}
        if any(len(found) != 1 for found in bits.values()):
            return []
        return [Never(now={bits[condition][0]: value for condition, value in wanted.items()})]
    labels = _LABEL.findall(text)
    if point.what != "case" or not labels:
        return []
    head = next(n for n in range(at, 0, -1) if _indent(lines[n]) < indent)
    if not (found := _CASE.fullmatch(lines[head].strip())):
        return []
    bits = _bits(found[1], widths, point.place)
    values = [_value(label) for label in labels]
    if any(len(value) != len(bits) for value in values):
        return []
    return [
        Never(now={bit: int(one) for bit, one in zip(bits, value, strict=True) if one in "01"})
        for value in values
    ]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _widths(lines: Sequence[str], at: int) -> Mapping[str, int]:
    """Find the widths of the signals of the module that a line belongs to; others have one bit."""
    start = next(n for n in range(at, -1, -1) if lines[n].startswith("module "))
    declared = re.compile(r"^  (?:input|output|wire|reg) \[(\d+):0\] (\w+)")
    found = (declared.match(line) for line in lines[start:at])
    return {match[2]: int(match[1]) + 1 for match in found if match}


def _bits(expression: str, widths: Mapping[str, int], place: str) -> list[str]:
    """Name the bits of an expression, the highest first; none if it is more than signals."""
    parts = expression.strip("{} ").split(", ")
    bits: list[str] = []
    for part in parts:
        if not (found := _PART.match(part)):
            return []
        name = f"{place}.{found[1]}" if place else found[1]
        if found[1] not in widths:
            bits.append(name)
            continue
        high = int(found[2] or widths[found[1]] - 1)
        low = int(found[3] or found[2] or 0)
        bits += [f"{name}[{bit}]" for bit in range(high, low - 1, -1)]
    return bits


def _value(label: str) -> str:
    """Return a label's digits of base two, the highest first; ``?`` stands for both."""
    width, digits = int(label.split("'")[0]), label.split("'")[1]
    if digits[0] == "b":
        return digits[1:].replace("z", "?")
    return format(int(digits[1:], 16), f"0{width}b")
