"""Netlist of a core with all its mutants, by Yosys' ``mutate``.

The netlist is flat and optimized, so that no mutant is dead logic. Mutants are muxes that the
input ``mutsel`` controls: 0 is the core itself, k the k-th mutant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]
from amaranth.lib import wiring

import hdl
from sim.tools.aiger import Netlist
from sim.tools.yosys import TO_GATES, run_script

SELECT = "mutsel"
_BITS = 16

_ROOMS = {"loader": "loading", "weights": "loading", "access": "store"}
"""Rooms of the core's parts that have other names."""

VARIABLE = "LITELSTM_MUTANT"
"""Environment variable that a model reads its mutant's number from when it is made."""

# A mutated output of a register would lose its initial value, so all are 0 before.
_FLATTEN = """\
read_rtlil design.il
hierarchy -top {top}
flatten -noscopeinfo
proc -norom
memory_collect
opt -full
zinit -all
setattr -unset init w:*
opt_clean -purge
mutate -list {count} -seed {seed} -o drawn.ys
"""

_MUTATE = """\
read_rtlil core.il
script mutants.ys
opt_clean
write_rtlil mutants.il
pmuxtree
write_verilog -noattr mutants.v
"""

_MAP = (
    """\
read_rtlil mutants.il
memory_nordff
{outside}memory_map
clean
opt
zinit -all
"""
    + TO_GATES
    + """\
setundef -undriven -init -zero
aigmap
opt_clean
write_aiger -ascii -zinit -symbols {name}.aag
"""
)

_OUTSIDE = {
    "all": "expose -evert t:$mem_v2\n",
    "array": "expose -evert c:*array.* t:$mem_v2 %i\n",
    "none": "",
}
"""Commands that put memories outside: their ports become the netlist's."""

_ALWAYS = r"cell \$mem_v2 (\S+)\n(?:    .*\n)*?    connect \\RD_EN \d"
"""A memory that always reads."""

_ROOT = Path(hdl.__path__[0]).parent
_HELPERS = ("hdl/verilog.py", "hdl/core.py", "hdl/bus/top.py", "hdl/parts/parity.py")
"""Files that only put the others together."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A change of one bit of one cell.

    Attributes:
        number: of the mutant in its netlist, from 1.
        change: Yosys' name of the change, and the cell's port and bit.
        room: folder of hdl/ that the logic belongs to.
        lines: of the generator that the cell comes from.
    """

    number: int
    change: str
    room: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.number} {self.change}, {' '.join(self.lines)}"


def mutated(
    top: wiring.Component,
    *,
    name: str,
    count: int,
    seed: int,
    folder: Path,
    only: Callable[[Mutant], bool] = bool,
    spare: int = 2,
) -> tuple[str, list[Mutant]]:
    """Draw the mutants of a component; leave the netlists in a folder.

    Args:
        top: the component.
        name: of the top module.
        count: of mutants; fewer if the component has no more.
        seed: of the draw.
        folder: for the netlists, see `read_netlist`.
        only: tells which mutants count.
        spare: mutants to draw for each that is wanted.

    Returns:
        Verilog with all mutants, and their list.

    Raises:
        MissingToolError: pyosys is missing.
        SimulationError: Yosys failed.
    """
    (folder / "design.il").write_text(rtlil.convert(top, name=name, emit_src=True))
    # More than wanted: some are left out.
    script = _FLATTEN.format(top=name, count=spare * count, seed=seed) + "write_rtlil core.il\n"
    (folder / "flatten.ys").write_text(script)
    run_script("flatten.ys", folder, "flatten.log")
    drawn = (folder / "drawn.ys").read_text().splitlines()
    always = {name.lstrip("\\") for name in re.findall(_ALWAYS, (folder / "core.il").read_text())}
    chosen = [line for line in drawn if _is_sound(line, always) and only(_parse(0, line))][:count]
    mutants = [_parse(number, line) for number, line in enumerate(chosen, 1)]
    controlled = (
        line.replace("mutate", f"mutate -ctrl {SELECT} {_BITS} {number}", 1)
        for number, line in enumerate(chosen, 1)
    )
    (folder / "mutants.ys").write_text("\n".join([*controlled, ""]))
    (folder / "mutate.ys").write_text(_MUTATE)
    run_script("mutate.ys", folder, "mutate.log")
    return _selected((folder / "mutants.v").read_text(), name), mutants


