"""Simulation models of an FPGA's cells, and a mapped core as Verilog for simulators."""

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
"""Macros of Yosys' iCE40 models. Inputs get no defaults, because Icarus does not accept them."""


_CLOCK_OF_MAC16 = ("CLK ^ NEG_TRIGGER", "NEG_TRIGGER ? ~CLK : CLK")
"""Replacement of the clock's XOR gate: Icarus drops a gate if cocotb writes its input at time 0."""


def mapper(flow: Flow) -> Callable[[Generated], Generated]:
    """Make a function that replaces a core's Verilog by its netlist for the target, with models.

    The netlist is the one that :meth:`litelstm.fpga.flow.Flow.route` places, and has the core's
    ports. The function raises SynthesisError if a tool fails.

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
    """Read a family's cell models by name: Yosys' own, and ours for cells that it leaves empty.

    Raises:
        InputError: the family has no models.
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
    """Select the models that a text names, and the models that these name."""
    names: list[str] = []
    texts = [text]
    while texts:
        for name in re.findall(r"\b\w+\b", texts.pop()):
            if name in models and name not in names:
                names.append(name)
                texts.append(models[name])
    return [models[name] for name in names]


def _included(path: Path) -> str:
    """Read a file, with its included files in place."""
    return re.sub(
        r'^`include "(.+)"$',
        lambda match: _included(path.parent / match[1]),
        path.read_text(),
        flags=re.MULTILINE,
    )
