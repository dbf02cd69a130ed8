"""Cycles of an inference: the count's, and of a delta core those of samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from golden.thresholds import Thresholds
from hdl import cycles
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.architectures import Architecture
from litelstm.explore.evaluate import cycles_of


def test_cycles_of_a_delta_core_are_those_of_samples() -> None:
    network = Architecture(cell="litelstm", inputs=6, units=8, head=2).quantized()
    x = np.random.default_rng(1).uniform(-1, 1, size=(5, 4, 6))

    def plan(**thresholds: int) -> Plan:
        sent = replace(network, thresholds=Thresholds.of(network, **thresholds))
        return Plan(network=sent, options=CoreOptions(lanes=4, delta=True))

    dense = Plan(network=network, options=CoreOptions(lanes=4))
    assert cycles_of(dense, x) == cycles.cycles_per_sequence(dense, 4)
    words = network.quantize_input(x)
    ends = cycles.count_inputs(
        plan(), words.reshape(-1, 6), cycles.controls_of([4] * 5)
    ).last_output
    first = cycles.count_inputs(plan(), words[0], cycles.controls_of([4])).last_output
    assert cycles_of(plan(), x) == round((ends - first) / 4)
    assert cycles_of(plan(x=60, h=60), x) < cycles_of(plan(), x) <= cycles_of(plan(), x[:1])
