"""Test bench of a generated core in plain Verilog, for users without Python and cocotb."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from amaranth.hdl import Shape
from amaranth.lib.data import StructLayout
from numpy.typing import NDArray

from hdl import cycles
from hdl.export.plain_ports import plain_ports
from hdl.export.verilog_names import FAULT, inner_prefix
from hdl.layout.ports import input_layout, output_layout, state_shape
from hdl.layout.weight_image import WIDTH, image, load_cycles
from hdl.plan import Plan
from sim.draw.steps import Work, random_work
from sim.streams import of_steps, port_value

MOST_STEPS, MOST_CYCLES = 24, 50_000
"""Limits of a run in steps and cycles; Icarus simulates about 15,000 cycles per second."""

FEWEST_STEPS = 3


@dataclass(frozen=True, kw_only=True)
class _Stream:
    """Stream of the core, with all its beats.

    Attributes:
        name: ``i``, ``o``, ...
        fields: name and width of each of its ports, without valid and ready.
        beats: all fields of each beat as one number, the first field in the lowest bits.
        pause: index of the bit of ``noise`` that pauses the stream.
    """

    name: str
    fields: Sequence[tuple[str, int]]
    beats: Sequence[int]
    pause: int

    @property
    def into(self) -> bool:
        """Whether its beats go into the core."""
        return self.name.startswith("i")

    @property
    def width(self) -> int:
        """Bits of a beat."""
        return sum(width for _, width in self.fields)

    @property
    def index_bits(self) -> int:
        """Bits of an index from 0 to the number of beats."""
        return len(self.beats).bit_length()

    def declarations(self) -> str:
        """Generate the declarations of the beats, and of the nets of their source or sink."""
        beat = "beat" if self.into else "word"
        return (
            f"  reg [{self.width - 1}:0] {self.name}_beats [0:{len(self.beats)}];\n"
            f"  wire [{self.width - 1}:0] {self.name}_{beat};\n"
            f"  wire [31:0] {self.name}_index;\n"
            f"  wire {self.name}_valid, {self.name}_ready, {self.name}_done;\n"
            + ("" if self.into else f"  wire [31:0] {self.name}_errors;\n")
        )

    def connections(self) -> Iterator[tuple[str, str]]:
        """Yield each port and its net."""
        low, beat = 0, f"{self.name}_{'beat' if self.into else 'word'}"
        for name, width in self.fields:
            yield f"{self.name}_{name}", f"{beat}[{low + width - 1}:{low}]"
            low += width
        for name in ("valid", "ready"):
            yield f"{self.name}_{name}", f"{self.name}_{name}"

    def instance(self, bench: str, *, go: str) -> str:
        """Generate the source or sink in module ``bench``; a source waits for ``go``."""
        now = f"{self.name}_beats[{self.name}_index[{self.index_bits - 1}:0]]"
        count, pause = f".COUNT(32'd{len(self.beats)})", f"pauses && noise[{self.pause}]"
        ends = ", ".join(
            f".{port}({self.name}_{port})"
            for port in ("valid", "ready", "index", "done", *(() if self.into else ("errors",)))
        )
        common = f".clk(clk), .rst(rst), .pause({pause})"
        if self.into:
            return (
                f"\n  assign {self.name}_beat = {now};\n"
                f"  {bench}_source #({count}) {self.name} (\n"
                f"    {common}, .go({go}),\n    {ends}\n  );\n"
            )
        return (
            f"\n  {bench}_sink #({count}, .WIDTH({self.width})) {self.name} (\n"
            f"    {common},\n    .word({self.name}_word), .expected({now}),\n    {ends}\n  );\n"
        )

    def vectors(self) -> str:
        """Generate the statements that write the beats."""
        digits = -(-self.width // 4)
        values = [
            f"{self.name}_beats[{at}] = {self.width}'h{value:0{digits}x};"
            for at, value in enumerate([*self.beats, 0])
        ]
        return textwrap.fill(" ".join(values), width=100, **dict.fromkeys(_INDENTS, "    "))


_INDENTS = ("initial_indent", "subsequent_indent")


def bench_file(name: str) -> str:
    """Return the path of a core's bench, relative to the core's Verilog."""
    return f"{name}/tb.v"


def bench_module(name: str) -> str:
    """Return the name of a bench's module, unique among all cores."""
    return f"{inner_prefix(name)}tb"


