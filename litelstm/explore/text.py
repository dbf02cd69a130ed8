"""Operations and memories in a core's Verilog, counted in bits without any tool.

The text is the generator's own: one operation per assignment, modules without parameters, each
module once per place where it is used.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

OPERATIONS = ("add", "compare", "mux", "case", "table", "logic", "checks")
"""Counted operations: additions, comparisons, multiplexers, branches of cases, those that give a
constant, bitwise logic, and check sequences of loaded weights, which are all alike."""

PARTS = ("array", "update", "control")
"""Parts of a core; the last one is what the others leave."""

_MODULE = re.compile(r"^module (\S+?)\(.*?^endmodule", re.M | re.S)
_DECLARED = re.compile(
    r"^  (?:wire|reg|input|output)(?: signed)? (?:\[(\d+):0\] )?(\S+?)(?: = \S+)?;$", re.M
)
_MEMORY = re.compile(r"^((?:  \(\* .* \*\)\n)*)  reg (?:\[(\d+):0\] )?(\S+) \[(\d+):\d+\];$", re.M)
_CLOCKED = re.compile(r"^ {4,}(\S+?)(?:\[[^\]]*\])? <= ([^;]*);$", re.M)
_READ = re.compile(r"(<?)= (\w+)\[[^;]*\];$", re.M)
_ONE_PORT = re.compile(
    r"^module \S+_core_weights\(.*^ +memory\[(\w+)\].* <= .*<= memory\[\1\];$", re.M | re.S
)
_ASSIGNED = re.compile(r"^  assign (\S+) = ([^;]*);$", re.M)
_CHOSEN = re.compile(r"^ {8,}(\S+?)(?:\[[^\]]*\])? = (\d+')?[^;]*;$", re.M)
_OUTPUT = re.compile(r"^  output (?:signed )?(?:\[(\d+):0\] )?\w+;$", re.M)
_LITERAL = re.compile(r"\d'")
_CHECKS, _DUAL, _SHADOW = "_loader_crc32", "_dual", "_array_shadow"
"""Modules of the check sequence, of multipliers that hold two products, and of the sums' shadow."""
_LONG = 127
"""Last address of a shadow from which on the register behind it, in another module, makes it a
block RAM."""
_NAME = re.compile(r"(\d+)'|([A-Za-z_]\w*)(?:\[(\d+)(?::(\d+))?\])?")

_KINDS = (
    ("add", re.compile(r" [+-] |^- ")),
    ("mux", re.compile(r" \? ")),
    ("compare", re.compile(r" (?:==|!=|<|<=|>|>=) ")),
    ("logic", re.compile(r"[&|^~]")),
)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A memory of a core.

    Attributes:
        words, width: number of its words, and their bits.
        ports: read ports.
        clocked: whether a register follows, as block RAM needs.
        block: whether the Verilog asks for block RAM.
        large: whether an iCE40's SPRAM can hold it: weights that are loaded, and never written and
            read in the same cycle.
    """

    words: int
    width: int
    ports: int
    clocked: bool
    block: bool
    large: bool = False


@dataclass(frozen=True, kw_only=True)
class Text:
    """Contents of a part of a core's Verilog.

    Attributes:
        bits: bits of each of ``OPERATIONS``.
        registers: bits of registers, without those at memories' outputs.
        memories: every memory.
        products: bits of the result of each product, and those of its factors multiplied.
    """

    bits: Counter[str]
    registers: int
    memories: tuple[Memory, ...]
    products: tuple[tuple[int, int], ...] = ()


def read(verilog: str) -> dict[str, Text]:
    """Count what each of ``PARTS`` has."""
    modules: dict[str, list[Text]] = {part: [] for part in PARTS}
    for module in _MODULE.finditer(verilog):
        part = next((part for part in PARTS if f"_core_{part}" in module[1]), PARTS[-1])
        modules[part].append(_count(module[0]))
    return {
        part: Text(
            bits=sum((one.bits for one in found), Counter()),
            registers=sum(one.registers for one in found),
            memories=tuple(memory for one in found for memory in one.memories),
            products=tuple(product for one in found for product in one.products),
        )
        for part, found in modules.items()
    }


def _count(module: str) -> Text:
    """Count what one module has."""
    bits: Counter[str] = Counter()
    head = module.split("(")[0]
    widths = {name: int(high or 0) + 1 for high, name in _DECLARED.findall(module)}
    mine = {found[3]: found for found in _MEMORY.finditer(module)}
    reads = [(edge, name) for edge, name in _READ.findall(module) if name in mine]
    ports, clocked = Counter(name for _, name in reads), {name for edge, name in reads if edge}
    loaded = {
        name
        for name, value in _CLOCKED.findall(module)
        if name not in mine and value.split("[")[0] not in mine
    }
    for name, value in _ASSIGNED.findall(module):
        kind = next((kind for kind, pattern in _KINDS if pattern.search(value)), None)
        if kind:
            single = kind == "compare" or value.startswith(("| ", "& ", "^ "))
            bits[kind] += max(_widths(value, widths)) if single else widths.get(name, 1)
    for name, literal in _CHOSEN.findall(module):
        bits["table" if literal else "case"] += widths.get(name, 1)
    if _CHECKS in head:
        bits = Counter(checks=1)
    large = bool(_ONE_PORT.search(module))
    # Words are padded to the bits of their stream; the bits that nobody reads take no SPRAM.
    most = max((int(high or 0) + 1 for high in _OUTPUT.findall(module)), default=1 << 30)
    memories = tuple(
        Memory(
            words=int(found[4]) + 1,
            width=min(int(found[2] or 0) + 1, most) if large else int(found[2] or 0) + 1,
            ports=ports[name],
            clocked=name in clocked or (_SHADOW in head and int(found[4]) >= _LONG),
            block='ram_style = "block"' in found[1],
            large=large,
        )
        for name, found in mine.items()
    )
    registers = sum(widths.get(name, 1) for name in loaded)
    products = () if _DUAL in head else tuple(_products(module, widths))
    return Text(bits=bits, registers=registers, memories=memories, products=products)


def _products(module: str, widths: dict[str, int]) -> Iterator[tuple[int, int]]:
    """Yield the products of two signals."""
    for name, value in _ASSIGNED.findall(module):
        if " * " in value and not _LITERAL.search(value):
            a, b = (max(_widths(factor, widths)) for factor in value.split(" * "))
            yield widths.get(name, 1), a * b


def _widths(value: str, widths: dict[str, int]) -> list[int]:
    """Return the bits of each operand, 1 before them."""
    found = [1]
    for literal, name, high, low in _NAME.findall(value):
        if literal:
            found.append(int(literal))
        elif high:
            found.append(int(high) - int(low or high) + 1)
        else:
            found.append(widths.get(name, 1))
    return found
