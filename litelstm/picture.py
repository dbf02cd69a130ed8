"""Pictures of results: PNG files, and the hidden state of one sequence."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from golden.packages import load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BELOW = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.16), "ncols": 2, "frameon": False}
"""Position of a legend under the axis' label, where it covers no curve."""


def pyplot() -> Any:
    """Return matplotlib's pyplot, set up to draw without a screen.

    Raises:
        MissingToolError: matplotlib is not installed.
    """
    load("matplotlib", extra="demo").use("Agg")
    return load("matplotlib.pyplot", extra="demo")


def png(figure: Figure, *, dpi: int) -> bytes:
    """Convert a figure to a PNG without the name of matplotlib's version, and close it."""
    image = BytesIO()
    figure.savefig(image, format="png", dpi=dpi, metadata={"Software": None})
    pyplot().close(figure)
    return image.getvalue()


def hidden_state(
    sample: NDArray[np.float64],
    reference: NDArray[np.float64],
    fixed: NDArray[np.float64],
    *,
    title: str,
    lsb: float,
) -> Figure:
    """Draw the hidden state of one sequence in floats, in fixed point, and the difference.

    Args:
        sample: (steps, inputs), drawn as an image with one row per step.
        reference: h of the float network, (steps, units).
        fixed: h of the golden model, (steps, units), real values.
        title: title of the picture.
        lsb: weight of the last bit of ``fixed``.

    Raises:
        MissingToolError: matplotlib is not installed.
    """
    error = fixed - reference
    sizes = {"figsize": (13, 7), "width_ratios": (0.8, 1, 1)}
    whole, axes = pyplot().subplots(2, 3, layout="constrained", **sizes)
    whole.suptitle(title)
    image, floats, integers, lines, errors, largest = axes.flat

    image.imshow(sample, cmap="gray_r", aspect="equal")
    image.set(title="input", xlabel="element of x", ylabel="step")
    for axis, values, name in ((floats, reference, "float"), (integers, fixed, "fixed point")):
        shown = axis.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        axis.set(title=f"h, {name}", xlabel="unit", ylabel="step")
        whole.colorbar(shown, ax=axis)

    steps = np.arange(len(reference))
    busiest = np.argsort(-np.ptp(reference, axis=0))[:4]
    for unit in busiest:
        (line,) = lines.plot(steps, reference[:, unit], lw=1, label=f"unit {unit}")
        lines.plot(steps, fixed[:, unit], ".", color=line.get_color(), ms=5)
    lines.set(title="h of four units: line float, dots fixed", xlabel="step", ylabel="h")
    lines.legend(fontsize="small", **BELOW)

    limit = float(np.abs(error).max()) or lsb
    shown = errors.imshow(error, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
    errors.set(title="error of h (fixed - float)", xlabel="unit", ylabel="step")
    whole.colorbar(shown, ax=errors)

    largest.plot(steps, np.abs(error).max(axis=1), label="largest of all units")
    largest.plot(steps, np.sqrt((error**2).mean(axis=1)), label="root mean square")
    largest.axhline(lsb, color="gray", ls=":", label=f"last bit of h, {lsb:.2g}")
    largest.set(title="size of the error", xlabel="step", ylabel="|error|", ylim=(0, None))
    largest.legend(fontsize="small", **BELOW)
    return whole
