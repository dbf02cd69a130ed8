"""Claims about a design: named properties, and probes of signals inside it."""

from __future__ import annotations

from dataclasses import dataclass, field

from amaranth.hdl import Assert, Module, Signal, Value, ValueLike


@dataclass
class Claims:
    """Collects the properties to prove of a design that is a submodule of ``m``.

    Args:
        m: the top module.

    Attributes:
        names: of all properties.
        probes: signals that show signals of the design, by the path of the latter.
    """

    m: Module
    names: list[str] = field(default_factory=list)
    probes: dict[str, Signal] = field(default_factory=dict)

    def always(self, name: str, condition: ValueLike) -> None:
        """State that a condition holds in every cycle; ``name`` is an identifier."""
        if name in self.names:
            raise ValueError(f"property {name!r} is stated twice")
        self.names.append(name)
        holds = Module()
        holds.d.comb += Assert(Value.cast(condition).bool(), name)
        # The property is found by the submodule's name when it fails.
        self.m.submodules[name] = holds

    def never(self, name: str, condition: ValueLike) -> None:
        """State that a condition holds in no cycle."""
        self.always(name, ~Value.cast(condition).bool())

    def let(self, name: str, value: ValueLike) -> Signal:
        """Name a value, so that a value used often is built once."""
        result = Signal(Value.cast(value).shape(), name=name)
        self.m.d.comb += result.eq(value)
        return result

    def probe(self, path: str, width: int = 1) -> Signal:
        """Return a signal inside the design that is no port, e.g. ``core.update.room``."""
        if path not in self.probes:
            self.probes[path] = Signal(width, name="probe_" + path.replace(".", "_"))
        return self.probes[path]
