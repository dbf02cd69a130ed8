"""The operand store: x, h, c and r * h of every layer, and how much of each is ready."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hdl.layout.changes import element_layout
from hdl.layout.contents import first_words
from hdl.layout.ports import input_layout, step_fields, unit_address, vector_depth
from hdl.layout.vectors import (
    VectorWrite,
    complete_layout,
    made_vectors,
    operand_codes,
    ready_layout,
    restart_bit,
    restarts,
    state_vectors,
    turn_shape,
    write_signature,
)
from hdl.parts.component import delayed, port
from hdl.parts.memory import block_memory, block_rom
from hdl.parts.numeric import span
from hdl.plan import Plan
from hdl.store.input_banks import InputBanks


def all_ready(plan: Plan, ready: data.View) -> Value:
    """High while every unit of every vector is ready.

    Args:
        plan: the core's plan.
        ready: counts as in :func:`hdl.layout.vectors.ready_layout`; where sizes are loaded the bits
            of :func:`hdl.layout.vectors.complete_layout`.
    """
    if plan.options.storage.loadable:
        return ready.as_value().all()
    units = [layer.units for layer in plan.network.layers]
    result = Value.cast(1)
    for name, layer in plan.vectors:
        result &= ready[f"{name}{layer}"] == units[layer]
    return result


class OperandStore(wiring.Component):
    """Keeps the vectors that the array multiplies, and counts how much of each is ready.

    x has two banks: one step's input is in use while the next one's arrives. The other vectors
    hold one word per unit of all layers and, but for r * h, of every stream; the state update
    writes them unit by unit. Where a layer reads x at a lag there are more banks; h that is read at
    a lag goes to a memory of some steps, too.

    Latency: two cycles from ``read_address`` to ``read_data``; one for the state update's reads.
    Throughput: one element of x taken, one unit of each vector written, one element read per cycle.
    Cost: one memory per vector, one more read port where the state update reads; ready counters;
    where first states are not zero, a ROM for each vector that has them.

    Args:
        plan: the core's plan; only memories that it needs are made.

    Attributes:
        i: input stream, see :func:`hdl.layout.ports.input_layout`.
        begins, ends, last_input: where weights are loaded: the beat that is next is a step's first,
            its last; and the index of the last.
        complete: there, for each vector whether all of it is ready.
        x_ready: elements of the current step's input that can be read; ``x_whole``: all can.
        x_step: the current step's other fields; those of its first beat are valid once an element
            is ready, those of its last beat once all are.
        x_release: frees the current step's bank; ``x_releasing`` announces it a cycle before.
        x_index: where x is an index: that of the current step, valid once an element is ready.
        element_x, x_word: in a delta core, see :class:`hdl.store.change_lists.ChangeLists`.
        read_operand, read_address, read_stream, read_zero: what to read; the first state, which is
            mostly zero, instead of the memory's word.
        read_turn: where the network reads at a lag: the step of x or h that is read.
        read_data: the element, two cycles later.
        write_h, write_c, write_rh: ``valid``, ``address`` (unit, over all layers), ``stream`` and
            ``data``; ``latency.ANNOUNCED`` cycles before it ``announce`` with the ``layer``.
            An announced unit counts as ready: it is read a cycle after its write at the earliest.
        restart: for each job, the vectors that it makes become not ready.
        ready: number of units of each vector that were announced since its restart, see
            :func:`hdl.layout.vectors.ready_layout`.
        state_address, state_stream, state_h, state_c: h and c of a unit, one cycle later, for the
            state update.
    """

    i = port(stream.Interface)
    begins = ends = last_input = port(Signal)
    x_ready = x_whole = x_releasing = x_release = port(Signal)
    read_operand = read_address = read_stream = read_zero = read_data = restart = port(Signal)
    read_turn = port(Signal)
    state_address = state_stream = state_h = state_c = x_word = x_index = port(Signal)
    element_x = x_step = ready = complete = port(data.View)
    write_h = write_c = write_rh = port(VectorWrite)

    def __init__(self, *, plan: Plan) -> None:
        self.plan = plan
        inputs, units = plan.sizes.inputs, plan.sizes.state_units
        stream_number = span(plan.options.interface.streams)
        ports = {f"write_{name}": In(write_signature(plan, name)) for name in made_vectors(plan)}
        ports |= {
            f"state_{name}": Out(signed(plan.sizes.vector_width(name)))
            for name in state_vectors(plan)
        }
        if plan.options.storage.loadable:
            ports |= {
                "begins": Out(1),
                "ends": Out(1),
                "last_input": In(span(inputs)),
                "complete": Out(complete_layout(plan)),
            }
        if "x" in plan.listed:
            ports["element_x"] = Out(element_layout(plan, "x"))
            ports["x_word"] = Out(signed(plan.sizes.x_width))
        if plan.network.indexed:
            ports["x_index"] = Out(span(plan.network.sizes[0]))
        if plan.work.windows.used:
            ports["read_turn"] = In(turn_shape(plan))
        super().__init__(
            {
                "i": In(stream.Signature(input_layout(plan))),
                "x_ready": Out(span(inputs)),
                "x_whole": Out(1),
                "x_step": Out(data.StructLayout(step_fields(plan))),
                "x_releasing": In(1),
                "x_release": In(1),
                "read_operand": In(operand_codes(plan)),
                "read_address": In(span(max(inputs, units))),
                "read_stream": In(stream_number),
                "read_zero": In(1),
                "read_data": Out(signed(plan.sizes.operand_width)),
                "restart": In(restarts(plan)),
                "ready": Out(ready_layout(plan)),
                "state_address": In(span(units)),
                "state_stream": In(stream_number),
                **ports,
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = {"x": InputBanks(m, self.plan, self).word}
        words |= {name: self._vector(m, name) for name in made_vectors(self.plan)}
        if self.plan.work.windows.past_layers:
            words["past"] = self._past(m)
        passes = self.plan.work.passes
        if self.plan.options.delta:
            passes = [single for single in passes if self.plan.lists.counted(single)]
        read = [name for name in words if any(p.operand == name for p in passes)]
        if self.plan.options.storage.loadable:
            read = list(words)

        operand = delayed(m, self.read_operand, 2, name="operand")[-1]
        zero = delayed(m, self.read_zero, 2, name="zero")[-1]
        # Each memory has its register first: block RAM is slow without.
        of = operand_codes(self.plan)
        codes = {
            of[name.upper()].value: delayed(m, words[name], 1, name=f"{name}_word")[-1]
            for name in read
        }
        chosen = self._chosen(m, operand, codes, name="chosen")
        m.d.comb += self.read_data.eq(Mux(zero, self._start(m, operand, read), chosen))
        return m

    def _start(self, m: Module, operand: Value, read: Sequence[str]) -> Value | int:
        """Return the word of a first step: 0, or the first state, from a ROM for each vector."""
        codes: dict[int, Value] = {}
        for name in (name for name in read if name in state_vectors(self.plan)):
            words = first_words(self.plan, name, read=True)
            if words:
                shape = signed(self.plan.sizes.vector_width(name))
                rom = block_rom(shape=shape, depth=max(2, len(words)), init=words)
                m.submodules[f"first_{name}"] = rom
                port = rom.read_port()
                m.d.comb += port.addr.eq(self.read_address)
                word = delayed(m, port.data, 1, name=f"first_{name}")[-1]
                codes[operand_codes(self.plan)[name.upper()].value] = word
        if not codes:
            return 0
        return self._chosen(m, operand, codes, name="start")

    def _chosen(self, m: Module, operand: Value, codes: Mapping[int, Value], *, name: str) -> Value:
        """The word of an operand by its code; 0 for one without."""
        chosen = Signal(self.read_data.shape(), name=name)
        with m.Switch(operand):
            for code, word in codes.items():
                with m.Case(code):
                    m.d.comb += chosen.eq(word)
        return chosen

    def _vector(self, m: Module, name: str) -> Value:
        """A vector of all layers with its ready counters; returns the word for the array."""
        write = getattr(self, f"write_{name}")
        plan, outlives = self.plan, name in state_vectors(self.plan)
        depth = vector_depth(plan) if outlives else max(2, plan.sizes.state_units)
        memory = block_memory(shape=write.data.shape(), depth=depth)

        def address(unit: Value, stream: Value) -> Value:
            return unit_address(plan, unit, stream) if outlives else unit

        m.submodules[f"{name}_memory"] = memory
        fill, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            fill.addr.eq(address(write.address, write.stream)),
            fill.data.eq(write.data),
            fill.en.eq(write.valid),
            read.addr.eq(address(self.read_address, self.read_stream)),
        ]
        if outlives:
            update = memory.read_port()
            m.d.comb += [
                update.addr.eq(address(self.state_address, self.state_stream)),
                getattr(self, f"state_{name}").eq(update.data),
            ]
        for vector, layer in plan.vectors:
            if vector == name:
                self._counter(m, name, layer, write)
        return read.data

    def _past(self, m: Module) -> Value:
        """h of some steps, of the layers that are read at a lag; returns the word for the array."""
        write, plan = self.write_h, self.plan
        windows = plan.work.windows
        units = plan.work.first_unit(windows.past_layers[-1] + 1)
        bits = (units - 1).bit_length()
        turn_bits = windows.past_slots.bit_length() - 1
        memory = block_memory(shape=write.data.shape(), depth=windows.past_slots << bits)
        m.submodules.past_memory = memory
        fill, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            fill.addr.eq(Cat(write.address[:bits], write.turn[:turn_bits])),
            fill.data.eq(write.data),
            fill.en.eq(write.valid & write.kept),
            read.addr.eq(Cat(self.read_address[:bits], self.read_turn[:turn_bits])),
        ]
        return read.data

    def _counter(self, m: Module, name: str, layer: int, write: VectorWrite) -> None:
        """Units of a layer's vector that are ready; all of them at first."""
        if self.plan.options.storage.loadable:
            self._loaded_counter(m, name, layer, write)
            return
        units = self.plan.network.layers[layer].units
        count = Signal(span(units + 1), init=units, name=f"{name}_ready{layer}")
        m.d.comb += self.ready[f"{name}{layer}"].eq(count)
        with m.If(self.restart[restart_bit(self.plan, name, layer)]):
            m.d.sync += count.eq(0)
        with m.Elif(write.announce & (write.layer == layer)):
            m.d.sync += count.eq(count + 1)

    def _loaded_counter(self, m: Module, name: str, layer: int, write: VectorWrite) -> None:
        """Units of a loaded layer's vector that are ready; the last unit comes marked."""
        ready = self.ready[f"{name}{layer}"]
        count = Signal.like(ready, init=-1, name=f"{name}_ready{layer}")
        complete = Signal(init=1, name=f"{name}_complete{layer}")
        m.d.comb += [ready.eq(count), self.complete[f"{name}{layer}"].eq(complete)]
        with m.If(self.restart[restart_bit(self.plan, name, layer)]):
            m.d.sync += [count.eq(0), complete.eq(0)]
        with m.Elif(write.announce & (write.layer == layer)):
            m.d.sync += [count.eq(count + 1), complete.eq(write.last)]
