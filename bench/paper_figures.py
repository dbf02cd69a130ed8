"""Figures of the LiteLSTM paper's Tables 2 to 5, as printed.

:mod:`litelstm.paper` names the paper and has its Table 1.
"""

from __future__ import annotations

from dataclasses import dataclass

CELLS = ("rnn", "gru", "lstm", "plstm", "litelstm")
"""The paper's cells, in the order of its tables."""

REFERENCE = "lstm"
"""Cell whose training time is 1 in ratios."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Figures of one cell in one table.

    Attributes:
        minutes: training time.
        accuracy, precision, recall, f1: in percent; ``None`` if the table lacks them.
        parameters: trained numbers; ``None`` if the table lacks them.
    """

    minutes: float
    accuracy: float
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    parameters: int | None = None


@dataclass(frozen=True, kw_only=True)
class PaperTable:
    """One table.

    Attributes:
        number: the table's number in the paper.
        cells: its figures by cell.
        notes: sentences on where the paper contradicts itself.
    """

    number: int
    cells: dict[str, Figures]
    notes: tuple[str, ...] = ()

    def time_ratio(self, cell: str) -> float:
        """Return a cell's training time divided by the LSTM's."""
        return self.cells[cell].minutes / self.cells[REFERENCE].minutes


def _cells(**columns: tuple[float, ...]) -> dict[str, Figures]:
    """Make figures by cell from columns in the order of ``CELLS``."""
    rows = zip(*columns.values(), strict=True)
    figures = [Figures(**dict(zip(columns, row, strict=True))) for row in rows]
    return dict(zip(CELLS, figures, strict=True))


TABLES = {
    "mnist": PaperTable(
        number=2,
        cells=_cells(
            minutes=(11.24, 43.01, 60.36, 75.45, 42.94),
            parameters=(792_210, 812_610, 822_810, 833_010, 812_610),
            accuracy=(67.64, 94.09, 95.70, 95.99, 96.07),
        ),
        notes=(
            'The text says "64-two layered". The parameters are 782,010 + n x 10,200 with n = 1, '
            "3, 4, 5, 3, which fits one layer of 100 units on single pixels and a softmax over "
            "782 steps.",
            "By these counts LiteLSTM has as many parameters as the GRU and saves 1.2 % of the "
            "LSTM's, while the paper claims a third; the pLSTM's peephole is a full matrix.",
        ),
    ),
    "iot": PaperTable(
        number=3,
        cells=_cells(
            minutes=(20.26, 43.27, 41.51, 51.21, 28.44),
            precision=(81.44, 93.28, 94.22, 96.53, 93.82),
            recall=(97.63, 97.57, 94.84, 95.45, 98.34),
            f1=(88.80, 91.34, 95.97, 95.99, 96.03),
            accuracy=(98.7, 99.51, 99.50, 99.56, 99.60),
        ),
        notes=(
            "Precision and recall of the GRU give an F1 of 95.4 %, those of the LSTM 94.5 %; the "
            "paper prints 91.34 and 95.97.",
        ),
    ),
    "intrusion": PaperTable(
        number=4,
        cells=_cells(
            minutes=(19.98, 42.79, 50.41, 59.96, 29.31),
            precision=(88.75, 89.91, 94.61, 92.49, 89.99),
            recall=(84.18, 83.00, 78.98, 80.86, 83.18),
            f1=(86.40, 86.32, 86.09, 86.28, 86.45),
            accuracy=(83.35, 86.70, 86.90, 87.03, 87.10),
        ),
    ),
    "emotion": PaperTable(
        number=5,
        cells=_cells(
            minutes=(79.56, 171.16, 201.64, 239.84, 117.24),
            precision=(93.12, 94.28, 96.86, 98.98, 97.99),
            recall=(95.46, 94.29, 90.26, 92.14, 94.46),
            f1=(94.27, 94.28, 93.44, 95.43, 96.19),
            accuracy=(92.163, 94.285, 95.147, 95.534, 95.989),
        ),
        notes=("All times but the RNN's are exactly four times those of Table 4.",),
    ),
}
"""The paper's tables by task, a key of ``litelstm.tasks.TASKS``."""
