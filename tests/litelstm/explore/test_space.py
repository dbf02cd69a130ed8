"""Points that a search may choose, and the networks and cores that they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from golden.errors import InputError
from golden.thresholds import Thresholds
from hdl.spec.options import CoreOptions
from litelstm.architectures import Architecture
from litelstm.explore.space import Choice, Space
from litelstm.fpga.targets import TARGETS


class Script:
    """Choices by name; of what is not named, the last one. Keeps what was asked for."""

    def __init__(self, **chosen: Any) -> None:
        self.chosen, self.asked = chosen, dict[str, tuple[Any, ...]]()

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        self.asked[name] = (low, high)
        return self.chosen.get(name, high)

    def suggest_categorical(self, name: str, choices: tuple[Any, ...]) -> Any:
        self.asked[name] = choices
        return self.chosen.get(name, choices[-1])


def space(target: str = "ecp5-25f", **how: Any) -> Space:
    return Space(target=TARGETS[target], **{"shaped": False, **how})


def test_weights_are_loaded_only_where_that_may_pay() -> None:
    script = Script()
    assert space().draw(script).weights == "rom"
    assert script.asked["weights"] == ("rom",)
    found = space("ice40-up5k").draw(script)
    assert script.asked["weights"] == ("rom", "ram")
    assert (found.weights, found.delta) == ("ram", False)  # delta needs weights in the Verilog
    assert space(storage="double").draw(script).weights == "double"
    assert space(storage="double").usual(None).weights == "double"


def test_a_cell_without_gates_has_no_activation_of_gates() -> None:
    found = space(shaped=True).draw(Script(cell="lstm"))
    assert found.shape == ("lstm", 64, 2, "logistic")
    plain = space(shaped=True).draw(Script(cell="rnn"))
    assert plain.sigmoid is None
    assert plain.shape == ("rnn", 64, 2, "hard")
    assert space().draw(Script()).shape is None


def test_a_choice_of_delta_makes_a_delta_core() -> None:
    network = Architecture(cell="gru-after", inputs=3, units=4, head=2).quantized()
    found = space().draw(Script(delta_x=1, delta_h=2, rows=2, tail_multipliers=1, pack="auto"))
    assert Choice.of(found.parameters) == found
    sent = found.with_thresholds(network)
    assert sent.thresholds == Thresholds.of(network, x=1, h=2)
    plan = found.plan(sent, TARGETS["ecp5-25f"])
    assert plan.options.delta
    assert plan.options.lanes == 2

    dense = space().draw(Script(delta=False))
    assert dense.with_thresholds(network) is network
    assert not dense.plan(network, TARGETS["ecp5-25f"]).options.delta
    assert "delta_x" not in dense.parameters


def test_a_threshold_that_no_word_reaches_is_refused() -> None:
    network = Architecture(cell="litelstm", inputs=3, units=4, head=2).quantized()
    with pytest.raises(InputError, match="threshold of layer0 h is 999, expected"):
        space().draw(Script(delta_h=999)).with_thresholds(network)


def test_the_usual_core_is_the_quantizers() -> None:
    network = Architecture(cell="litelstm", inputs=3, units=16, head=2).quantized()
    plan = space().usual(None).plan(network, TARGETS["ecp5-25f"])
    assert plan.options.lanes == 4
    assert plan.options.storage == CoreOptions(lanes=4).storage
