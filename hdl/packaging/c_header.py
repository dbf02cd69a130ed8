"""The registers as a C header, made by PeakRDL."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hdl.bus.register_map import elaborated

NAME = "litelstm_registers.h"
"""The header's file; the same for every core."""


def register_header() -> str:
    """C99 with the common ``__attribute__``: masks and places of fields, a struct of registers."""
    from peakrdl_cheader.c_standards import CStandard
    from peakrdl_cheader.exporter import CHeaderExporter

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / NAME
        CHeaderExporter().export(elaborated(), str(path), std=CStandard.gnu99)
        return path.read_text(encoding="utf-8")
