"""C++ between `compiled_bench.cpp` and the ports of a core, generated from their widths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hdl.export.plain_ports import FAULT, plain_ports
from hdl.verilog import Generated
from sim.streams import PORTS, SIDES, STREAMS, Stream


@dataclass(frozen=True, kw_only=True)
class Design:
    """A core for the compiled bench.

    Attributes:
        top: name of its top module.
        verilog: its text.
        ports: width of each port in bits, by name; `sim.streams.STREAMS` names the streams.

    Raises:
        ValueError: a stream's words are not 2 to 32 bits wide.
    """

    top: str
    verilog: str
    ports: Mapping[str, int]

    def __post_init__(self) -> None:
        for stream in self.streams:
            width = self.ports[port := f"{stream.name}_data"]
            if not 2 <= width <= 32:
                raise ValueError(f"{port} must be 2 to 32 bits, not {width!r}")

    @classmethod
    def of(cls, core: Generated) -> Design:
        """Make the design of a generated core."""
        ports = {port.name: port.width for port in plain_ports(core.plan)}
        return cls(top=core.description["name"], verilog=core.verilog, ports=ports)

    @property
    def streams(self) -> list[Stream]:
        """List the streams that the core has."""
        return [stream for stream in STREAMS.values() if f"{stream.name}_data" in self.ports]

    @property
    def class_name(self) -> str:
        """Name of the Verilated model's class."""
        return f"V{self.top}"


def adapters(designs: Iterable[Design]) -> str:
    """Generate the header ``ports.h``, see `compiled_bench.cpp`."""
    return "\n".join(
        [
            "namespace litelstm {",
            f"constexpr unsigned STREAMS = {len(STREAMS)};",
            *(_adapter(design) for design in designs),
            "}  // namespace litelstm",
            "",
        ]
    )


def _adapter(design: Design) -> str:
    model = design.class_name
    parts = [_stream(design, stream) for stream in design.streams]
    for kind, into in (("sources", True), ("sinks", False)):
        names = ", ".join(f"{model}_{s.name}" for s in design.streams if s.into is into)
        parts.append(f"using {model}_{kind} = List<{names}>;")
    fault = f"m.{FAULT}" if FAULT in design.ports else "false"
    parts.append(f"inline bool is_faulty(const {model}& m) {{ return {fault}; }}")
    return "\n".join(parts)


def _stream(design: Design, stream: Stream) -> str:
    """Generate one stream's struct: static functions on the model's ports."""
    name, model, width = stream.name, design.class_name, design.ports[f"{stream.name}_data"]
    fields = {
        f"{name}_{field}": (low, (1 << bits) - 1)
        for field, (low, _) in PORTS.items()
        if (bits := design.ports.get(f"{name}_{field}"))
    }
    if stream.into:
        # Verilator requires the bits above a port's width to be 0.
        driven = "".join(
            f" m.{port} = f >> {low} & {mask}u;" for port, (low, mask) in fields.items()
        )
        functions = [
            f"void offer({model}& m, uint32_t w, uint32_t f, bool valid) "
            f"{{ m.{name}_data = w & {(1 << width) - 1}u;{driven} m.{name}_valid = valid; }}",
            f"bool ready(const {model}& m) {{ return m.{name}_ready; }}",
        ]
    else:
        word = f"uint32_t(m.{name}_data)"
        if stream.signed:
            word = f"uint32_t(int32_t({word} << {32 - width}) >> {32 - width})"
        sampled = "".join(f" | uint32_t(m.{p}) << {low}" for p, (low, _) in fields.items())
        functions = [
            f"void accept({model}& m, bool ready) {{ m.{name}_ready = ready; }}",
            f"bool valid(const {model}& m) {{ return m.{name}_valid; }}",
            f"uint32_t word(const {model}& m) {{ return {word}; }}",
            f"uint32_t fields(const {model}& m) {{ return 0u{sampled}; }}",
        ]
    body = "".join(f"    static {function}\n" for function in functions)
    return (
        f"struct {model}_{name} {{\n    static constexpr unsigned SIDE = {SIDES[name]};\n{body}}};"
    )
