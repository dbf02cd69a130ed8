"""Declarations of a component's ports, and registers in a row."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar, cast

from amaranth.hdl import Cat, Module, Signal, Value

P = TypeVar("P")


class _Port:
    """Stands for a port in its class; a component's own attributes are found before it."""

    def __get__(self, component: object, owner: type) -> NoReturn:
        raise AttributeError(f"this {owner.__name__} was made without that port")


def port(kind: type[P]) -> P:
    """Declare ports of one type, as in ``valid = ready = port(Signal)``.

    Shapes depend on a component's arguments, so ``__init__`` gives them. The declaration tells type
    checkers which ports there are.

    Args:
        kind: `Signal`, `data.View`, `stream.Interface`, or a class that names the members of an
            interface.
    """
    return cast(P, _Port())


def delayed(m: Module, value: Any, cycles: int, *, name: str, resets: bool = False) -> list[Any]:
    """A value delayed by 0, 1, ... and ``cycles`` cycles.

    Delays of a bit are one shift register, which simulators move at once.
    """
    if cycles > 1 and isinstance(value, Value) and len(value) == 1:
        bits = Signal(cycles, name=f"{name}_q", reset_less=not resets)
        m.d.sync += bits.eq(Cat(value, bits))
        return [value, *bits]
    line = [value]
    for cycle in range(1, cycles + 1):
        stage = "_q" if cycle == 1 else f"_q{cycle}"
        register = Signal(value.shape(), name=f"{name}{stage}", reset_less=not resets)
        m.d.sync += register.eq(line[-1])
        line.append(register)
    return line


def holds_any(m: Module, *, comes: Value, goes: Value, most: int) -> Value:
    """Build a register that is high while a queue holds anything; the queue starts empty.

    Args:
        m: module to build into.
        comes, goes: one more, one less; neither beyond what the queue can hold.
        most: what it holds at most.
    """
    level, waits = Signal(range(max(2, most + 1)), name="level"), Signal(name="waits")
    with m.If(comes & ~goes):
        m.d.sync += [level.eq(level + 1), waits.eq(1)]
    with m.Elif(goes & ~comes):
        m.d.sync += [level.eq(level - 1), waits.eq(level != 1)]
    return waits
