"""Copies of registers that drive many inputs of an ECP5."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from typing import Any

import pytest

from litelstm.fpga.netlist_cells import uses_of
from litelstm.fpga.register_copies import EACH, MOST, copy
from tests.litelstm.fpga.test_registers import HELD, lut, register

pytestmark = [pytest.mark.fpga, pytest.mark.quick]


def module(inputs: int) -> dict[str, Any]:
    """A register that is an output, and drives LUTs, two inputs of each."""
    luts = {f"lut{n:03}": lut("1" * 16, 100 + n, HELD, HELD) for n in range(inputs // 2)}
    cells = {"flag": register(5, HELD, enable=9), "other": register(6, HELD + 1), **luts}
    return {"cells": cells, "ports": {"o": {"bits": [HELD, HELD + 1]}}}


def test_inputs_are_shared_out_in_the_order_of_their_names() -> None:
    design = module(3 * EACH)
    assert copy(design) == 2
    made = [cell for name, cell in design["cells"].items() if name.startswith("flag")]
    outputs = [cell["connections"]["Q"][0] for cell in made]
    assert [cell["connections"]["DI"] for cell in made] == [[5]] * 3
    assert [cell["connections"]["CE"] for cell in made] == [[9]] * 3
    assert outputs[0] == HELD
    assert [uses_of(design)[net] for net in outputs] == [EACH + 1, EACH, EACH]
    drives = [design["cells"][f"lut{n:03}"]["connections"]["A"][0] for n in range(3 * EACH // 2)]
    assert Counter(drives) == dict.fromkeys(outputs, EACH // 2)
    assert [net for n, net in enumerate(drives) if n == 0 or net != drives[n - 1]] == outputs


def test_few_inputs_need_no_copy() -> None:
    design = module(MOST)
    before = deepcopy(design)
    assert copy(design) == 0
    assert design == before
