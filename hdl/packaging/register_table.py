"""The registers as a page of documentation: ``python -m hdl.packaging.register_table PAGE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from hdl.bus.register_map import Field, Register, registers

_HEAD = """\
# Registers

Written by `python -m hdl.packaging.register_table docs/registers.md` from `hdl/bus/registers.rdl`
(SystemRDL), which the hardware, the C header, the IP-XACT component and the drivers are made from,
too. Registers have 32 bits and byte addresses. An access is one of a whole register; a write for
which no byte is strobed does nothing and is no error.

Access: r is read, w is written, w1c: a written 1 clears the bit, pulse: a written 1 acts once and
reads as 0. A field without a value after a reset has what the core gives it.
"""


def page() -> str:
    """The page, Markdown."""
    overview = [
        "| address | register | |",
        "|---|---|---|",
        *(
            f"| 0x{r.address:02x} | [{r.name}](#{r.name.lower()}) | {r.title} |"
            for r in registers()
        ),
    ]
    sections = [line for register in registers() for line in _section(register)]
    return "\n".join([_HEAD, *overview, *sections]) + "\n"


def _section(register: Register) -> Iterator[str]:
    yield from ("", f"## {register.name}", "", f"0x{register.address:02x}: {register.meaning}", "")
    yield from ("| bits | field | access | after a reset | |", "|---|---|---|---|---|")
    for field in register.fields:
        high = field.low + field.width - 1
        bits = f"{high}:{field.low}" if field.width > 1 else f"{field.low}"
        after = "" if field.reset is None else f"0x{field.reset:x}"
        meaning = field.meaning.replace("|", "\\|")
        yield f"| {bits} | {field.name} | {_access(field)} | {after} | {meaning} |"


def _access(field: Field) -> str:
    if field.pulse:
        return "pulse"
    if field.clears:
        return "r, w1c"
    return ", ".join(word for word, has in (("r", field.readable), ("w", field.writable)) if has)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
