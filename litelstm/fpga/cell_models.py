"""Simulation models of an FPGA's cells, and a mapped core as Verilog that simulators take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from golden.errors import InputError
from hdl.verilog import Generated
from litelstm.fpga.families import Family
from litelstm.fpga.flow import Flow
from litelstm.fpga.targets import TARGETS

_OWN = Path(__file__).with_name("models")

_MACROS = """\
`define SB_DFF_INIT initial Q = 0;
`define ICE40_DEFAULT_ASSIGNMENT_V(value)
`define ICE40_DEFAULT_ASSIGNMENT_0
`define ICE40_DEFAULT_ASSIGNMENT_1
"""
"""What Yosys' models of the iCE40 use; inputs without defaults, which Icarus does not take."""


_CLOCK_OF_MAC16 = ("CLK ^ NEG_TRIGGER", "NEG_TRIGGER ? ~CLK : CLK")
"""The same clock without a gate: Icarus loses a gate whose input cocotb writes at time 0."""


def mapper(flow: Flow) -> Callable[[Generated], Generated]:
    """What makes of a core one whose Verilog is its netlist for the flow's target, with models.

    It is the netlist that :meth:`litelstm.fpga.flow.Flow.route` places, and has the core's ports.
    The function raises SynthesisError if a tool fails.

    Raises:
        InputError: the target's cells have no models.
    """
    models = cell_models(flow.target.family)

    def mapped(core: Generated) -> Generated:
        netlist = flow.verilog(flow.synthesize(core.verilog, top=core.description["name"]))
        text = "\n".join([netlist, _MACROS, *_used(models, netlist), ""])
        return replace(core, verilog=text)

    return mapped


def cell_models(family: Family) -> dict[str, str]:
    """Verilog of a family's cells by name: Yosys' own, and ours for those that it leaves empty.

    Raises:
        InputError: there are none.
    """
    if not family.models:
        names = ", ".join(target.name for target in TARGETS.values() if target.family.models)
        raise InputError(f"no simulation models of {family.name} cells; there are some of {names}")
    spec = find_spec("pyosys")
    assert spec is not None
    assert spec.origin
    library = Path(spec.origin).parent / "share" / family.models
    models: dict[str, str] = {}
    for path in (library, *(_OWN / name for name in family.own_models)):
        for module in _MODULE.finditer(_included(path)):
            models[module[1]] = module[0].replace(*_CLOCK_OF_MAC16)
    return models


_MODULE = re.compile(r"^module (\w+).*?\bendmodule\b", re.MULTILINE | re.DOTALL)


def _used(models: dict[str, str], text: str) -> list[str]:
    """Those of the models that a text names, and those that they name themselves."""
    names: list[str] = []
    texts = [text]
    while texts:
        for name in re.findall(r"\b\w+\b", texts.pop()):
            if name in models and name not in names:
                names.append(name)
                texts.append(models[name])
    return [models[name] for name in names]


def _included(path: Path) -> str:
    """A file with the files that it includes."""
    return re.sub(
        r'^`include "(.+)"$',
        lambda match: _included(path.parent / match[1]),
        path.read_text(),
        flags=re.MULTILINE,
    )
