"""Source of fused loops: a cell's integer equations as one loop over all units and sequences.

:func:`trace` calls :meth:`golden.cells.Cell.step_raw` with numbers that record what is done to
them, so every cell has its loop and none is written twice. Constants (scales, ends of formats) and
tables are arguments, so layers that differ only in formats share a loop and its compilation.
:mod:`golden.fused` compiles and runs it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Any, Tuple

from golden.cells import Gate
from golden.dataclass import dataclass
from golden.formats import Format
from golden.layer_arithmetic import LayerArithmetic

STRIP = 512
"""Numbers that go through a loop's phases together; their intermediate values fit in the cache."""

_Point = Tuple[int, int]  # stage and phase


@dataclasses.dataclass
class _Number:
    """A number of the loop.

    Attributes:
        name: its variable.
        point: stage and phase from which it is known.
        array: the argument that it is loaded from, if any.
    """

    tracer: _Tracer
    name: str
    point: _Point
    array: str = ""

    def __add__(self, other: Any) -> _Number:
        return self.tracer.make("{} + {}", self, other)

    def __sub__(self, other: Any) -> _Number:
        return self.tracer.make("{} - {}", self, other)

    def __rsub__(self, other: Any) -> _Number:
        return self.tracer.make("{1} - {0}", self, other)

    def __mul__(self, other: Any) -> _Number:
        return self.tracer.make("{} * {}", self, other)

    def __neg__(self) -> _Number:
        return self.tracer.make("-{}", self)

    __radd__, __rmul__ = __add__, __mul__


@dataclasses.dataclass
class Loops:
    """Loops of one layer, and what they are called with.

    The source has a function ``stage0`` and, for each matrix that multiplies what the step itself
    makes, one more. Their arguments are ``n``, the number of units times sequences, ``c``, the
    constants, ``strips`` and ``places``, room for intermediate values and indices, and all
    ``arrays``: flat ones with a number for each unit and sequence, and tables.

    Attributes:
        source: Python source of the functions.
        arrays: names of the array arguments: ``sum_f``, ``late_n``, ``state_h``, ``weight_f`` of a
            diagonal, ``made_rh``, ``kept_y5``, ``table0``, ``next_h``.
        constants: values of ``c``.
        tables: function and source format of each table.
        late: gates with a product that comes late, and the stage after which it can be computed.
        stages: number of functions.
        strips, places: rows of ``STRIP`` numbers that the arguments of these names need.
    """

    source: str = ""
    arrays: list[str] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    tables: list[tuple[str, Format]] = field(default_factory=list)
    late: dict[str, int] = field(default_factory=dict)
    stages: int = 1
    strips: int = 0
    places: int = 0


@dataclasses.dataclass
class _Phase:
    """A loop over a strip without look-ups, and the look-ups after it."""

    lines: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    looked_up: list[str] = field(default_factory=list)


