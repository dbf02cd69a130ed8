"""The operand store: x, h and c of every layer, and how much of each is ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, enum, stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hdl.component import Component
from hdl.numeric import select


class Operand(enum.Enum, shape=2):
    """Which of the memories an operand is read from."""

    X = 0
    H = 1
    C = 2


def element_layout(width: int) -> data.StructLayout:
    """Payload of the core's streams: one element, and whether it is its sequence's last."""
    return data.StructLayout({"data": signed(width), "last": 1})


def write_signature(width: int, layers: int, units: int) -> wiring.Signature:
    """Writes into the memory of h or c, as seen from the writer."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "address": Out(range(units)),
            "data": Out(signed(width)),
            "announce": Out(1),
            "layer": Out(range(layers)),
        }
    )


class OperandStore(Component):
    """Vectors that the array multiplies, written as they come and read element by element.

    x has two banks: one step's input is in use while the next one's arrives. h and c hold one
    word a unit of all layers; the state update writes them unit by unit.

    Args:
        x_width, h_width, c_width: bits of an element.
        inputs: elements of one step's input.
        units: for each recurrent layer its number of units.
        has_c: whether the array reads c.

    Attributes:
        i: input stream, one element a beat; ``last`` with the last beat of a sequence.
        x_ready: elements of the current step's input that can be read, or all (``inputs``).
        x_last: the current step is its sequence's last; valid once all elements are ready.
        x_release: the current step's input is not needed any more.
        read_operand, read_address, read_zero: what to read; zero instead of the memory's word.
        read_data: the element, one cycle later.
        write_h, write_c: ``valid``, ``address`` (unit, over all layers) and ``data``; a cycle
            before it ``announce`` with the ``layer``. What was announced counts as ready, because
            whoever sees that reads two cycles later at the earliest.
        restart: for each layer, its h and c become not ready (a new step's will be written).
        h_ready, c_ready: for each layer, the number of units announced since.
        c_address, c_data: a second read port of c, for the state update.
    """

    def __init__(
        self,
        *,
        x_width: int,
        h_width: int,
        c_width: int,
        inputs: int,
        units: Sequence[int],
        has_c: bool,
    ) -> None:
        self.inputs = inputs
        self.units = tuple(units)
        self.has_c = has_c
        total = sum(units)
        widths = [x_width, h_width, *([c_width] if has_c else [])]
        self.read_width = max(widths)
        counts = data.StructLayout({f"layer{n}": range(u + 1) for n, u in enumerate(units)})
        super().__init__(
            {
                "i": In(stream.Signature(element_layout(x_width))),
                "x_ready": Out(range(inputs + 1)),
                "x_last": Out(1),
                "x_release": In(1),
                "read_operand": In(Operand),
                "read_address": In(range(max(inputs, total))),
                "read_zero": In(1),
                "read_data": Out(signed(self.read_width)),
                "write_h": In(write_signature(h_width, len(units), total)),
                "write_c": In(write_signature(c_width, len(units), total)),
                "restart": In(len(units)),
                "h_ready": Out(counts),
                "c_ready": Out(counts),
                "c_address": In(range(total)),
                "c_data": Out(signed(c_width)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        x_data = self._input_banks(m)
        h_data = self._state_memory(m, "h", self.write_h, self.h_ready)
        c_data = self._state_memory(m, "c", self.write_c, self.c_ready)

        operand_q = Signal(Operand)
        zero_q = Signal()
        m.d.sync += [operand_q.eq(self.read_operand), zero_q.eq(self.read_zero)]
        sources = [x_data, h_data, *([c_data] if self.has_c else [])]
        chosen = select(m, operand_q, sources, name="chosen")
        m.d.comb += self.read_data.eq(Mux(zero_q, 0, chosen))
        return m

    def _input_banks(self, m: Module) -> Value:
        """Two banks of x, filled by the stream and emptied step by step."""
        index_bits = (self.inputs - 1).bit_length()  # the bank is the address' top bit
        m.submodules.x_memory = memory = Memory(
            shape=self.i.payload.data.shape(), depth=2 << index_bits, init=[]
        )
        fill, read = memory.write_port(), memory.read_port()
        fill_bank, read_bank = Signal(), Signal()
        index = Signal(range(self.inputs))
        full = Signal(range(3))  # banks that hold a whole step
        last = Signal(2)
        accept, complete = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(full != 2),
            accept.eq(self.i.valid & self.i.ready),
            complete.eq(accept & (index == self.inputs - 1)),
            fill.addr.eq(Cat(index, fill_bank)),
            fill.data.eq(self.i.payload.data),
            fill.en.eq(accept),
            read.addr.eq(Cat(self.read_address[:index_bits], read_bank)),
            self.x_ready.eq(Mux(full != 0, self.inputs, index)),
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

    def _state_memory(self, m: Module, name: str, write: Any, ready: Any) -> Value:
        """Memory of h or c with its ready counters; c has a port for the state update."""
        memory = Memory(shape=write.data.shape(), depth=sum(self.units), init=[])
        m.submodules[f"{name}_memory"] = memory
        fill, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            fill.addr.eq(write.address),
            fill.data.eq(write.data),
            fill.en.eq(write.valid),
            read.addr.eq(self.read_address),
        ]
        if name == "c":
            update = memory.read_port()
            m.d.comb += [update.addr.eq(self.c_address), self.c_data.eq(update.data)]
        for index, units in enumerate(self.units):
            count = Signal(range(units + 1), init=units, name=f"{name}_ready{index}")
            m.d.comb += ready[f"layer{index}"].eq(count)
            with m.If(self.restart[index]):
                m.d.sync += count.eq(0)
            with m.Elif(write.announce & (write.layer == index)):
                m.d.sync += count.eq(count + 1)
        return read.data
