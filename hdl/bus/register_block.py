"""The registers, made from the register map."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from hdl.bus.access import ACCESS, ADDRESS_BITS, WORD
from hdl.bus.register_map import Field, Register, registers
from hdl.bus.totals import FIRST, Totals
from hdl.parts.component import Component


def port_name(register: str, field: str) -> str:
    """A field's name among the ports of :class:`RegisterBlock`."""
    return f"{register}_{field}".lower()


def is_window(register: Register) -> bool:
    """Tell whether a register is one end of a stream, or tells of those."""
    return register.name == "ROOM" or any(field.strobe for field in register.fields)


class RegisterBlock(Component):
    """Answers accesses to the registers of :mod:`hdl.bus.register_map`.

        access ─► place, q ─► registers ─► word, q ─┬─► answer
                     └──────► counters, constants ──┘

    Latency: an access is done after three cycles, in the second of which it reads, in the third of
    which it takes what is written; one that reads what never changes or a counter two cycles and
    what :class:`hdl.bus.totals.Totals` needs later.

    Args:
        constants: values of fields that never change, by ``REGISTER.FIELD``. A register whose
            fields all are there, or constant in the map, is a word of the counters' memory.
        absent: fields that software writes and nobody looks at: they read as 0.
        window: whether there are data registers.
        most: events of a counter in one cycle, by its register's name, where it can be more than
            one.

    Attributes:
        access: from the front end.
        register_field: one port for each field, by its kind. What software writes: its value; a
            pulse: high for a cycle; what software clears: sets it; a counter: its events in this
            cycle; what hardware knows: its value. None for what never changes.
        refused: an access had an error, for one cycle.
        interrupt: a bit of IRQ_STATUS is set that IRQ_ENABLE lets through.
        window_read, window_write: a data register is read or written, for one cycle.
        window_place, window_data: which, as a word's number, and what is written.
        window_value, window_error: in that cycle, what is read, else 0, and that it cannot be.
    """

    def __init__(
        self,
        *,
        constants: Mapping[str, int],
        absent: Collection[str] = (),
        window: bool = False,
        most: Mapping[str, int] | None = None,
    ) -> None:
        self._window = window
        self._constants = {**constants, **dict.fromkeys(absent, 0)}
        self._map = [r for r in registers() if window or not is_window(r)]
        counters = [r for r in self._map if any(field.counter for field in r.fields)]
        places = [register.address // 4 for register in counters]
        if places != list(range(FIRST, FIRST + len(counters))):
            raise ValueError(f"counters must be one after another from {4 * FIRST:#x} on")
        self._counters = {register.name: number for number, register in enumerate(counters)}
        self._fixed = {
            register.address // 4: word
            for register in self._map
            if (word := self._constant_word(register)) is not None
        }
        self.totals = Totals(
            counters=len(counters),
            constants=self._fixed,
            most={self._counters[name]: count for name, count in (most or {}).items()},
        )
        ports: dict[str, Any] = {}
        for register in self._map:
            for field in register.fields:
                ports |= self._port(register, field)
        if window:
            ports |= {
                "window_read": Out(1),
                "window_write": Out(1),
                "window_place": Out(ADDRESS_BITS - 2),
                "window_data": Out(WORD),
                "window_value": In(WORD),
                "window_error": In(1),
            }
        super().__init__({"access": In(ACCESS), "refused": Out(1), "interrupt": Out(1), **ports})

    def _constant(self, register: Register, field: Field) -> int | None:
        """A field's value, if it never changes."""
        given = self._constants.get(f"{register.name}.{field.name}")
        return field.reset if given is None and not field.writable else given

    def _constant_word(self, register: Register) -> int | None:
        """A register's word, if it never changes and nobody writes it."""
        word = 0
        for field in register.fields:
            value = self._constant(register, field)
            if value is None or field.writable:
                return None
            word |= value << field.low & field.mask
        return word

    def _port(self, register: Register, field: Field) -> dict[str, Any]:
        name = port_name(register.name, field.name)
        if field.strobe or self._constant(register, field) is not None:
            return {}
        if field.counter:
            number = self._counters[register.name]
            return {name: In(getattr(self.totals, f"event{number}").shape())} if number != 1 else {}
        if field.clears or not field.writable:
            return {name: In(field.width)}
        return {name: Out(field.width, init=field.reset)}  # pyright: ignore[reportCallIssue]

    def _in_memory(self, register: Register) -> bool:
        return register.address // 4 in self._fixed or register.name in self._counters

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.totals = totals = self.totals
        access = self.access
        place, write = Signal(ADDRESS_BITS - 2), Signal()
        whole, empty = Signal(), Signal()  # a write of all bytes, of none
        is_open, begins, recalls, ends = Signal(), Signal(), Signal(), Signal()
        looked_up, waits = Signal(), Signal()  # in a register, in the counters' memory
        m.d.comb += [
            recalls.eq(~write & self._is(place, self._in_memory)),
            totals.read.eq(waits),
            totals.address.eq(place),
            totals.clear.eq(self.control_clear_counters),
            ends.eq(looked_up | (waits & totals.done)),
            self.refused.eq(access.done & access.error),
        ]
        m.d.sync += [
            place.eq(access.address[2:]),
            write.eq(access.write),
            whole.eq(access.strobe.all()),
            empty.eq(~access.strobe.any()),
            is_open.eq(access.request & ~access.done),
            begins.eq(access.request & ~is_open),
            looked_up.eq(begins & ~recalls),
            waits.eq((begins & recalls) | (waits & ~totals.done)),
            access.done.eq(ends),
        ]
        for name, number in self._counters.items():
            if number != 1:
                event = getattr(self, port_name(name, "COUNT"))
                m.d.comb += getattr(totals, f"event{number}").eq(event)
        live, word = Signal(WORD), Signal(WORD, reset_less=True)
        # What is written to counts from the cycle of ``done`` on.
        self._serve(m, place, live, looked_up & write & whole)
        known = Mux(
            write,
            empty | (whole & self._is(place, lambda register: register.writable)),
            self._is(place, lambda register: register.readable),
        )
        window_fails = self._connect_window(
            m, place, reads=begins & ~write, writes=begins & write & whole
        )
        m.d.sync += word.eq(live | self.window_value if self._window else live)
        with m.If(begins):
            m.d.sync += access.error.eq(~known | window_fails)
        with m.If(ends):
            m.d.sync += access.answer.eq(Mux(waits, totals.data, word))
        return m

    def _is(self, place: Value, wanted: Callable[[Register], bool]) -> Value:
        """Tell whether a word is a register of some kind."""
        return place.matches(*(r.address // 4 for r in self._map if wanted(r)))

    def _serve(self, m: Module, place: Value, live: Signal, writes: Value) -> None:
        """Registers that are in no memory: what they hold, and what the asked one reads as."""
        fields = [(r, f) for r in self._map for f in r.fields if self._port(r, f) and not f.counter]
        held: dict[str, Signal] = {}
        for register, field in fields:
            name = port_name(register.name, field.name)
            held[name] = port = getattr(self, name)
            if field.clears:
                held[name] = Signal(field.width, name=f"holds_{name}")
            elif field.pulse:
                m.d.sync += port.eq(0)
        with m.Switch(place):
            for register in self._map:
                if not self._in_memory(register):
                    with m.Case(register.address // 4):
                        m.d.comb += live.eq(self._word(register, held))
                        with m.If(writes):
                            self._store(m, register, held)
        for register, field in fields:
            if field.clears:  # what happens now is not lost to a write in the same cycle
                name = port_name(register.name, field.name)
                with m.If(getattr(self, name)):
                    m.d.sync += held[name].eq(1)
        raised = [
            held[port_name(r.name, f.name)] & self.irq_enable_mask[f.low]
            for r, f in fields
            if r.name == "IRQ_STATUS"
        ]
        m.d.sync += self.interrupt.eq(Cat(raised).any())

    def _word(self, register: Register, held: Mapping[str, Signal]) -> Value:
        """Build the word that a register reads as; unused bits are 0, never undriven."""
        parts: list[Value] = []
        for field in sorted(register.fields, key=lambda field: field.low):
            parts.append(Const(0, field.low - len(Cat(parts))))
            value = held.get(port_name(register.name, field.name))
            if value is None or field.pulse:
                value = Const(self._constant(register, field) or 0, field.width)
            parts.append(value)
        return Cat(parts)

    def _store(self, m: Module, register: Register, held: Mapping[str, Signal]) -> None:
        """Store a written word in a register's fields; ones clear the fields that ``clears``."""
        for field in register.fields:
            value = held.get(port_name(register.name, field.name))
            if value is not None and field.writable:
                word = self.access.data[field.low : field.low + field.width]
                m.d.sync += value.eq(value & ~word if field.clears else word)

    def _connect_window(self, m: Module, place: Value, *, reads: Value, writes: Value) -> Value:
        """Tell of accesses to the data registers; returns whether this one cannot be."""
        if not self._window:
            return Const(0)
        strobes = [r for r in self._map if any(field.strobe for field in r.fields)]
        for register in strobes:
            if register.readable and register.writable:
                raise ValueError(f"{register.name} must be read or written, not both")
        m.d.comb += [
            self.window_place.eq(place),
            self.window_data.eq(self.access.data),
            self.window_write.eq(writes & self._is(place, lambda r: r in strobes and r.writable)),
            self.window_read.eq(reads & self._is(place, lambda r: r in strobes and r.readable)),
        ]
        return (self.window_read | self.window_write) & self.window_error
