"""Page of documentation of the registers: ``python -m hdl.packaging.register_table PAGE``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from hdl.bus.register_map import Field, Register, registers

_HEAD = """\
# Registers

`python -m hdl.packaging.register_table docs/registers.md` writes this page from
`hdl/bus/registers.rdl` (SystemRDL). The hardware, the C header, the IP-XACT component and the
drivers come from the same file. Registers have 32 bits and byte addresses. An access reads or
writes a whole register. A write with no byte strobed does nothing and is no error.

Access: r means readable, w writable, w1c that writing 1 clears the bit, pulse that writing 1 acts
once and the bit reads as 0. A field without a value after a reset shows the core's own value.
"""


def page() -> str:
    """Write the page in Markdown."""
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
