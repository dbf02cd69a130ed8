"""Imports of a simulator's process, which starts some hundred times in the tests."""

from __future__ import annotations

import subprocess
import sys

from sim.tools.simulators import cocotb_environment


def test_the_tests_of_a_core_need_no_amaranth() -> None:
    code = (
        "import sys, sim.cocotb_bench.core_tests\n"
        "print(sorted({'amaranth', 'xdist'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_pytest_loads_no_plugins_there() -> None:
    environment = cocotb_environment(
        "icarus", top="core", test_module="sim.cocotb_bench.core_tests"
    )
    assert environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] == "1"
