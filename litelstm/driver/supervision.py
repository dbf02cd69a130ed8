"""What a core's registers say of it, and how they supervise it."""

from __future__ import annotations

from collections.abc import Callable

from golden.errors import InputError
from litelstm.driver.backend import Backend
from litelstm.driver.description import Description
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.registers import Registers, join, split

MAGIC = int.from_bytes(b"LSTM", "little")
MAJOR = 1
"""Of the register map that this driver knows."""

DEFAULT_TIMEOUT = 1.0

COUNTERS = (
    *("STEPS", "SEQUENCES", "STALLED_INPUT", "STALLED_OUTPUT"),
    *("DROPPED", "PROTOCOL_ERRORS", "SATURATED"),
)
"""Counters of 32 bits."""


class Supervised:
    """A core as far as registers reach: who it is, how it fares, what it counts.

    Arguments, attributes and errors are those of :class:`litelstm.driver.core.Core`.
    """

    def __init__(self, backend: Backend, description: Description, *, timeout: float) -> None:
        if not timeout > 0:
            raise InputError(f"timeout is {timeout}, expected more than 0 seconds")
        self.description = description
        self.timeout = timeout
        self._backend = backend
        self._registers = Registers(backend, description)
        self._check_identity()

    @property
    def registers(self) -> Registers:
        """All registers by name, for what has no method here."""
        return self._registers

    def status(self) -> dict[str, int]:
        """The fields of the register STATUS."""
        return self._registers.fields("STATUS")

    def errors(self) -> tuple[str, ...]:
        """Names of the bits that are set in the register ERRORS."""
        return tuple(name for name, value in self._registers.fields("ERRORS").items() if value)

    def clear_errors(self) -> None:
        """Clear the register ERRORS, and its bit of IRQ_STATUS."""
        self._registers.write("ERRORS", self._all("ERRORS"))
        self._registers.set("IRQ_STATUS", ERROR=1)

    def counters(self) -> dict[str, int]:
        """All counters by name."""
        low = self._registers.read("CYCLES")  # holds the upper half
        high = self._registers.read("CYCLES_HIGH")
        return {
            "CYCLES": high << 32 | low,
            **{name: self._registers.read(name) for name in COUNTERS},
        }

    def clear_counters(self) -> None:
        """Make all counters 0."""
        self._registers.set("CONTROL", ENABLE=1, BY_REGISTER=1, CLEAR_COUNTERS=1)

    def enable_interrupts(self, *names: str) -> None:
        """Let these bits of IRQ_STATUS, and no others, raise the interrupt.

        Raises:
            InputError: there is no such bit.
        """
        known = self.description.register("IRQ_STATUS").fields
        for name in names:
            if name not in known:
                raise InputError(f"interrupt is {name!r}, expected one of {', '.join(known)}")
        self._registers.write(
            "IRQ_ENABLE", join(self.description.register("IRQ_STATUS"), dict.fromkeys(names, 1))
        )

    def interrupts(self) -> tuple[str, ...]:
        """Names of the bits that are set in IRQ_STATUS; they are cleared."""
        word = self._registers.read("IRQ_STATUS")
        self._registers.write("IRQ_STATUS", word)
        fields = split(self.description.register("IRQ_STATUS"), word)
        return tuple(name for name, value in fields.items() if value)

    def _check_identity(self) -> None:
        found = self._registers.read("ID")
        if found != MAGIC:
            raise DriverError(f"no litelstm core: ID is 0x{found:08x}, expected 0x{MAGIC:08x}")
        major = self._registers.field("VERSION", "MAJOR")
        if major != MAJOR:
            raise DriverError(f"registers are of version {major}, this driver knows {MAJOR}")
        core = self._registers.read("CORE")
        if core != self.description.core:
            raise DriverError(
                f"the core is 0x{core:08x}, that of {self.description.path} is "
                f"0x{self.description.core:08x}"
            )

    def _all(self, name: str) -> int:
        fields = self.description.register(name).fields.values()
        return sum(((1 << width) - 1) << low for low, width in fields)

    def _wait(self, register: str, *fields: str) -> None:
        """Wait for one of some bits; the interrupt, if there is one, makes it shorter."""

        def reached() -> bool:
            values = self._registers.fields(register)
            return any(values[field] for field in fields)

        self._until(" or ".join(f"{register}.{field}" for field in fields), reached)

    def _until(self, what: str, reached: Callable[[], bool]) -> None:
        """Wait until something is so; ``what`` names it in the message of a timeout."""
        until = self._backend.time() + self.timeout
        while not reached():
            if self._backend.time() > until:
                raise CoreTimeoutError(f"no {what} after {self.timeout:g} s ({self._state()})")
            self._backend.wait(self.timeout)

    def _state(self) -> str:
        """What the core says of itself, for messages."""
        status = ", ".join(f"{name} {value}" for name, value in self.status().items())
        return f"{status}; errors: {', '.join(self.errors()) or 'none'}"