def verilog_bench(plan: Plan, *, name: str) -> str:
    """Generate a test bench for the core ``name`` with plain streams, in Verilog.

    Args:
        plan: the core's plan, with any interface and storage.
        name: name of the core's module.

    Raises:
        InputError: the golden model cannot serve the network's steps.
    """
    options = plan.options
    work = random_work(
        plan.network,
        options.interface,
        steps=_steps(plan),
        seed=(0,),
        max_steps=options.max_steps,
    )
    streams = _streams(plan, work)
    timing = cycles.count_inputs(plan, work.x, work.controls)
    sinks = [stream for stream in streams if not stream.into]
    loads, bench = plan.options.storage.loadable, bench_module(name)
    go = {"i": "loaded", "i_state": "loaded"} if loads else {}
    connections = [("clk", "clk"), ("rst", "rst")]
    connections += [pair for stream in streams for pair in stream.connections()]
    if loads:
        connections += [("restart", "1'b0"), ("load_done", "load_done")]
        connections += [("load_failed", "load_failed")]
    if plan.options.parity:
        connections.append((FAULT, FAULT))
    connected = {port for port, _ in connections}
    connections += [(port.name, "") for port in plain_ports(plan) if port.name not in connected]
    words = sum(len(stream.beats) for stream in sinks)
    parts = {
        "NAME": name,
        "BENCH": bench,
        "FILE": bench_file(name),
        "STEPS": str(len(work.controls)),
        "LIMIT": str(4 * int(timing.outputs[-1]) + 4 * load_cycles(plan) + 1000),
        "CYCLES": str(int(timing.outputs[-1]) - int(timing.inputs[0])),
        "DECLARATIONS": "".join(stream.declarations() for stream in streams)
        + ("  wire load_done, load_failed;\n" if loads else "")
        + (f"  wire {FAULT};\n" if plan.options.parity else ""),
        "CONNECTIONS": ",\n".join(f"    .{port}({net})" for port, net in connections),
        "STREAMS": "".join(
            stream.instance(bench_module(name), go=go.get(stream.name, "1'b1"))
            for stream in streams
        ),
        "MOVES": " || ".join(f"{s.name}_valid && {s.name}_ready" for s in streams),
        "LOADING": _LOADING if loads else "    loaded <= 1'b1;",
        "DONE": " && ".join(f"{stream.name}_done" for stream in streams),
        "ERRORS": ", ".join([*(f"{s.name}_errors" for s in sinks), *[FAULT] * plan.options.parity]),
        "SUMMARY": f"{len(work.controls)} steps, {words} words, without and with pauses",
        "VECTORS": "\n".join(stream.vectors() for stream in streams),
    }
    text = (files("sim.testbench") / "testbench.v").read_text(encoding="utf-8")
    for part, value in parts.items():
        text = text.replace(f"@{part}@", value.rstrip("\n"))
    return text


_LOADING = """\
    if (rst) loaded <= 1'b0;
    else if (load_done) loaded <= 1'b1;
    if (!rst && load_failed) begin
      $display("the image of weights was refused");
      failed = 1'b1;
    end"""


def _steps(plan: Plan) -> int:
    """Return the number of steps that Icarus simulates in a few seconds."""
    fit = MOST_CYCLES // cycles.steady_state(plan).cycles_per_step
    return max(FEWEST_STEPS, min(MOST_STEPS, fit))


def _streams(plan: Plan, work: Work) -> list[_Stream]:
    """Make the core's streams with the beats of some work."""
    service = work.service
    numbers = of_steps(work.controls, plan.network.inputs)
    places = np.repeat(np.arange(len(service.words)), service.words.shape[1])
    ends = np.zeros(service.words.shape, dtype=np.int64)
    ends[:, -1] = service.last
    told = {
        "i": {
            "data": work.x.reshape(-1),
            **{
                name: np.array([port_value(int(number), name) for number in numbers])
                for name in ("last", "keep", "load", "save", "stream")
            },
        },
        "o": {
            "data": service.words.reshape(-1),
            "last": ends.reshape(-1),
            "stream": service.streams[places],
        },
    }
    layouts: dict[str, Any] = {"i": input_layout(plan), "o": output_layout(plan)}
    if plan.options.interface.state == "load":
        layouts |= dict.fromkeys(("i_state", "o_state"), StructLayout({"data": state_shape(plan)}))
        told["i_state"] = {"data": work.loads.reshape(-1)}
        told["o_state"] = {"data": service.saved.reshape(-1)}
    if plan.options.storage.loadable:
        layouts["i_weights"] = StructLayout({"data": WIDTH, "last": 1})
        words = image(plan).astype(np.int64)
        told["i_weights"] = {"data": words, "last": np.arange(words.size) == words.size - 1}
    return [
        _stream(name, layout, told[name], pause=5 * number + 3)
        for number, (name, layout) in enumerate(layouts.items())
    ]


def _stream(
    name: str, layout: StructLayout, told: dict[str, NDArray[Any]], *, pause: int
) -> _Stream:
    fields = [(field, Shape.cast(shape.shape).width) for field, shape in layout]
    beats = [0] * len(told["data"])
    low = 0
    for field, width in fields:
        for at, value in enumerate(told[field]):
            beats[at] |= (int(value) & (1 << width) - 1) << low
        low += width
    return _Stream(name=name, fields=fields, beats=beats, pause=pause)
