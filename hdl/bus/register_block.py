"""The registers, made from the register map."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hdl.bus.access import ACCESS, ADDRESS_BITS, WINDOW_ACCESS, WORD, Access, WindowAccess
from hdl.bus.register_map import Field, Register, registers
from hdl.bus.totals import FIRST, Totals
from hdl.parts.component import port


def field_name(register: str, field: str) -> str:
    """A field's name among the settings and facts of :class:`RegisterBlock`."""
    return f"{register}_{field}".lower()


def is_window(register: Register) -> bool:
    """Tell whether :class:`hdl.bus.window.Window` answers for a register."""
    return register.name == "ROOM" or any(field.strobe for field in register.fields)


@cache
def own_registers() -> tuple[Register, ...]:
    """List the registers that :class:`RegisterBlock` answers for."""
    return tuple(register for register in registers() if not is_window(register))


@cache
def own_fields() -> dict[str, tuple[Register, Field]]:
    """List the fields of these registers, by `field_name`."""
    return {
        field_name(r.name, field.name): (r, field) for r in own_registers() for field in r.fields
    }


@cache
def settings() -> dict[str, Field]:
    """List the fields that software sets, by `field_name`."""
    found = {name: field for name, (_, field) in own_fields().items()}
    return {name: field for name, field in found.items() if field.writable and not field.clears}


