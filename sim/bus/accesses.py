"""Random accesses to the registers of a core with AXI buses, and the expected responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdl.bus.register_block import is_window
from hdl.bus.register_map import registers
from sim.bus.bench import ACCESS, SLVERR

REGISTERS = {register.name: register for register in registers()}

ENABLE, RESET, CLEAR = (
    REGISTERS["CONTROL"].field(name).mask for name in ("ENABLE", "RESET", "CLEAR_COUNTERS")
)


def random_accesses(
    rng: np.random.Generator, count: int
) -> tuple[NDArray[Any], NDArray[Any], int, int]:
    """Draw reads and writes without consequences, good and bad ones.

    Returns:
        Reads, writes, the number of both that the core refuses, and IRQ_ENABLE afterwards.
    """
    reads, writes = np.zeros(count, ACCESS), np.zeros(count, ACCESS)
    reads["delay"], writes["delay"] = rng.integers(0, 60, size=(2, count))
    reads["address"] = rng.integers(0, 256, size=count)
    writes["strobe"], enabled = 15, 0
    readable = {r.address for r in REGISTERS.values() if r.readable and not is_window(r)}
    refused = sum(address & ~3 not in readable for address in reads["address"].tolist())
    for write in writes:
        kind = rng.integers(4)
        write["data"] = int(rng.integers(1 << 32))
        if kind == 0:
            enabled = int(rng.integers(64))
            write["address"], write["data"] = 0x30, enabled
        elif kind == 1:  # no byte enabled: the core ignores the write
            write["address"], write["strobe"] = int(rng.integers(256)), 0
        elif kind == 2:  # part of a word
            write["address"], write["strobe"] = 0x28, int(rng.integers(1, 15))
        else:
            write["address"] = rng.choice([0x00, 0x24, 0x40, 0x60, 0x70, 0x84, 0xFC])
        refused += write_response(write) == SLVERR
    return reads, writes, refused, enabled


def write_response(write: Any) -> int:
    """Return the core's response to a write of :func:`random_accesses`."""
    whole = write["address"] == 0x30 and write["strobe"] == 15
    return 0 if whole or write["strobe"] == 0 else SLVERR


def read_checks(
    reads: NDArray[Any], constants: Mapping[str, int]
) -> Iterator[tuple[str, int, int]]:
    """Yield name, value and expected value of each response and constant field.

    Args:
        reads: array of ``ACCESS``, responses included.
        constants: values of the fields that never change.
    """
    known = {register.address: register for register in REGISTERS.values()}
    for read in reads:
        register, response = known.get(int(read["address"]) & ~3), int(read["response"])
        if register is None or not register.readable or is_window(register):
            yield "response", response, SLVERR
            continue
        yield "response", response, 0
        for one in register.fields:
            value = constants.get(f"{register.name}.{one.name}")
            if value is None and not one.writable:
                value = one.reset
            if value is not None:
                got = (int(read["answer"]) & one.mask) >> one.low
                yield f"{register.name}.{one.name}", got, value
