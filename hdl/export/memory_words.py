"""Contents of memories in Verilog: as text, or in files that ``$readmemh`` reads.

Yosys gets each memory with a first word of 0 only (:mod:`hdl.export.explicit_rtlil`) and writes

    (* memory_words = 32'd5 *)
    reg [7:0] rom [63:0];
    initial begin
      rom[0] = 8'h00;
    end

This module puts the words there, which neither Amaranth nor Yosys had to carry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from golden.errors import InputError

ATTRIBUTE = "memory_words"
"""Attribute of a memory in RTLIL: its number."""

_EMPTY = re.compile(
    rf"^  \(\* {ATTRIBUTE} = 32'd(\d+) \*\)\n"
    r"((?:  \(\* .* \*\)\n)*  reg .*) \[\d+:0\];\n  initial begin\n    (\w+)\[0\] = .*\n  end\n",
    re.MULTILINE,
)
_READ = re.compile(
    r'(  reg \[(\d+):0\] (\w+)) \[0:(\d+)\];\n  initial \$readmemh\("([^"]+)", \3\);\n'
)
_HEX = re.compile("[0-9a-fA-F]+")


@dataclass(frozen=True, kw_only=True)
class Words:
    """Contents of a memory.

    Attributes:
        place: its name with those of the modules around it, joined by dots.
        width: bits of a word.
        words: one per address, signed or not.
    """

    place: str
    width: int
    words: Sequence[int]

    def block(self, name: str) -> Iterator[str]:
        """Yield the range of addresses, and the lines that write the words, as Yosys does."""
        mask, width = (1 << self.width) - 1, self.width
        form = "d" if width == 32 else f"0{-(-width // 4)}x"
        base = f"{width}'{'d' if width == 32 else 'h'}"
        yield f" [{len(self.words) - 1}:0];\n  initial begin\n"
        for address, word in enumerate(self.words):
            yield f"    {name}[{address}] = {base}{word & mask:{form}};\n"
        yield "  end\n"

    def reading(self, name: str) -> str:
        """Return the range, and the line that reads the words from the memory's file.

        By IEEE 1364-2005 the first word goes to the lowest address, by older rules and in Vivado
        (UG901) to the first one of the range: they agree where the range ascends.
        """
        return f' [0:{len(self.words) - 1}];\n  initial $readmemh("{self.file}", {name});\n'

    @property
    def file(self) -> str:
        """Name of the memory's file."""
        return re.sub(r"[^\w.]", "_", self.place) + ".mem"

    def file_text(self) -> str:
        """Write the file: hexadecimal words, one per line, and nothing else.

        Vivado's synthesis (UG901) takes neither addresses nor comments.
        """
        mask, form = (1 << self.width) - 1, f"0{-(-self.width // 4)}x"
        return "".join(f"{word & mask:{form}}\n" for word in self.words)


def with_words(text: str, memories: Sequence[Words], *, apart: bool) -> tuple[str, dict[str, str]]:
    """Put the contents of all memories into Verilog.

    Args:
        text: Verilog with empty memories.
        memories: contents, by the memories' numbers.
        apart: whether the Verilog reads each memory whose words are not all 0 from a file.

    Returns:
        The Verilog, and the texts of the files by their names.
    """
    pieces, end, files = list[str](), 0, dict[str, str]()
    for found in _EMPTY.finditer(text):
        memory, name = memories[int(found[1])], found[3]
        pieces += [text[end : found.start()], found[2]]
        end = found.end()
        if apart and any(memory.words):
            files[memory.file] = memory.file_text()
            pieces.append(memory.reading(name))
        else:
            pieces += memory.block(name)
    return "".join([*pieces, text[end:]]), files


def whole(verilog: Path) -> str:
    """Read Verilog whose memories have files beside it; return it with the words in the text.

    Raises:
        InputError: a file cannot be read, or does not have the memory's words.
    """

    def block(found: re.Match[str]) -> str:
        path = verilog.parent / found[5]
        width, depth = int(found[2]) + 1, int(found[4]) + 1
        words = [int(line, 16) for line in _read(path).split() if _HEX.fullmatch(line)]
        if len(words) != depth or max(words) >> width:
            raise InputError(f"{path}: expected {depth} hexadecimal words of {width} bits")
        memory = Words(place="", width=width, words=words)
        return "".join([found[1], *memory.block(found[3])])

    return _READ.sub(block, _read(verilog))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "no text")
        raise InputError(f"{path}: cannot be read: {reason}") from None
