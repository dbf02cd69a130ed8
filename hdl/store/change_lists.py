"""The lists of changes of one name: elements that differ from the values last sent."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from hdl.layout.changes import (
    AHEAD,
    asked_layout,
    count_shape,
    element_layout,
    entry_layout,
    list_signature,
)
from hdl.parts.component import delayed, port
from hdl.parts.memory import block_memory
from hdl.parts.numeric import constant_by
from hdl.plan import Plan


class ChangeLists(wiring.Component):
    """Takes a name's elements as they are written, and appends those that changed to lists.

        element ─► value last sent ─► difference ─► above the threshold? ─► list, value sent

    An element is compared with the value last sent, which is 0 where a sequence begins. If none of
    a vector's elements has changed, its list gets one entry with the difference 0: so that every
    pass has a column, in which sums may begin or be completed.

    Latency: an entry counts ``COUNTED`` cycles after its element's word; ``entry`` is the one
    asked for the cycle before.
    Throughput: one element and one entry per cycle.
    Cost: two memories, of the values last sent and of the lists.

    Attributes:
        element: see :func:`hdl.layout.changes.element_layout`.
        word: of the element of ``AHEAD`` cycles ago.
        restart: for each list, it begins anew.
        asked: list and place of the entry that is read.
        count, complete, entry: see :func:`hdl.layout.changes.list_signature`.
    """

    word = restart = complete = port(Signal)
    element = count = entry = asked = port(data.View)

    COUNTED = 3
    """Cycles from an element's word until the entries before it count, or its own as the last."""

    def __init__(self, *, plan: Plan, name: str) -> None:
        self.plan, self.name = plan, name
        self._bits = (plan.lists.length(name) - 1).bit_length()
        told = list_signature(plan, name).members
        super().__init__(
            {
                "element": In(element_layout(plan, name)),
                "word": In(signed(plan.sizes.vector_width(name))),
                "restart": In(len(plan.lists.layers(name))),
                "asked": In(asked_layout(plan, name)),
                **told,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m, plan, name = Module(), self.plan, self.name
        elements = delayed(m, self.element, AHEAD + 2, name="element")
        valids = delayed(m, self.element.valid, AHEAD + 2, name="valid", resets=True)
        element, valid = elements[-1], valids[-1]
        moved = self._difference(m, elements)
        beyond = valids[-2] & self._beyond(m, moved, elements[-2])
        changed = delayed(m, beyond, 1, name="changed", resets=True)[-1]
        difference = delayed(m, moved, 1, name="difference")[-1]
        word = delayed(m, self.word, 2, name="word")[-1]
        none, put = Signal(), Signal()
        number, place, behind = (
            Signal(count_shape(plan, name), name=one) for one in ("number", "place", "behind")
        )
        found = Signal()  # an entry since the vector's first element
        m.d.comb += [
            none.eq(element.begin | ~found),
            put.eq(changed | (valid & element.last & none)),
            place.eq(Mux(element.begin, 0, number)),
            behind.eq(place + 1),
        ]
        with m.If(valid):
            m.d.sync += [number.eq(Mux(put, behind, place)), found.eq(~none | changed)]
        self._append(m, element, valid, place=place, put=put, change=Mux(changed, difference, 0))
        self._count(m, element, valid, put=put, changed=changed, place=place, behind=behind)
        sent = self._sent.write_port()
        m.d.comb += [
            sent.addr.eq(element.unit),
            sent.data.eq(Mux(changed, word, 0)),
            sent.en.eq(changed | (valid & element.fresh)),
        ]
        return m

    def _difference(self, m: Module, elements: list[data.View]) -> Value:
        """Difference from the value last sent, a cycle after ``word``."""
        width = signed(self.plan.sizes.vector_width(self.name))
        depth = 1 << len(self.element.unit)
        m.submodules.sent = self._sent = block_memory(shape=width, depth=depth)
        read = self._sent.read_port()
        sent = Signal(width, name="sent_q", reset_less=True)
        difference = Signal(signed(len(self.word) + 1), reset_less=True)
        m.d.comb += read.addr.eq(self.element.unit)
        m.d.sync += [
            sent.eq(read.data),  # alone, for block RAM is slow without its own register
            difference.eq(self.word - Mux(elements[AHEAD].fresh, 0, sent)),
        ]
        return difference

    def _beyond(self, m: Module, difference: Value, element: data.View) -> Value:
        """Tell whether a difference is larger than its vector's threshold."""
        lists, name = self.plan.lists, self.name
        thresholds = [lists.threshold(name, layer) for layer in lists.layers(name)]
        if not any(thresholds):
            return difference.any()
        threshold = constant_by(m, element.list, thresholds, name="threshold")
        beyond = Signal()
        m.d.comb += beyond.eq((difference > threshold) | (difference + threshold < 0))
        return beyond

    def _append(
        self,
        m: Module,
        element: data.View,
        valid: Value,
        *,
        place: Value,
        put: Value,
        change: Value,
    ) -> None:
        """The list's memory, and its entries' places in the passes that read them."""
        layout, bits = entry_layout(self.plan, self.name), self._bits
        lists = len(self.plan.lists.layers(self.name))
        m.submodules.list = memory = block_memory(shape=layout, depth=lists << bits)
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.addr.eq(Cat(place[:bits], element.list)),
            write.en.eq(put),
            write.data.difference.eq(change),
            read.addr.eq(Cat(self.asked.place[:bits], self.asked.list)),
            self.entry.eq(read.data),
        ]
        for factor in self.plan.lists.factors(self.name):
            times = write.data[f"times{factor}"]
            after = Signal.like(times, name=f"next_times{factor}")
            m.d.comb += times.eq(Mux(element.begin, 0, after))
            with m.If(valid):
                m.d.sync += after.eq(times + factor)

    def _count(
        self,
        m: Module,
        element: data.View,
        valid: Value,
        *,
        put: Value,
        changed: Value,
        place: Value,
        behind: Value,
    ) -> None:
        """For each list the entries that count; all of them once the last element has come."""
        for index in range(len(self.complete)):
            count = Signal(count_shape(self.plan, self.name), name=f"count{index}")
            complete = Signal(init=self.name != "x", name=f"complete{index}")
            m.d.comb += [self.count[index].eq(count), self.complete[index].eq(complete)]
            with m.If(self.restart[index]):
                m.d.sync += [count.eq(0), complete.eq(0)]
            with m.Elif(valid & (element.list == index)):
                with m.If(changed | element.last):
                    m.d.sync += count.eq(Mux(element.last & put, behind, place))
                m.d.sync += complete.eq(element.last)
