"""The image of a core's weights: the words that its stream ``i_weights`` takes.

    magic | version | core id | length | memory words, section after section | CRC-32

All words have 32 bits. A section has the words of one memory by address, each cut into parts of 32
bits, the lowest first and the last one filled up with zeros. The CRC is that of the bytes of all
words before it, low byte first (:func:`zlib.crc32`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.layout.contents import bias_words, diagonal_slots, diagonal_words, weight_words
from hdl.layout.pass_table import constants_layout, table_words
from hdl.layout.state_table import segment_layout, segments, state_words
from hdl.plan import Plan
from hdl.timing.latency import ACTIVATE

WIDTH = 32
"""Bits of a word of the stream; a memory that takes it is written in parts of so many."""

MAGIC = int.from_bytes(b"LSTM", "little")
"""The first word."""

VERSION = 1
"""The second word: of this layout."""

HEADER = 4
"""Words before the sections."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Part of an image for one memory.

    Attributes:
        name: of the memory.
        depth: its words.
        width: bits of such a word.
    """

    name: str
    depth: int
    width: int

    @property
    def parts(self) -> int:
        """Words of the image that one word of the memory takes."""
        return -(-self.width // WIDTH)

    @property
    def length(self) -> int:
        """Words of the image that the memory takes."""
        return self.depth * self.parts


def sections(plan: Plan) -> tuple[Section, ...]:
    """The memories in the order of the image; none where the Verilog has everything."""
    if not plan.options.storage.loadable:
        return ()
    sizes = plan.sizes
    found = [Section(name="passes", depth=sizes.passes, width=constants_layout(plan).size)]
    if plan.options.interface.state == "load":
        found.append(Section(name="state", depth=segments(plan), width=segment_layout(plan).size))
    found += [
        Section(name=f"bias{slot}", depth=sizes.unit_words, width=sizes.bias_width)
        for slot in range(sizes.gates)
    ]
    found += [
        Section(name=f"diagonal{slot}", depth=sizes.unit_words, width=sizes.weight_width)
        for slot in diagonal_slots(plan)
    ]
    width = plan.options.lanes * plan.sizes.weight_width
    return (*found, Section(name="weights", depth=sizes.weight_words, width=width))


def length(plan: Plan) -> int:
    """Words of an image; 0 where the Verilog has everything."""
    found = sections(plan)
    return HEADER + sum(section.length for section in found) + 1 if found else 0


def core_id(plan: Plan) -> int:
    """CRC-32 of all that a network must keep to, to be loaded into a core."""
    return plan.capacity.number


def image(plan: Plan) -> NDArray[np.uint32]:
    """All words of the stream in their order, (length,); none where the Verilog has everything."""
    found = sections(plan)
    if not found:
        return np.zeros(0, np.uint32)
    header = [MAGIC, VERSION, core_id(plan), length(plan)]
    data = b"".join(
        [word.to_bytes(WIDTH // 8, "little") for word in header]
        + [_packed(section, _words(plan, section.name)) for section in found]
    )
    data += zlib.crc32(data).to_bytes(WIDTH // 8, "little")
    return np.frombuffer(data, "<u4").astype(np.uint32)


def _words(plan: Plan, name: str) -> list[int]:
    """The words of a section that the network fills."""
    if name == "passes":
        return table_words(plan)
    if name == "state":
        return state_words(plan)
    if name.startswith("bias"):
        return bias_words(plan, int(name.removeprefix("bias")))
    if name.startswith("diagonal"):
        return diagonal_words(plan, int(name.removeprefix("diagonal")))
    return weight_words(plan)


def _packed(section: Section, words: list[int]) -> bytes:
    """The words of a memory, each in whole words of the image; zeros in those that are left."""
    size, mask = section.parts * WIDTH // 8, (1 << section.width) - 1
    filled = b"".join((word & mask).to_bytes(size, "little") for word in words)
    return filled.ljust(section.depth * size, b"\0")


def load_cycles(plan: Plan) -> int:
    """Cycles from the first word of an image being taken until ``i`` is; 0 without image."""
    words = length(plan)
    return words - 1 + ACTIVATE if words else 0