class _Tracer:
    """Makes loops of operations on numbers.

    A look-up ends a phase, because loops without look-ups use a CPU's vector instructions.
    """

    def __init__(self, loops: Loops) -> None:
        self._loops = loops
        self._phases: dict[_Point, _Phase] = {}
        self._strips: dict[int, list[str]] = {}  # by stage: buffers of a strip
        self._count = 0

    def load(self, array: str, stage: int = 0) -> _Number:
        """Make the number that an array has for the loop's unit and sequence."""
        return _Number(self, f"x_{array}", (stage, 0), self._argument(array))

    def make(self, text: str, *parts: Any) -> _Number:
        """Make a number of others; ``text`` has a place for each."""
        point = max(part.point for part in parts if isinstance(part, _Number))
        names = [
            self._use(part, point) if isinstance(part, _Number) else self._constant(float(part))
            for part in parts
        ]
        made = self._named(point)
        self._put(made, text.format(*names))
        return made

    def store(self, array: str, number: _Number, point: _Point) -> None:
        """Write a number to an array."""
        name = self._use(number, point)
        self._phase(point).lines.append(f"{self._argument(array)}[start + j] = {name}")

    def narrowed(self, raw: _Number, scale: float, low: float, high: float) -> _Number:
        """Scale, round and saturate."""
        rounded = self.make("floor({} * {} + HALF)", raw, scale)
        over = self.make("{0} if {0} > {1} else {1}", rounded, low)
        return self.make("{0} if {0} < {1} else {1}", over, high)

    def look_up(self, function: str, source: Format, raw: _Number) -> _Number:
        """Read a table of a function, and end the phase."""
        key, (stage, phase) = (function, source), raw.point
        if key not in self._loops.tables:
            self._loops.tables.append(key)
        table = self._argument(f"table{self._loops.tables.index(key)}")
        made = self._named((stage, phase + 1))
        index, kept = self._strip(stage, f"i_{made.name}"), self._strip(stage, f"b_{made.name}")
        lowest, name = self._constant(source.min), self._use(raw, raw.point)
        before = self._phase(raw.point)
        before.lines.append(f"{index}[j] = int32({name} - {lowest})")
        before.looked_up.append(f"{kept}[j] = {table}[uint32({index}[j])]")
        return made

    def text(self) -> str:
        """Return the source of all stages."""
        names = ", ".join(["n", "c", "strips", "places", *self._loops.arrays])
        stages = []
        for stage in range(self._loops.stages):
            lines = [f"def stage{stage}({names}):"]
            numbers = range(len(self._loops.constants))
            lines += [f"    c{number} = c[{number}]" for number in numbers]
            buffers = self._strips.get(stage, [])
            values, indices = ([b for b in buffers if b[0] == kind] for kind in "bi")
            lines += [f"    {name} = strips[{row}]" for row, name in enumerate(values)]
            lines += [f"    {name} = places[{row}]" for row, name in enumerate(indices)]
            self._loops.strips = max(self._loops.strips, len(values))
            self._loops.places = max(self._loops.places, len(indices))
            # An index without sign needs no test whether it counts from the end of the array.
            lines += [
                f"    for start in range(uint64(0), uint64(n), uint64({STRIP})):",
                f"        size = min(uint64({STRIP}), uint64(n) - start)",
            ]
            for point, phase in sorted(self._phases.items()):
                if point[0] == stage:
                    lines.append("        for j in range(size):")
                    lines += [f"            {line}" for line in phase.lines]
                    for line in phase.looked_up:
                        lines += ["        for j in range(size):", f"            {line}"]
            stages.append("\n".join(lines) + "\n")
        return "\n\n".join(stages)

    def _argument(self, name: str) -> str:
        if name not in self._loops.arrays:
            self._loops.arrays.append(name)
        return name

    def _constant(self, value: float) -> str:
        self._loops.constants.append(value)
        return f"c{len(self._loops.constants) - 1}"

    def _named(self, point: _Point) -> _Number:
        self._count += 1
        return _Number(self, f"y{self._count}", point)

    def _phase(self, point: _Point) -> _Phase:
        self._loops.stages = max(self._loops.stages, point[0] + 1)
        return self._phases.setdefault(point, _Phase())

    def _put(self, number: _Number, text: str, point: _Point | None = None) -> None:
        phase = self._phase(point or number.point)
        phase.lines.append(f"{number.name} = {text}")
        phase.known.add(number.name)

    def _strip(self, stage: int, buffer: str) -> str:
        """Make a buffer of a strip."""
        buffers = self._strips.setdefault(stage, [])
        if buffer not in buffers:
            buffers.append(buffer)
        return buffer

    def _use(self, number: _Number, point: _Point) -> str:
        """Make a number known in a phase; return its variable."""
        if number.name in self._phase(point).known:
            return number.name
        if number.array:
            self._put(number, f"{number.array}[start + j]", point)
            return number.name
        before, place = self._phase(number.point), "j"
        kept = f"b_{number.name}"
        if number.point[0] != point[0]:
            if number.name not in before.known:  # it was looked up
                self._put(number, f"{kept}[j]", number.point)
            kept, place = self._argument(f"kept_{number.name}"), "start + j"
        else:
            self._strip(point[0], kept)
        line = f"{kept}[{place}] = {number.name}"
        if line not in before.lines and number.name in before.known:
            before.lines.append(line)
        self._put(number, f"{kept}[{place}]", point)
        return number.name


@dataclass(frozen=True, kw_only=True)
class _Recording(LayerArithmetic):
    """Arithmetic of a layer that records."""

    tracer: _Tracer

    def requantize(self, raw: Any, frac: int, to: Format) -> Any:
        """Narrow like :func:`golden.formats.requantize`."""
        return self.tracer.narrowed(raw, 2.0 ** (to.frac - frac), to.min, to.max)

    def sigmoid(self, raw: Any) -> Any:
        """Apply the gate activation."""
        if self.layer.sigmoid != "hard":
            return super().sigmoid(raw)
        # A quarter plus 1/2, with two more fraction bits (golden.activations.hard_sigmoid_raw).
        scale = 2.0 ** (self.gate.frac - self.pre.frac - 2)
        return self.tracer.narrowed(raw + 2.0 ** (self.pre.frac + 1), scale, 0, self.gate.one)

    def maximum(self, raw: Any, other: Any) -> Any:
        """Return the larger of two values."""
        return self.tracer.make("{0} if {0} > {1} else {1}", raw, other)

    def nearest(self, value: float, to: Format) -> int:
        """Convert a real number to format ``to``."""
        return int(to.quantize(value))

    def _look_up(self, function: str, source: Format, raw: Any) -> Any:
        return self.tracer.look_up(function, source, raw)


def trace(arithmetic: LayerArithmetic) -> Loops:
    """Make the loops of a layer's steps."""
    loops, layer, cell = Loops(), arithmetic.layer, arithmetic.layer.cell
    tracer = _Tracer(loops)
    recording = _Recording(
        layer=layer, table=arithmetic.table, dtype=arithmetic.dtype, tracer=tracer
    )
    gates: dict[str, Gate] = {gate.name: gate for gate in cell.gates}
    state = {name: tracer.load(f"state_{name}") for name in cell.state}

    def sums(name: str, **made: _Number) -> _Number:
        gate, total = gates[name], tracer.load(f"sum_{name}")
        if "rh" in gate.reads:
            stage, phase = made["rh"].point
            if "made_rh" not in loops.arrays:
                tracer.store("made_rh", made["rh"], (stage, phase))
            loops.late[name] = stage
            total = total + tracer.load(f"late_{name}", stage + 1)
        if gate.diagonal:
            total = total + tracer.load(f"weight_{name}") * made.get("c", state.get("c"))
        return total

    step: Any = cell.step_raw
    vectors: dict[str, _Number] = step(sums, state, recording)
    last = max(number.point for number in vectors.values())
    for name, number in vectors.items():
        tracer.store(f"next_{name}", number, last)
    loops.source = tracer.text()
    return loops
