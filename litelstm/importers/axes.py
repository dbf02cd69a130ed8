"""Names of the axes of tensors, and which of them can be merged."""

from __future__ import annotations

DIRECTIONS = 2
"""Size of the axis ``directions``."""

MERGED = {
    (): "one",
    ("batch",): "batch",
    ("directions",): "directions",
    ("features",): "features",
    ("steps",): "steps",
    ("directions", "features"): "features",
    ("steps", "batch"): "steps batch",
    ("batch", "steps"): "batch steps",
    ("steps", "features"): "steps features",
    ("features", "steps"): "features steps",
}
"""Names of merged axes, in this order; exporters sum over x for all steps as one batch."""

FLAT = ("steps features", "features steps")
"""Axes of all steps' features, side by side."""

BINS = "bins"
"""Start of the name of an axis of bins; their number follows."""

ROWS = "rows"
"""Start of the name of an axis of as many groups of steps: layers, where steps are directions."""

LAYOUTS = {
    2: (("steps", "features"),),
    3: (
        ("batch", "steps", "features"),
        ("steps", "batch", "features"),
        ("batch", "features", "steps"),
    ),
    4: (
        ("batch", "features", "steps", BINS),
        ("batch", "features", BINS, "steps"),
        ("batch", "steps", BINS, "features"),
        ("batch", BINS, "steps", "features"),
    ),
}
"""Possible meanings of an input's axes, by number of axes; with bins, of one feature."""

INDICES = {0: (), 1: (("steps",),), 2: (("batch", "steps"), ("steps", "batch"))}
"""Possible meanings of the axes of an input that is an index."""

STATE_LAYOUTS = {
    2: (("batch", "features"),),
    3: (("steps", "batch", "features"), ("batch", "steps", "features")),
    4: (("batch", "steps", "features", "directions"), ("steps", "batch", "features", "directions")),
}
"""Possible axes of a state that a file takes: ``steps`` are layers, or h and c."""


def rows_of(axis: str) -> int:
    """Return the number of groups of an axis; 1 for any other one."""
    return int(axis[len(ROWS) :]) if axis.startswith(ROWS) else 1


def bins_of(axis: str) -> int:
    """Return the number of bins of an axis; 1 for any other one."""
    return int(axis[len(BINS) :]) if axis.startswith(BINS) else 1


PARTS = {
    "steps batch": ("steps", "batch"),
    "batch steps": ("batch", "steps"),
    **{name: tuple(name.split()) for name in FLAT},
}
"""Axes that a merged one can be split into."""


def of_one(axes: tuple[str, ...]) -> tuple[str, ...]:
    """Take the bins of one feature as features, where its axis is gone."""
    if "features" in axes:
        return axes
    return tuple("features" if axis.startswith(BINS) else axis for axis in axes)
