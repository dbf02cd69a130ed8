"""Every figure of README and docs with the command that makes it: see :mod:`bench.figures`.

To move a row to another page, change the page that its entry names. The pages state the spreads:
none for counts; 5 % for a clock, which varies with the netlist; 10 % for ratios of rates; 40 % for
rates, which vary that much on shared machines.
"""

from __future__ import annotations

from bench.figure_list.area import AREAS
from bench.figure_list.boards import BOARD_FIGURES, BUSES
from bench.figure_list.cycles import COUNTS
from bench.figure_list.quantization import QUANTIZED
from bench.figure_list.rates import RATES
from bench.figure_list.training import TRAINED
from bench.figure_list.verified import VERIFIED
from bench.figure_list.words import WORDS

FIGURES = (
    *COUNTS,
    *WORDS,
    *QUANTIZED,
    *RATES,
    *AREAS,
    *BUSES,
    *BOARD_FIGURES,
    *TRAINED,
    *VERIFIED,
)
"""All figures."""

QUOTED = (
    "docs/results.md: other cores' cycles; published, or measured once on their RTL",
    "docs/fpga.md, docs/results.md: area, clock and cycles of elastic-ai.creator 0.68",
    "docs/paper_tables.md: rows and columns named paper; Elsayed, ElSayed, Maida 2023",
)
"""Figures from other sources, which no command here makes."""
