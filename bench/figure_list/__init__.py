"""Every figure of README and docs with the command that makes it: see :mod:`bench.figures`.

To move a row to another page, change the page that its entry names. Spreads are those that are
stated on the pages: none for what is counted; 5 % for a clock, which moves with the netlist; 10 %
for ratios of rates, 40 % for rates, which drift as much on shared machines.
"""

from __future__ import annotations

from bench.figure_list.area import AREAS
from bench.figure_list.boards import BOARD_FIGURES, BUSES
from bench.figure_list.cycles import COUNTS
from bench.figure_list.rates import RATES
from bench.figure_list.training import TRAINED
from bench.figure_list.verified import VERIFIED
from bench.figure_list.words import WORDS

FIGURES = (
    *COUNTS,
    *WORDS,
    *RATES,
    *AREAS,
    *BUSES,
    *BOARD_FIGURES,
    *TRAINED,
    *VERIFIED,
)
"""All of them."""

WITHOUT_COMMAND = (
    "docs/quantization.md: the tables of SQNR at few bits, of tanh tables and of the search",
    "docs/fpga.md, README.md: elastic-ai.creator's area and clock",
    "docs/conformance.md: errors; the tests in tests/conformance bound them",
    "docs/paper_tables.md: the rows other than LiteLSTM's accuracy",
)
"""Figures that no command of this list makes."""
