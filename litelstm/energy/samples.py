"""Energy of an inference, from a core's activity on samples."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from golden.changes import changes
from hdl import verilog
from hdl.plan import Plan
from litelstm import samples
from litelstm.energy.model import Energy


def of_samples(plan: Plan, x: NDArray[Any]) -> Energy:
    """Run samples (samples, steps, inputs) through the RTL, and count.

    Raises:
        SimulationError: the model cannot be built, or gives other words than the golden model.
    """
    from sim.compiled.activity import measure

    words = plan.network.quantize_input(x)
    activity = measure(verilog.generated(plan), list(words), samples.expected(plan, words))
    sent = changes(plan.network, words) if plan.options.delta else None
    return Energy.of(activity, plan, per=activity.sequences, changes=sent)
