"""Switching activity: counts that can be computed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from golden.model import IntegerModel
from hdl import verilog
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.architectures import Architecture
from sim.compiled.activity import measure
from sim.tools.errors import SimulationError

pytestmark = pytest.mark.simulator

NETWORK = Architecture(cell="rnn", inputs=2, units=2).quantized()
CORE = verilog.generated(Plan(network=NETWORK, options=CoreOptions(lanes=1)))
X = np.random.default_rng(1).integers(-100, 100, size=(2, 6, 2))


def test_counts_of_a_run() -> None:
    found = measure(CORE, list(X), IntegerModel(NETWORK).forward(X))
    assert (found.steps, found.sequences) == (12, 2)
    assert found.reads["core.weights"] == 8 * found.cycles  # a weight of 8 bits per cycle
    assert found.toggles["core.update.entry.enters"] == 2 * 12 * 2  # up and down for each unit
    assert found.toggles["core.update.buffer.waits"] == 2 * 2 * 2  # for each word of a result
    assert found.toggles["core.weights"] > 0


def test_wrong_words_are_no_activity() -> None:
    with pytest.raises(SimulationError, match="the core differs from the golden model"):
        measure(CORE, list(X), IntegerModel(NETWORK).forward(X) + 1)
