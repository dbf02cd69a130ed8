"""litelstm.picture: legends cover no curve."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.slow


def test_legends_stand_outside_the_axes() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    from matplotlib import pyplot as plt

    from litelstm import picture

    rng = np.random.default_rng(0)
    sample, reference = rng.random((28, 28)), rng.uniform(-1, 1, (28, 64))
    fixed = np.round(reference * 128) / 128
    figure = picture.figure(sample, reference, fixed, title="h", lsb=1 / 128)
    figure.canvas.draw()
    legends = [legend for axes in figure.axes if (legend := axes.get_legend())]
    assert len(legends) == 2
    whole = figure.bbox
    for legend in legends:
        box = legend.get_window_extent()
        assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)
        assert whole.x0 <= box.x0
        assert whole.y0 <= box.y0
        assert box.x1 <= whole.x1
    plt.close(figure)
