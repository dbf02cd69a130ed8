"""Description of a core, from the JSON of ``litelstm generate``: registers, formats, streams.

Loading the file checks every field.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from golden.dataclass import dataclass
from golden.errors import InputError
from golden.formats import Format
from golden.packing import Packing

T = TypeVar("T")

X, Y, WEIGHTS, STATE_IN, STATE_OUT = "x", "y", "weights", "state_in", "state_out"
INTO, OUT_OF = (X, STATE_IN, WEIGHTS), (Y, STATE_OUT)
"""The streams of a core, by their direction."""


@dataclass(frozen=True, kw_only=True)
class Register:
    """A register: its byte address, and its fields as (lowest bit, bits) by name."""

    address: int
    fields: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One stream of a core.

    Attributes:
        port: port of the Verilog, without ``_tdata``; empty if data registers replace the stream.
        packing: packing of its elements.
        vector: elements per vector: a step's x, a result, a state, a word of weights.
    """

    port: str
    packing: Packing
    vector: int

    def byte_count(self, vectors: int) -> int:
        """Bytes of a frame of some vectors, in whole beats."""
        return vectors * self.packing.beats(self.vector) * self.packing.bus // 8

    def pack(self, elements: NDArray[np.int64]) -> bytes:
        """The bytes of a frame, in whole beats."""
        return self.packing.pack(elements.reshape(-1, self.vector)).tobytes()

    def unpack(self, data: bytes, vectors: int) -> NDArray[np.int64]:
        """Elements, (vectors * vector,), of a frame; bytes that are not in use may be missing."""
        whole = np.frombuffer(data.ljust(self.byte_count(vectors), b"\0"), np.uint8)
        return self.packing.unpack(whole.reshape(vectors, -1), self.vector).reshape(-1)


@dataclass(frozen=True, kw_only=True)
class Description:
    """A driver's knowledge of a core before it reads a register.

    Attributes:
        path: path of the JSON.
        name: name of the top module.
        kind: bus of the registers: ``axi``, ``spi`` or ``uart``.
        window: whether the core has data registers instead of streams.
        core: number of the core, the contents of its register CORE.
        network: fingerprint of the network in the Verilog, or ``None``.
        inputs, outputs: elements of a step's x, words of a result.
        x, y: their formats.
        scale: factor from stored samples to real inputs.
        classes: whether a result is the number of a class.
        every_step: whether every step gives a result.
        first_step: number of the first step of a sequence that does.
        state: source of a sequence's first state: clear, keep or load.
        number_of_streams: number of streams that share the core.
        max_steps: steps of the longest sequence that the core buffers; 0 if it buffers none.
        state_words: words of a stream's state.
        registers: registers by name.
        streams: streams by name, see ``INTO`` and ``OUT_OF``.
        cycles_of_a_bit: clock cycles per bit of a serial line; 0 without one.
        values: the whole JSON.
    """

    path: Path
    name: str
    kind: str
    window: bool
    core: int
    network: str | None
    inputs: int
    outputs: int
    x: Format
    y: Format
    scale: float
    classes: bool
    every_step: bool
    first_step: int
    state: str
    number_of_streams: int
    max_steps: int
    state_words: int
    registers: Mapping[str, Register]
    streams: Mapping[str, Stream]
    cycles_of_a_bit: int
    values: Mapping[str, Any]

    @classmethod
    def load(cls, path: str | Path) -> Description:
        """Read a core's JSON.

        Raises:
            InputError: the file cannot be read, or does not describe a core with a bus.
        """
        path = Path(path)
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: is not JSON: {error}") from None
        return cls.of(values, path)

    @classmethod
    def of(cls, values: Any, path: Path) -> Description:
        """Make a description from a JSON's values; ``path`` is for messages.

        Raises:
            InputError: a field is missing or of a wrong type.
        """
        top = _Section(values, path, "")
        if "bus" not in top.values:
            raise InputError(f"{path}: has no bus; generate the core with --axi, --spi or --uart")
        bus, interface = top.section("bus"), top.section("interface")
        source, result = top.section("input"), top.section("output")
        return cls(
            path=path,
            name=top.get("name", str),
            kind=bus.get("kind", str),
            window=bus.get("window", bool),
            core=bus.get("core", int),
            network=bus.values.get("network") and bus.get("network", str),
            inputs=source.get("words_per_step", int),
            outputs=result.get("words_per_result", int),
            x=source.format("format"),
            y=result.format("format"),
            scale=float(source.get("scale", (int, float))),
            classes=interface.get("classes", bool),
            every_step=interface.get("every_step", bool),
            first_step=result.get("first_step", int) if "first_step" in result.values else 0,
            state=interface.get("state", str),
            number_of_streams=interface.get("streams", int),
            max_steps=top.get("max_steps", int) if "max_steps" in top.values else 0,
            state_words=bus.get("state_words", int),
            registers={
                one.get("name", str): Register(
                    address=one.get("address", int),
                    fields={
                        field.get("name", str): (field.get("low", int), field.get("width", int))
                        for field in one.sections("fields")
                    },
                )
                for one in top.sections("registers")
            },
            streams={
                one.get("name", str): Stream(
                    port=one.get("port", str),
                    packing=Packing(
                        element=one.get("element", int),
                        bus=one.get("bus", int),
                        tight=one.get("tight", bool),
                    ),
                    vector=one.get("vector", int),
                )
                for one in bus.sections("streams")
            },
            cycles_of_a_bit=bus.get("cycles_of_a_bit", int),
            values=values,
        )

    def register(self, name: str) -> Register:
        """Find a register by name.

        Raises:
            InputError: the core has no such register.
        """
        if name not in self.registers:
            raise InputError(f"{self.path}: has no register {name}")
        return self.registers[name]


@dataclass(frozen=True)
class _Section:
    """An object of the JSON; its methods check the fields that they return."""

    values: Any
    path: Path
    place: str

    def __post_init__(self) -> None:
        if not isinstance(self.values, dict):
            raise InputError(f"{self.path}: {self.place or 'all of it'} is not an object")

    def get(self, name: str, kind: type[T] | tuple[type[T], ...]) -> T:
        value = self.values.get(name)
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            expected = " or ".join(k.__name__ for k in kinds)
            raise InputError(f"{self.path}: {self.place}{name} is {value!r}, expected {expected}")
        return value

    def section(self, name: str) -> _Section:
        return _Section(self.values.get(name), self.path, f"{self.place}{name}.")

    def sections(self, name: str) -> list[_Section]:
        found = self.get(name, list)
        return [
            _Section(one, self.path, f"{self.place}{name}[{index}].")
            for index, one in enumerate(found)
        ]

    def format(self, name: str) -> Format:
        inner = self.section(name)
        try:
            return Format(width=inner.get("width", int), frac=inner.get("frac", int))
        except ValueError as error:
            raise InputError(f"{self.path}: {inner.place.rstrip('.')}: {error}") from None
