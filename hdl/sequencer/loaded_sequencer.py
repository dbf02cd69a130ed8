"""The sequencer of a core whose passes are loaded."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from hdl.layout.pass_table import constants_layout
from hdl.layout.vectors import complete_layout
from hdl.loading.loaded_memory import LoadedMemory
from hdl.loading.loader import write_layout
from hdl.parts.numeric import span
from hdl.sequencer.sequencer import Sequencer
from hdl.spec.passes import Job


class LoadedSequencer(Sequencer):
    """Sequencer that reads its passes from a loaded table instead of constants.

    Latency: that of :class:`hdl.sequencer.sequencer.Sequencer`, and one cycle after a reset, in
    which it takes the first pass from the table.
    Cost: a memory of a word per pass, see :func:`hdl.layout.pass_table.constants_layout`.

    Attributes:
        write, bank: see :class:`hdl.loading.loader.Loader`.
        complete, last_input: see :class:`hdl.store.operand_store.OperandStore`.
    """

    COMING = 0

    def _more_ports(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "write": In(write_layout(plan)),
            "bank": In(1),
            "complete": In(complete_layout(plan)),
            "last_input": Out(span(plan.sizes.inputs)),
        }

    def _first(self) -> dict[str, Any]:
        return {name: 0 for name, _ in constants_layout(self.plan)}

    def _following(self, m: Module, coming: Signal) -> Any:
        layout = constants_layout(self.plan)
        m.submodules.table = table = LoadedMemory(plan=self.plan, section="passes", table=True)
        following: Any = Signal(layout)
        m.d.comb += [
            table.write.eq(self.write),
            table.bank.eq(self.bank),
            table.address.eq(coming),
            following.eq(table.data),
            self.last_input.eq(data.View(layout, table.first).last_column),
        ]
        return following

    def _enters(self, m: Module, passed: Value) -> Value:
        fresh = Signal(init=1)
        m.d.sync += fresh.eq(0)
        return passed | fresh

    def _ends(self, now: Any) -> list[Any]:
        return []

    def _restart(self, m: Module, now: Any, starts: Value) -> list[Value]:
        restarted = [starts & restarts for restarts in now.restarts]
        m.d.comb += self.restart.eq(Cat(restarted))
        return restarted

    def _of_next(self, now: Any, following: Any, at: Any) -> dict[str, Value]:
        restarts = Cat(Const(0), now.restarts).bit_select(following.source, 1)
        return {
            "next_source": following.source,
            "next_recurrent": following.recurrent,
            "hands_over": restarts & now.ends_job & at.one_gate & at.one_row,
        }

    def _maker(self, operand: str, source: int) -> int | None:
        return None if source < 0 else self.plan.vectors.index((operand, source))

    def _drains(self) -> list[Value]:
        vectors = [self.complete[f"{name}{layer}"] for name, layer in self.plan.vectors]
        return [*vectors, self.head_free]

    def _drained(self, job: Job) -> Value:
        raise NotImplementedError("jobs are not known")
