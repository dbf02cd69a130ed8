"""The operand store: x, h, c and r * h of every layer, and how much of each is ready."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.component import Component
from hdl.numeric import span
from hdl.plan import Plan


class Operand(enum.Enum, shape=2):
    """Which of the memories an operand is read from."""

    X = 0
    H = 1
    C = 2
    RH = 3


def element_layout(width: int) -> data.StructLayout:
    """Payload of the core's streams: one element, and whether it is its sequence's last."""
    return data.StructLayout({"data": signed(width), "last": 1})


def write_signature(width: int, layers: int, units: int) -> wiring.Signature:
    """Writes of one of the vectors, as seen from the writer."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "address": Out(span(units)),
            "data": Out(signed(width)),
            "announce": Out(1),
            "layer": Out(span(layers)),
        }
    )


def ready_layout(plan: Plan) -> data.StructLayout:
    """For each vector, named as in ``h0``, the number of its units that are ready."""
    units = [layer.units for layer in plan.network.layers]
    return data.StructLayout(
        {f"{name}{layer}": range(units[layer] + 1) for name, layer in plan.vectors}
    )


def made_vectors(plan: Plan) -> list[str]:
    """Names of the vectors that any layer makes."""
    return [name for name in ("h", "c", "rh") if plan.vector_width(name)]


def state_vectors(plan: Plan) -> list[str]:
    """Those of them that outlive a step, which the state update reads."""
    return [name for name in made_vectors(plan) if name != "rh"]


class OperandStore(Component):
    """Vectors that the array multiplies, written as they come and read element by element.

    x has two banks: one step's input is in use while the next one's arrives. The other vectors
    hold one word a unit of all layers; the state update writes them unit by unit.

    Args:
        plan: the core's plan; only memories that it needs are made.

    Attributes:
        i: input stream, one element a beat; ``last`` with the last beat of a sequence.
        x_ready: elements of the current step's input that can be read, or all of them.
        x_last: the current step is its sequence's last; valid once all elements are ready.
        x_release: the current step's input is not needed any more.
        read_operand, read_address, read_zero: what to read; zero instead of the memory's word.
        read_data: the element, one cycle later.
        write_h, write_c, write_rh: ``valid``, ``address`` (unit, over all layers) and ``data``; a
            cycle before it ``announce`` with the ``layer``. What was announced counts as ready,
            because whoever sees that reads two cycles later at the earliest.
        restart: for each job, the vectors that it makes become not ready.
        ready: see :func:`ready_layout`; units announced since.
        state_address, state_h, state_c: h and c of a unit, one cycle later, for the state update.
    """

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        inputs, units = plan.network.inputs, plan.state_units
        layers = len(plan.network.layers)
        x_width = plan.network.x.width
        ports = {
            f"write_{name}": In(write_signature(plan.vector_width(name), layers, units))
            for name in made_vectors(plan)
        }
        ports |= {
            f"state_{name}": Out(signed(plan.vector_width(name))) for name in state_vectors(plan)
        }
        super().__init__(
            {
                "i": In(stream.Signature(element_layout(x_width))),
                "x_ready": Out(span(inputs + 1)),
                "x_last": Out(1),
                "x_release": In(1),
                "read_operand": In(Operand),
                "read_address": In(span(max(inputs, units))),
                "read_zero": In(1),
                "read_data": Out(signed(plan.operand_width)),
                "restart": In(len(plan.jobs)),
                "ready": Out(ready_layout(plan)),
                "state_address": In(span(units)),
                **ports,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = {"x": self._input_banks(m)}
        words |= {name: self._vector(m, name) for name in made_vectors(self.plan)}
        read = [name for name in words if any(p.operand == name for p in self.plan.passes)]

        operand_q = Signal(Operand)
        zero_q = Signal()
        m.d.sync += [operand_q.eq(self.read_operand), zero_q.eq(self.read_zero)]
        codes = {Operand[name.upper()].value: words[name] for name in read}
        chosen = Signal(self.read_data.shape())
        with m.Switch(operand_q):
            for code, word in codes.items():
                with m.Case(code):
                    m.d.comb += chosen.eq(word)
        m.d.comb += self.read_data.eq(Mux(zero_q, 0, chosen))
        return m

    def _input_banks(self, m: Module) -> Value:
        """Two banks of x, filled by the stream and emptied step by step."""
        index_bits = (self.plan.network.inputs - 1).bit_length()  # the bank is the address' top bit
        m.submodules.x_memory = memory = Memory(
            shape=self.i.payload.data.shape(), depth=2 << index_bits, init=[]
        )
        fill, read = memory.write_port(), memory.read_port()
        fill_bank, read_bank = Signal(), Signal()
        index = Signal(span(self.plan.network.inputs))
        full = Signal(span(3))  # banks that hold a whole step
        last = Signal(2)
        accept, complete = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(full != 2),
            accept.eq(self.i.valid & self.i.ready),
            complete.eq(accept & (index == self.plan.network.inputs - 1)),
            fill.addr.eq(Cat(index[:index_bits], fill_bank)),
            fill.data.eq(self.i.payload.data),
            fill.en.eq(accept),
            read.addr.eq(Cat(self.read_address[:index_bits], read_bank)),
            self.x_ready.eq(Mux(full != 0, self.plan.network.inputs, index)),
            self.x_last.eq(last.bit_select(read_bank, 1)),
        ]
        m.d.sync += full.eq(full + complete - self.x_release)
        with m.If(accept):
            m.d.sync += index.eq(Mux(complete, 0, index + 1))
        with m.If(complete):
            m.d.sync += [
                last.bit_select(fill_bank, 1).eq(self.i.payload.last),
                fill_bank.eq(~fill_bank),
            ]
        with m.If(self.x_release):
            m.d.sync += read_bank.eq(~read_bank)
        return read.data

    def _vector(self, m: Module, name: str) -> Value:
        """A vector of all layers with its ready counters; returns the word for the array."""
        write = getattr(self, f"write_{name}")
        memory = Memory(shape=write.data.shape(), depth=max(2, self.plan.state_units), init=[])
        m.submodules[f"{name}_memory"] = memory
        fill, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            fill.addr.eq(write.address),
            fill.data.eq(write.data),
            fill.en.eq(write.valid),
            read.addr.eq(self.read_address),
        ]
        if name in state_vectors(self.plan):
            update = memory.read_port()
            m.d.comb += [
                update.addr.eq(self.state_address),
                getattr(self, f"state_{name}").eq(update.data),
            ]
        for vector, layer in self.plan.vectors:
            if vector == name:
                self._counter(m, name, layer, write)
        return read.data

    def _counter(self, m: Module, name: str, layer: int, write: Any) -> None:
        """Units of a layer's vector that are ready; all of them at first."""
        units = self.plan.network.layers[layer].units
        count = Signal(span(units + 1), init=units, name=f"{name}_ready{layer}")
        m.d.comb += self.ready[f"{name}{layer}"].eq(count)
        with m.If(self.restart[self.plan.job_making(name, layer)]):
            m.d.sync += count.eq(0)
        with m.Elif(write.announce & (write.layer == layer)):
            m.d.sync += count.eq(count + 1)
