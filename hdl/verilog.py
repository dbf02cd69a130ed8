"""Verilog of a core."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring

from golden.interface import DEFAULT, Interface
from golden.quantized import QuantizedNetwork
from hdl.export import yosys
from hdl.export.description import describe
from hdl.export.explicit_rtlil import explicit_rtlil
from hdl.export.memory_words import with_words
from hdl.export.plain_ports import plain_ports
from hdl.export.verilog_header import header, with_comments
from hdl.export.verilog_names import FAULT, check_name, inner_prefix
from hdl.parts.parity import guarded
from hdl.parts.top_ports import members, wire
from hdl.plan import Plan
from hdl.sequence.sequence_core import Cores, core_of
from hdl.spec.multipliers import ANY, Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import BUILT_IN, Storage

NAME = "litelstm_core"
"""Default name of the top module."""


class Top(wiring.Component):
    """A core with plain ports, for users of the Verilog: see :mod:`hdl.export.plain_ports`."""

    def __init__(self, core: Cores) -> None:
        self.core = core
        self._ports = plain_ports(core.plan)
        super().__init__(members(self._ports))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        parity = self.core.plan.options.parity
        fault = guarded(m, {"core": self.core}, parity=parity)
        wire(m, self, self._ports, self.core)
        if parity:
            with m.If(fault):
                m.d.sync += getattr(self, FAULT).eq(1)
        return m


@dataclass(frozen=True)
class Generated:
    """A generated core.

    Attributes:
        verilog: the text.
        description: JSON values.
        plan: what both are made from.
        memory_files: texts of the files that the Verilog reads, by name; empty by default.
    """

    verilog: str
    description: dict[str, Any]
    plan: Plan
    memory_files: Mapping[str, str]


def generate(
    network: QuantizedNetwork,
    *,
    lanes: int,
    tail_multipliers: int = 2,
    interface: Interface = DEFAULT,
    storage: Storage = BUILT_IN,
    max_steps: int = 0,
    delta: bool = False,
    multipliers: Multipliers = ANY,
    parity: bool = False,
    name: str = NAME,
    network_name: str = "",
    others: Sequence[QuantizedNetwork] = (),
    memory_files: bool = False,
) -> Generated:
    """Verilog and description of a core.

    Args:
        network: what it runs.
        lanes: products of the array per cycle.
        tail_multipliers: multipliers of the state update, see :class:`hdl.plan.Plan`.
        interface: streams, state and outputs.
        storage: memories of weights and sums.
        max_steps: steps of the longest sequence, where layers are not forward.
        delta: whether it multiplies only what changed from step to step.
        multipliers: how many products a hardware multiplier of the array computes.
        parity: whether every memory has parity bits, which are checked.
        name: the top module's name.
        network_name: the network's name, for the Verilog's header.
        others: where weights are loaded, networks that it can run as well.
        memory_files: whether the Verilog reads the contents of memories from files.

    Returns:
        The same bytes for the same arguments, on any machine.

    Raises:
        InputError: see :class:`hdl.plan.Plan`; or ``name`` is no Verilog identifier, or there are
            others, and weights are not loaded or these networks cannot share a core.
    """
    plan = Plan(
        network=network,
        options=CoreOptions(
            lanes=lanes,
            tail_multipliers=tail_multipliers,
            interface=interface,
            storage=storage,
            max_steps=max_steps,
            delta=delta,
            multipliers=multipliers,
            parity=parity,
        ),
        others=tuple(others),
    )
    return generated(plan, name=name, network_name=network_name, memory_files=memory_files)


def generated(
    plan: Plan, *, name: str = NAME, network_name: str = "", memory_files: bool = False
) -> Generated:
    """Verilog and description of a planned core; arguments as of :func:`generate`.

    Raises:
        InputError: ``name`` is no Verilog identifier, or the plan's networks cannot share a core.
    """
    check_name(name)
    description = describe(plan, name=name)
    comments = header(plan, description, host="plain streams", network_name=network_name)
    top = Top(core_of(plan))
    text, files = convert_apart(top, name=name, header=comments, memory_files=memory_files)
    description["memory_files"] = list(files)
    return Generated(text, description, plan, files)


def convert(component: wiring.Component, *, name: str, header: str = "") -> str:
    """Verilog of a component, the same for all tools.

    Args:
        component: the top.
        name: the top module's.
        header: comments that go in front.
    """
    return convert_apart(component, name=name, header=header, memory_files=False)[0]


def convert_apart(
    component: wiring.Component, *, name: str, header: str, memory_files: bool
) -> tuple[str, dict[str, str]]:
    """Verilog as of :func:`convert`, and the files that it reads, by name.

    Args:
        component, name, header: see there.
        memory_files: whether the contents of memories go into files.
    """
    rtlil = explicit_rtlil(component, name=name)
    text = _yosys_verilog(rtlil.text)
    modules = re.findall(r"^module \\?([^\s(]+)", text, re.MULTILINE)
    text = close_cases(start_processes(plain_names(text, top=name)))
    components = [rtlil.components[module] for module in modules]
    text = with_comments(text, header=header, components=components)
    return with_words(text, rtlil.memories, apart=memory_files)


def _yosys_verilog(rtlil: str) -> str:
    """Verilog of RTLIL, by Amaranth's Yosys.

    Nothing is optimized: that would make "is 0" of several bits a logical "not", and trim operands.
    """
    script = (
        f"read_rtlil <<rtlil\n{rtlil}\nrtlil",
        "proc -nomux -norom -noopt",
        "memory_collect",
        "attrmap -modattr -remove generator",
        "write_verilog -norename",
    )
    text = yosys.run("\n".join(script))
    return text.split("\n", 2)[2]  # without its own header


def plain_names(text: str, *, top: str) -> str:
    r"""Verilog without escaped names: ``\a.b$3`` becomes ``a_b_3``, ``\$3`` becomes ``n3``.

    The name of an inner module, ``\top.core``, gets the prefix of
    :func:`hdl.export.verilog_names.inner_prefix`.

    A name that was escaped only because it is a keyword gets an underscore; so does one that
    would meet another.
    """
    taken = set(re.findall(r"[A-Za-z_]\w*", text))
    plain: dict[str, str] = {}
    for name in dict.fromkeys(re.findall(r"\\(\S+) ", text)):
        stem = re.sub(r"^\$auto\$.*\$", "auto$", name)  # named after a line of Yosys' source
        stem = re.sub(rf"^{top}\.", lambda _: inner_prefix(top), stem)
        stem = re.sub(r"\W", "_", re.sub(r"^\$", "n", stem))
        while stem in taken:
            stem += "_"
        taken.add(stem)
        plain[name] = stem
    return re.sub(r"\\(\S+) ", lambda match: plain[match[1]], text)


def close_cases(text: str) -> str:
    """Give every case statement without a default an empty one, which is what having none means."""
    pieces, end, defaults = [], 0, list[bool]()
    for found in re.finditer(r"^( *)(casez \(|default:|endcase$)", text, re.MULTILINE):
        if found[2] == "casez (":
            defaults.append(False)
        elif found[2] == "default:":
            defaults[-1] = True
        elif not defaults.pop():
            pieces += [text[end : found.start()], f"{found[1]}  default: ;\n"]
            end = found.start()
    return "".join([*pieces, text[end:]])


def start_processes(text: str) -> str:
    """Make every ``always @*`` run at time 0, also by SystemVerilog's rules.

    Yosys lists a register that never changes in each process, so that its initial value starts
    the process. By SystemVerilog's rules an initial value in a declaration is no event, and a
    process whose other inputs keep their initial values stays X. A non-blocking assignment is
    one: all processes are waiting when it takes effect. Processes of one assignment, of a part of
    a signal, have no such register and get one.
    """
    text = re.sub(
        r"^  reg (auto_\d+) = 0;$", r"  reg \1;\n  initial \1 <= 0;", text, flags=re.MULTILINE
    )
    number = count()

    def started(process: re.Match[str]) -> str:
        start = f"start_{next(number)}_"
        return (
            f"  reg {start};\n  initial {start} <= 0;\n"
            f"  always @* begin\n    if ({start}) begin end\n{process[1]}\n  end"
        )

    return re.sub(r"^  always @\*\n(    \S[^;]*;)$", started, text, flags=re.MULTILINE)
