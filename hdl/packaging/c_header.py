"""C header of the registers, made by PeakRDL."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hdl.bus.register_map import elaborated, registers

NAME = "litelstm_registers.h"
"""Name of the header's file; the header is the same for every core."""


_PACKED = "struct __attribute__ ((__packed__)) {"

_CHECKS = """\
/* Every register is at its place without a packed struct, whose words GCC would access byte by byte
 * where a word must be aligned. Use it through a volatile pointer. */
#if defined(__cplusplus) && __cplusplus >= 201103L
#define LITELSTM_PLACE_(name, place) static_assert(offsetof(litelstm_t, name) == place, #name)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define LITELSTM_PLACE_(name, place) _Static_assert(offsetof(litelstm_t, name) == place, #name)
#else
#define LITELSTM_PLACE_(name, place) \\
    typedef char litelstm_place_##name[offsetof(litelstm_t, name) == place ? 1 : -1]
#endif
"""


def register_header() -> str:
    """Write C99: masks and places of fields, and a struct of the registers with checked offsets."""
    from peakrdl_cheader.c_standards import CStandard
    from peakrdl_cheader.exporter import CHeaderExporter

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        CHeaderExporter().export(elaborated(), str(path), std=CStandard.gnu99)
        text = path.read_text(encoding="utf-8")
    if text.count(_PACKED) != 1:
        raise RuntimeError(f"the exporter writes {text.count(_PACKED)} packed structs, expected 1")
    declared, _, rest = text.replace(_PACKED, "struct {").partition("} litelstm_t;\n")
    places = [f"LITELSTM_PLACE_({one.name}, {one.address:#04x});" for one in registers()]
    declared = declared.replace("#include <stdint.h>", "#include <stddef.h>\n#include <stdint.h>")
    return "\n".join([declared + "} litelstm_t;\n", _CHECKS + "\n".join(places), rest.lstrip("\n")])