def read_netlist(folder: Path, outside: str = "all") -> Netlist:
    """Read the gates and registers of the mutated netlist that `mutated` left in a folder.

    Args:
        folder: the folder.
        outside: which memories are not in the netlist, but their ports are: ``all``, those of the
            ``array``, or ``none``.

    Raises:
        SimulationError: Yosys failed.
    """
    script = _MAP.format(outside=_OUTSIDE[outside], name=outside)
    (folder / "map.ys").write_text(script)
    run_script("map.ys", folder, "map.log")
    return Netlist.read(folder / f"{outside}.aag")


def select_bits(netlist: Netlist) -> dict[int, int]:
    """Return the bits of the mutant's number by their literals."""
    return {
        literal: int(name[len(SELECT) + 1 : -1])
        for name, literal in netlist.inputs.items()
        if name.startswith(f"{SELECT}[")
    }


def _is_sound(line: str, always: set[str]) -> bool:
    """Tell whether a mutant changes neither a clock nor a pin that its memory does not have."""
    fields = dict(re.findall(r"-(cell|port) (\S+)", line))
    port = fields["port"]
    if port == "RD_EN":
        return fields["cell"].lstrip("\\") not in always
    return not port.endswith(("CLK", "ARST")) and port != "RD_SRST"


def _parse(number: int, line: str) -> Mutant:
    """Read a mutant from a line of Yosys' list."""
    fields = dict(re.findall(r"-(mode|cell|port|portbit|ctrlbit|wire) (\S+)", line))
    lines = sorted(
        found.removeprefix(f"{_ROOT}/")
        for found in re.findall(r"-src (\S+)", line)
        if found.startswith(f"{_ROOT}/")
    )
    lines = [found for found in lines if not found.startswith(_HELPERS)]
    change = f"{fields['mode']} {fields['port']}[{fields['portbit']}]"
    if "ctrlbit" in fields:
        change += f" by [{fields['ctrlbit']}]"
    cell = re.sub(r"\$flatten|\\", "", fields["cell"])
    place = fields.get("wire", cell) if cell.startswith("$auto") else cell
    return Mutant(number=number, change=change, room=_room(place, lines), lines=tuple(lines))


def _room(place: str, lines: list[str]) -> str:
    """Name the room of a cell from its path, or from the lines that it comes from."""
    parts = place.split(".")
    if parts[0] == "core" and len(parts) > 2:
        return _ROOMS.get(parts[1], parts[1])
    rooms = [line.split("/")[1] for line in lines if line.count("/") > 1]
    return next((room for room in rooms if room != "parts"), "core")


def _selected(verilog: str, top: str) -> str:
    """Let the top module read its mutant's number from the environment, once."""
    start = verilog.index(f"module {top}(")
    module = verilog[start:]
    port = rf"  input \[{_BITS - 1}:0\] {SELECT};\n  wire \[{_BITS - 1}:0\] {SELECT};\n"
    read = rf"  reg [{_BITS - 1}:0] {SELECT};\n"
    read += rf'  initial {SELECT} = $c32("atoi(getenv(\\"{VARIABLE}\\"))");\n'
    module = re.sub(port, read.replace("\\n", "\n"), module, count=1)
    head, rest = module.split(";", 1)
    names = [name for name in re.findall(r"\w+", head.split("(", 1)[1]) if name != SELECT]
    return f"{verilog[:start]}module {top}({', '.join(names)});{rest}"
