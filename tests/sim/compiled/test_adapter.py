"""The C++ made from a core's ports, and the evaluation of a model in any Verilator."""

from __future__ import annotations

import numpy as np
import pytest

from sim.compiled.adapter import Design, adapters
from sim.compiled.bench import CompiledBench, bench_library
from sim.compiled.job import HARNESS
from sim.compiled.library import verilator_library
from sim.patterns import Stalls
from sim.run import Run
from sim.streams import STREAMS
from tests.sim.echo import ECHO

PORTS = {"i_data": 5, "i_last": 1, "i_stream": 2, "o_data": 32, "o_last": 1, "i_weights_data": 32}


def test_every_stream_of_the_core_has_an_adapter_and_no_other() -> None:
    text = adapters([Design(top="core", verilog="", ports=PORTS)])
    assert f"STREAMS = {len(STREAMS)};" in text
    assert "using Vcore_sources = List<Vcore_i, Vcore_i_weights>;" in text
    assert "using Vcore_sinks = List<Vcore_o>;" in text
    assert "state" not in text


def test_words_and_fields_are_cut_to_their_ports() -> None:
    text = adapters([Design(top="core", verilog="", ports=PORTS)])
    assert "m.i_data = w & 31u; m.i_last = f >> 0 & 1u; m.i_stream = f >> 8 & 3u;" in text
    assert "m.i_weights_data = w & 4294967295u; m.i_weights_valid = valid;" in text
    assert "int32_t(uint32_t(m.o_data) << 0) >> 0" in text  # a sign of 32 bits stays
    assert "return 0u | uint32_t(m.o_last) << 0;" in text


@pytest.mark.simulator
def test_another_verilator_gives_the_same_record() -> None:
    design, x = ECHO.design(), ECHO.sequences(20)
    evaluate = HARNESS.with_name("evaluate.h").read_text(encoding="utf-8")
    version = "VERILATOR_VERSION_INTEGER == 5052000"
    assert version in evaluate
    plain = verilator_library(
        {design.top: design.verilog},
        harness=HARNESS,
        headers={"ports.h": adapters([design]), "evaluate.h": evaluate.replace(version, "0")},
        optimize=False,
    )
    request = Run.of_sequences(x, words=ECHO.words, stalls=Stalls.named("single", "bursts"))
    records = []
    for library in (plain, bench_library([design], optimize=False)):
        with CompiledBench(design, library) as bench:
            records.append(bench.run(request))
    one, other = records
    assert np.array_equal(one.answers(ECHO.words), ECHO.answers(x))
    for stream in ("i", "o"):
        assert np.array_equal(one[stream].words, other[stream].words)
        assert np.array_equal(one[stream].cycles, other[stream].cycles)
    assert one.cycles == other.cycles
