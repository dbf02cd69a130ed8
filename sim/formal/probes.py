"""Signals inside a core under proof: the sequencer's place, and any other by its path."""

from __future__ import annotations

from functools import cached_property

from amaranth.hdl import Module, Signal

from hdl.core import Core
from hdl.parts.numeric import span
from sim.formal.claims import Claims


class Probes:
    """Probes of a core.

    Args:
        core: the core, the submodule ``core`` of the claims' module.
        claims: makes the probes.

    Attributes:
        plan: the core's.
        m: the claims' module.
    """

    def __init__(self, core: Core, claims: Claims) -> None:
        self.core = core
        self.claims = claims
        self.m: Module = claims.m
        self.plan = core.plan

    def inside(self, path: str, width: int = 1) -> Signal:
        """A signal of the core that is no port."""
        return self.claims.probe(f"core.{path}", width)

    @cached_property
    def position(self) -> Signal:
        """Index of the sequencer's pass."""
        return self.inside("sequencer.position", bits(len(self.plan.work.passes)))

    @cached_property
    def column(self) -> Signal:
        """Column of the pass."""
        columns = max(single.columns for single in self.plan.work.passes)
        return self.inside("sequencer.walk.column", bits(columns))

    @cached_property
    def next_column(self) -> Signal:
        """The column after it."""
        columns = max(single.columns for single in self.plan.work.passes)
        return self.inside("sequencer.walk.next_column", bits(columns + 1))

    @cached_property
    def later_column(self) -> Signal:
        """The one after that."""
        columns = max(single.columns for single in self.plan.work.passes)
        return self.inside("sequencer.walk.later_column", bits(columns + 2))

    @cached_property
    def pass_row(self) -> Signal:
        """Row of the column, from 0 in every layer."""
        return self.inside("sequencer.walk.row", bits(max(job.rows for job in self.plan.work.jobs)))

    @cached_property
    def gate(self) -> Signal:
        """Gate of the row, from 0 in every pass."""
        return self.inside("sequencer.walk.gate", bits(self.plan.sizes.gates))

    @property
    def input_bits(self) -> int:
        """Width of the index of an input element."""
        return bits(self.plan.network.inputs)


def bits(count: int) -> int:
    """Width of the core's index into ``count`` things."""
    return len(Signal(span(count)))
