"""litelstm.picture: legends cover no curve."""

from __future__ import annotations

import numpy as np
import pytest

from litelstm import picture

pytestmark = pytest.mark.slow


def test_legends_stand_outside_the_axes() -> None:
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    sample, reference = rng.random((28, 28)), rng.uniform(-1, 1, (28, 64))
    fixed = np.round(reference * 128) / 128
    figure = picture.hidden_state(sample, reference, fixed, title="h", lsb=1 / 128)
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
    assert picture.png(figure, dpi=50).startswith(b"\x89PNG")
