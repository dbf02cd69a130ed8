"""Counts of a Verilated model: changes of bits, and branches of processes that were taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_POINT = re.compile(r"^C '(.*)' (\d+)$", re.M)
_ESCAPED = re.compile(r"__0([0-9A-F]{2})")


@dataclass(frozen=True, kw_only=True)
class Point:
    """Something that a model counts.

    Attributes:
        kind: ``toggle`` of a bit, a ``line`` with code under a condition, or a ``branch`` inside
            an expression.
        module: name of the module.
        place: path of its instance below the top; empty for the top.
        what: the bit with the direction of its change, as ``sum[3]:0->1``, or the kind of branch.
        line: of the Verilog text, from 1.
        count: how often.
    """

    kind: str
    module: str
    place: str
    what: str
    line: int
    count: int


def points(text: str) -> Iterator[Point]:
    """Read what `sim.compiled.bench.CompiledBench.write_counts` wrote."""
    for point, count in _POINT.findall(text):
        fields = dict(field.split("\2", 1) for field in point.split("\1") if field)
        kind, module = fields["page"].removeprefix("v_").split("/", 1)
        yield Point(
            kind=kind,
            module=_plain(module),
            place=re.sub(r"^[^.]*\.[^.]*\.?", "", _plain(fields["h"])),
            what=_plain(fields["o"]),
            line=int(fields["l"]),
            count=int(count),
        )


def _plain(name: str) -> str:
    """Return the Verilog's name for Verilator's, in which ``a__b`` is ``a___05Fb``."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)
