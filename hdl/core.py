"""The core: sequencer, weight memory, operand store, MAC array and state update."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out, connect, flipped

from golden.quantized import QuantizedNetwork
from hdl.component import Component
from hdl.mac_array import ArrayShape, MacArray
from hdl.operand_store import OperandStore, element_layout, made_vectors, state_vectors
from hdl.plan import Plan
from hdl.sequencer import Sequencer, row_layout
from hdl.state_update import StateUpdate


class Core(Component):
    """A whole network on one MAC array.

        i ─► operand store (x, h, c) ─► MAC array ─► state update ─► o
                   ▲                       ▲  weights      │
                   └──────── h, c ─────────┼───────────────┘
                                       sequencer

    Latency and cycles per step: :func:`hdl.cycles.count`.

    Args:
        network: what to run.
        lanes: multipliers of the array, 1 to the units of the largest layer.
        tail_multipliers: multipliers of the state update, see :class:`hdl.plan.Plan`.

    Raises:
        golden.errors.InputError: ``lanes`` or ``tail_multipliers`` is out of range.

    Attributes:
        i: one input element a beat, ``network.inputs`` beats a step; ``last`` with the last beat
            of a sequence's last step (it is not looked at in other beats). The state is zero when
            a sequence starts.
        o: one output word a beat, ``network.outputs`` beats a sequence; ``last`` with the last.
    """

    def __init__(self, *, network: QuantizedNetwork, lanes: int, tail_multipliers: int = 2) -> None:
        self.plan = plan = Plan(network=network, lanes=lanes, tail_multipliers=tail_multipliers)
        tag = row_layout(plan)
        shape = ArrayShape(
            lanes=lanes,
            operand_width=plan.operand_width,
            weight_width=plan.weight_width,
            accumulator_width=plan.accumulator_width,
            rows=plan.rows,
            gates=plan.gates,
        )
        self.array = MacArray(shape=shape, tag=tag)
        self.store = OperandStore(plan=plan)
        self.sequencer = Sequencer(plan=plan, place=shape.place)
        self.update = StateUpdate(plan=plan)
        super().__init__(
            {
                "i": In(stream.Signature(element_layout(network.x.width))),
                "o": Out(stream.Signature(element_layout(network.out.width))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.sequencer = sequencer = self.sequencer
        m.submodules.store = store = self.store
        m.submodules.array = array = self.array
        m.submodules.update = update = self.update
        m.submodules.weights = weights = Memory(
            shape=array.i_weights.shape().size, depth=self.plan.words, init=self.plan.weight_words()
        )
        port = weights.read_port()

        # The sequencer's operation addresses the memories; the array takes it with their data.
        operation = ("valid", "place", "first", "final", "done")
        for name in operation:
            source = getattr(sequencer, name)
            delayed = Signal.like(source, name=f"{name}_q", reset_less=name != "valid")
            m.d.sync += delayed.eq(source)
            m.d.comb += getattr(array, f"i_{name}").eq(delayed)
        m.d.sync += array.i_tag.eq(sequencer.row)
        m.d.comb += [
            port.addr.eq(sequencer.weight_address),
            array.i_weights.eq(port.data),
            array.i_operand.eq(store.read_data),
            store.read_operand.eq(sequencer.operand),
            store.read_address.eq(sequencer.address),
            store.read_zero.eq(sequencer.zero),
        ]
        m.d.comb += [
            sequencer.x_ready.eq(store.x_ready),
            sequencer.x_last.eq(store.x_last),
            store.x_release.eq(sequencer.x_release),
            sequencer.ready.eq(store.ready),
            store.restart.eq(sequencer.restart),
            sequencer.head_free.eq(update.head_free),
            update.head_start.eq(sequencer.restart[-1] if self.plan.head_pass else 0),
        ]
        m.d.comb += [
            update.row_done.eq(array.done),
            update.row.eq(array.tag),
            array.shadow_row.eq(update.shadow_row),
            array.shadow_lane.eq(update.shadow_lane),
            update.shadow.eq(array.shadow),
            store.state_address.eq(update.state_address),
        ]
        for name in made_vectors(self.plan):
            connect(m, getattr(update, f"write_{name}"), getattr(store, f"write_{name}"))
            if name in state_vectors(self.plan):
                old = getattr(store, f"state_{name}")
                m.d.comb += getattr(update, f"state_{name}").eq(old)
        connect(m, flipped(self.i), store.i)
        connect(m, update.o, flipped(self.o))
        return m
