"""How soon the array comes back to a sum, which decides whether sums must be forwarded to it."""

from __future__ import annotations

from itertools import product

from hdl.spec.passes import Work


def revisit(work: Work, *, delta: bool = False) -> int:
    """Least number of cycles from an operation to a later one that adds to the same sum.

    Waiting only makes it more. It is that of a column with few sums, or of two passes, one after
    the other, over different gates of a layer. With ``delta`` sums of recurrent layers live on into
    the next step, and such a pass may have one column.
    """
    least = max(work.macs(single) for single in work.passes)
    visited: dict[tuple[int, int, int], int] = {}
    now = 0
    for single in (*work.step_passes, *work.passes) if delta else work.passes:
        length = work.rows_of(single) * len(single.gates)
        lives = delta and bool(work.network.layers[single.layer].cell.state)
        if single.columns > 1:
            least = min(least, length)
        columns = 1 if lives else single.columns
        for index, (row, gate) in enumerate(product(range(work.rows_of(single)), single.gates)):
            place = single.layer, row, gate
            if gate not in single.first or (lives and place in visited):
                least = min(least, now + index - visited[place])
            visited[place] = now + (columns - 1) * length + index
        now += columns * length
    return least
