"""Every recurrent cell with every choice of its options, and draws of them."""

from __future__ import annotations

from itertools import product

import numpy as np

from golden.cells import CELLS, Cell, Pool, cell_options

_EVERY_CELL: tuple[Cell, ...] = tuple(
    kind(**dict(zip(kind.options, chosen, strict=True)))  # all options are fields of the kind
    for kind in CELLS.values()
    if kind.state and kind is not Pool
    for chosen in product(*kind.options.values())
)

PLAIN_CELLS = tuple(cell for cell in _EVERY_CELL if not {*cell.later} & {*cell_options(cell)})
"""Every kind of recurrent cell with every choice of its first options."""

EVERY_CELL = PLAIN_CELLS + tuple(cell for cell in _EVERY_CELL if cell not in PLAIN_CELLS)
"""Every kind of recurrent cell with every choice of its options."""

VARIED = 0.4
"""Share of drawn cells that are of any choice of the later options."""


def draw_cells(
    cells: tuple[Cell, ...], count: int, draw: np.random.Generator, change: np.random.Generator
) -> tuple[Cell, ...] | None:
    """Draw ``count`` plain cells of ``cells`` and vary them; ``None`` if there are none.

    Args:
        cells: a varied cell that is not one of these stays plain.
        count: number of cells.
        draw: decides which plain cells are drawn.
        change: decides how they are varied.
    """
    if not cells:
        return None
    plain = [cell for cell in cells if cell in PLAIN_CELLS] or list(cells)
    drawn = [plain[int(n)] for n in draw.integers(len(plain), size=count)]
    variants = ((cell, varied(cell, change)) for cell in drawn)
    return tuple(new if new in cells else cell for cell, new in variants)


def varied(cell: Cell, rng: np.random.Generator) -> Cell:
    """Draw a cell of the same kind and first options."""
    later = {name: str(rng.choice(cell.options[name])) for name in cell.later}
    return type(cell)(**{**cell_options(cell), **later}) if rng.random() < VARIED else cell