class RegisterBlock(wiring.Component):
    """Answers accesses to the registers of :mod:`hdl.bus.register_map`.

        access ─► place, q ─► registers ─► word, q ─┬─► answer
                     └──────► counters, constants ──┘

    Latency: an access is done after three cycles: in the second the block reads, in the third it
    stores what is written. A read of a constant or a counter takes two cycles, and those that
    :class:`hdl.bus.totals.Totals` needs.

    Args:
        constants: values of fields that never change, by ``REGISTER.FIELD``. A register with only
            such fields is a word of the counters' memory.
        absent: fields that this core has no use for: they read as 0.
        window: whether there are data registers.
        most: most events of a counter in one cycle, by its register's name, where it is not one.

    Attributes:
        access: from the front end.
        settings: fields that software sets, see `settings`; one that pulses is high for a cycle.
        facts: fields of this core that hardware tells: a value, 1 to set a bit that software
            clears, or a counter's events in this cycle.
        refused: an access had an error, for one cycle.
        refused_data: with ``refused``: the access was to a data register.
        interrupt: a bit of IRQ_STATUS is set that IRQ_ENABLE lets through.
        window: accesses to the data registers, where there are any.
    """

    access = port(Access)
    window = port(WindowAccess)
    settings = facts = port(data.View)
    refused = refused_data = interrupt = port(Signal)

    def __init__(
        self,
        *,
        constants: Mapping[str, int],
        absent: Collection[str] = (),
        window: bool = False,
        most: Mapping[str, int] | None = None,
    ) -> None:
        self._constants = {**constants, **dict.fromkeys(absent, 0)}
        self._window = [r for r in registers() if is_window(r)] if window else []
        counters = [r for r in own_registers() if any(field.counter for field in r.fields)]
        places = [register.address // 4 for register in counters]
        if places != list(range(FIRST, FIRST + len(counters))):
            raise ValueError(f"counters must be one after another from {4 * FIRST:#x} on")
        self._fixed = {
            register.address // 4: word
            for register in own_registers()
            if (word := self._constant_word(register)) is not None
        }
        self._in_memory = {*self._fixed, *places}
        self.totals = Totals(
            counters={field_name(r.name, "COUNT"): (most or {}).get(r.name, 1) for r in counters},
            constants=self._fixed,
        )
        facts = {
            n: field.width for n, (r, field) in own_fields().items() if self._is_fact(r, field)
        }
        layout = data.StructLayout({name: field.width for name, field in settings().items()})
        initial = {name: field.reset or 0 for name, field in settings().items()}
        super().__init__(
            {
                "access": In(ACCESS),
                "settings": Out(layout, init=initial),  # pyright: ignore[reportCallIssue]
                "facts": In(data.StructLayout({**facts, **self.totals.events.shape().members})),
                "refused": Out(1),
                "refused_data": Out(1),
                "interrupt": Out(1),
                **({"window": Out(WINDOW_ACCESS)} if window else {}),
            }
        )

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

    def _is_fact(self, register: Register, field: Field) -> bool:
        """Tell whether hardware tells a field's value, or sets it; counters are not among these."""
        is_told = field.clears or not (field.writable or field.counter)
        return is_told and self._constant(register, field) is None

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.totals = totals = self.totals
        access = self.access
        place, write = Signal(ADDRESS_BITS - 2), Signal()
        whole, empty = Signal(), Signal()  # a write of all bytes, of none
        is_open, begins, recalls, ends = Signal(), Signal(), Signal(), Signal()
        looked_up, waits = Signal(), Signal()  # in a register, in the counters' memory
        m.d.comb += [
            recalls.eq(~write & place.matches(*sorted(self._in_memory))),
            totals.read.eq(waits),
            totals.address.eq(place),
            totals.clear.eq(self.settings.control_clear_counters),
            *(totals.events[name].eq(self.facts[name]) for name, _ in totals.events.shape()),
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
        live, word = Signal(WORD), Signal(WORD, reset_less=True)
        # A written field has its new value from the cycle of ``done`` on.
        self._serve(m, place, live, looked_up & write & whole)
        known = Mux(
            write,
            empty | (whole & self._is(place, lambda register: register.writable)),
            self._is(place, lambda register: register.readable),
        )
        at_window, window_fails = Const(0), Const(0)
        m.d.sync += word.eq(live)
        if self._window:
            at_window = self._connect_window(
                m, place, reads=begins & ~write, writes=begins & write & whole
            )
            window_fails = at_window & self.window.error
            m.d.sync += word.eq(live | self.window.value)
        with m.If(begins):
            m.d.sync += [access.error.eq(~known | window_fails), self.refused_data.eq(at_window)]
        with m.If(ends):
            m.d.sync += access.answer.eq(Mux(waits, totals.data, word))
        return m

    def _is(self, place: Value, wanted: Callable[[Register], bool]) -> Value:
        """Tell whether a word is a register of some kind."""
        found = [*own_registers(), *self._window]
        return place.matches(*(r.address // 4 for r in found if wanted(r)))

    def _serve(self, m: Module, place: Value, live: Signal, writes: Value) -> None:
        """Build the registers that are in no memory: their values, and the word to read."""
        held: dict[str, Value] = {}
        raised: list[Value] = []
        for name, (register, field) in own_fields().items():
            if field.clears and self._is_fact(register, field):
                held[name] = Signal(field.width, name=f"holds_{name}")
                if register.name == "IRQ_STATUS":
                    raised.append(held[name] & self.settings.irq_enable_mask[field.low])
            elif self._is_fact(register, field):
                held[name] = self.facts[name]
            elif name in settings() and self._constant(register, field) is None:
                held[name] = self.settings[name]
                if field.pulse:
                    m.d.sync += held[name].eq(0)
        with m.Switch(place):
            for register in own_registers():
                if register.address // 4 not in self._in_memory:
                    with m.Case(register.address // 4):
                        m.d.comb += live.eq(self._word(register, held))
                        with m.If(writes):
                            self._store(m, register, held)
        for name, (_, field) in own_fields().items():
            if field.clears and name in held:  # an event is not lost to a write in its cycle
                with m.If(self.facts[name]):
                    m.d.sync += held[name].eq(1)
        m.d.sync += self.interrupt.eq(Cat(raised).any())

    def _word(self, register: Register, held: Mapping[str, Value]) -> Value:
        """Build the word that a register reads as; unused bits are 0, never undriven."""
        parts: list[Value] = []
        for field in sorted(register.fields, key=lambda field: field.low):
            parts.append(Const(0, field.low - len(Cat(parts))))
            value = held.get(field_name(register.name, field.name))
            if value is None or field.pulse:
                value = Const(self._constant(register, field) or 0, field.width)
            parts.append(value)
        return Cat(parts)

    def _store(self, m: Module, register: Register, held: Mapping[str, Value]) -> None:
        """Store a written word in a register's fields; ones clear the fields that ``clears``."""
        for field in register.fields:
            value = held.get(field_name(register.name, field.name))
            if value is not None and field.writable:
                word = self.access.data[field.low : field.low + field.width]
                m.d.sync += value.eq(value & ~word if field.clears else word)

    def _connect_window(self, m: Module, place: Value, *, reads: Value, writes: Value) -> Value:
        """Tell the window of accesses to the data registers; returns whether this is one."""
        strobes = [r for r in self._window if any(field.strobe for field in r.fields)]
        for register in strobes:
            if register.readable and register.writable:
                raise ValueError(f"{register.name} must be read or written, not both")
        m.d.comb += [
            self.window.place.eq(place),
            self.window.data.eq(self.access.data),
            self.window.write.eq(writes & self._is(place, lambda r: r in strobes and r.writable)),
            self.window.read.eq(reads & self._is(place, lambda r: r in strobes and r.readable)),
        ]
        return self.window.write | self.window.read
