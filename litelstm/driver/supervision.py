"""Supervision of a core through its registers: identity, status, errors, counters, interrupts."""

from __future__ import annotations

from collections.abc import Callable

from golden.errors import InputError
from litelstm.driver.backend import Backend
from litelstm.driver.description import Description
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.registers import Registers, join, split

MAGIC = int.from_bytes(b"LSTM", "little")
MAJOR = 1
"""Major version of the register map that this driver supports."""

DEFAULT_TIMEOUT = 1.0

COUNTERS = (
    *("STEPS", "SEQUENCES", "STALLED_INPUT", "STALLED_OUTPUT"),
    *("DROPPED", "PROTOCOL_ERRORS", "SATURATED"),
)
"""32-bit counters."""


class Supervised:
    """A core's supervision through its registers.

    For arguments, attributes and errors see :class:`litelstm.driver.core.Core`.
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
        """All registers by name, for accesses without a method here."""
        return self._registers

    def status(self) -> dict[str, int]:
        """Read the fields of the register STATUS."""
        return self._registers.fields("STATUS")

    def errors(self) -> tuple[str, ...]:
        """Return the names of the bits that are set in the register ERRORS."""
        return tuple(name for name, value in self._registers.fields("ERRORS").items() if value)

    def clear_errors(self) -> None:
        """Clear the register ERRORS, and its bit of IRQ_STATUS."""
        self._registers.write("ERRORS", self._all("ERRORS"))
        self._registers.set("IRQ_STATUS", ERROR=1)

    def counters(self) -> dict[str, int]:
        """Read all counters by name."""
        low = self._registers.read("CYCLES")  # latches the upper half
        high = self._registers.read("CYCLES_HIGH")
        return {
            "CYCLES": high << 32 | low,
            **{name: self._registers.read(name) for name in COUNTERS},
        }

    def clear_counters(self) -> None:
        """Make all counters 0."""
        self._registers.set("CONTROL", ENABLE=1, BY_REGISTER=1, CLEAR_COUNTERS=1)

    def enable_interrupts(self, *names: str) -> None:
        """Let only these bits of IRQ_STATUS raise the interrupt.

        Raises:
            InputError: IRQ_STATUS has no such bit.
        """
        known = self.description.register("IRQ_STATUS").fields
        for name in names:
            if name not in known:
                raise InputError(f"interrupt is {name!r}, expected one of {', '.join(known)}")
        self._registers.write(
            "IRQ_ENABLE", join(self.description.register("IRQ_STATUS"), dict.fromkeys(names, 1))
        )

    def interrupts(self) -> tuple[str, ...]:
        """Return the names of the bits that are set in IRQ_STATUS, and clear them."""
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
        """Wait until one of these bits is set; an interrupt ends the wait early."""

        def reached() -> bool:
            values = self._registers.fields(register)
            return any(values[field] for field in fields)

        self._until(" or ".join(f"{register}.{field}" for field in fields), reached)

    def _until(self, what: str, reached: Callable[[], bool]) -> None:
        """Wait until ``reached`` is true; ``what`` names the condition in a timeout's message."""
        until = self._backend.time() + self.timeout
        while not reached():
            if self._backend.time() > until:
                raise CoreTimeoutError(f"no {what} after {self.timeout:g} s ({self._state()})")
            self._backend.wait(self.timeout)

    def _state(self) -> str:
        """Describe the core's status and errors, for messages."""
        status = ", ".join(f"{name} {value}" for name, value in self.status().items())
        return f"{status}; errors: {', '.join(self.errors()) or 'none'}"
