"""Sources of the sequencer's passes: constants of the Verilog, or a table that was loaded."""

from __future__ import annotations

from typing import Any, Protocol

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data

from hdl.layout.pass_table import OF_NEXT, constants_layout, first_constants, pass_constants
from hdl.loading.loaded_memory import LoadedMemory
from hdl.parts.numeric import span
from hdl.plan import Plan


class PassSource(Protocol):
    """The pass at hand and the one that follows.

    Attributes:
        coming: position of the following pass.
        now, following: the two passes, see :func:`hdl.layout.pass_table.constants_layout`.
        next_source, next_recurrent: fields of the following pass.
        hands_over: the last operation of the pass at hand restarts the vector that the following
            one reads.
        restarts: for each bit of ``restart`` of the sequencer, the pass completes those sums.
    """

    coming: Signal
    now: data.View
    following: data.View
    next_source: Value
    next_recurrent: Value
    hands_over: Value
    restarts: list[Value]

    def read(self, m: Module) -> None:
        """Build what reads the following pass."""
        ...

    def enters(self, m: Module, passed: Value) -> Value:
        """Tell whether the following pass becomes the one at hand; ``passed``: that one is over."""
        ...

    def before_step(self, releases: Value) -> list[Any]:
        """Return what else a pass changes that enters as a step's last one.

        Args:
            releases: that pass is the last one over x, which the following one reads.
        """
        ...


class ConstantPasses:
    """Passes as constants, each of which also tells of the next one."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        layout = constants_layout(plan)
        self.coming = Signal(span(plan.sizes.passes), init=plan.sizes.passes > 1)
        self.now = Signal(layout, init=first_constants(plan))
        self.following = Signal(layout)
        self.next_source, self.next_recurrent, self.hands_over = (self.now[f] for f in OF_NEXT)
        self.restarts = [self.now.job == index for index in range(len(plan.work.jobs))]

    def read(self, m: Module) -> None:
        with m.Switch(self.coming):
            for index, single in enumerate(self._plan.work.passes):
                with m.Case(index):
                    for name, value in pass_constants(self._plan, index, single).items():
                        m.d.comb += self.following[name].eq(value)

    def enters(self, m: Module, passed: Value) -> Value:
        return passed

    def before_step(self, releases: Value) -> list[Any]:
        """Clear the fields of the next pass: it is the first pass over x.

        In a core for sweeps they say so in each step's last pass.
        """
        if self._plan.work.swept:
            return []
        cleared = [self.now[name].eq(0) for name in OF_NEXT]
        if self._plan.work.rereads:
            cleared.append(self.now.hands_over.eq(releases))
        return cleared


class LoadedPasses:
    """Passes in a loaded table, the first of which enters in the cycle after a reset.

    Cost: a memory of a word per pass, see :func:`hdl.layout.pass_table.constants_layout`.

    Args:
        plan: the core's plan.
        at: flags of the operation that is next, see `hdl.sequencer.walk.AT`.
        write, bank: see :class:`hdl.loading.loader.Loader`.
        last_input: gets the index of a step's last element of x.
    """

    def __init__(
        self, plan: Plan, *, at: data.View, write: data.View, bank: Value, last_input: Signal
    ) -> None:
        self._plan, self._write, self._bank, self._last_input = plan, write, bank, last_input
        layout = constants_layout(plan)
        self.coming = Signal(span(plan.sizes.passes))
        self.now = Signal(layout)
        self.following = Signal(layout)
        self.next_source = self.following.source
        self.next_recurrent = self.following.recurrent
        restarts = Cat(Const(0), self.now.restarts).bit_select(self.following.source, 1)
        self.hands_over = restarts & self.now.ends_job & at.one_gate & at.one_row
        self.restarts = list(self.now.restarts)

    def read(self, m: Module) -> None:
        m.submodules.table = table = LoadedMemory(plan=self._plan, section="passes", table=True)
        m.d.comb += [
            table.write.eq(self._write),
            table.bank.eq(self._bank),
            table.address.eq(self.coming),
            self.following.eq(table.data),
            self._last_input.eq(data.View(self.following.shape(), table.first).last_column),
        ]

    def enters(self, m: Module, passed: Value) -> Value:
        fresh = Signal(init=1)
        m.d.sync += fresh.eq(0)
        return passed | fresh

    def before_step(self, releases: Value) -> list[Any]:
        return []
