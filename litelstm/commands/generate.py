"""``litelstm generate``: write a core's Verilog and description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib.resources import files as files_of
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from golden import files
from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl import verilog
from hdl.export.fusesoc import core_file
from hdl.export.verilog_header import waivers
from hdl.layout.weight_image import image
from hdl.packaging.constraints import FORMATS, PLAIN, Timing
from hdl.plan import Plan
from litelstm import core_options, options, outputs
from litelstm.bus_options import NAMES, bus_options, hertz, host_of
from litelstm.console import out, progress
from litelstm.fpga.targets import TARGETS
from sim.testbench.verilog_bench import bench_file, verilog_bench

if TYPE_CHECKING:
    from hdl.packaging.system import Host

C_DRIVER = [files_of("litelstm.driver") / "c" / f"litelstm.{end}" for end in ("h", "c")]
"""The C driver, the same for every core."""


@click.command()
@options.network_argument
@core_options.options()
@bus_options
@click.option(
    "--also",
    "others",
    type=options.PATH,
    multiple=True,
    help="Make the core large enough for this network, too (with --storage ram or double).",
)
@click.option(
    "--testbench",
    "has_bench",
    is_flag=True,
    help="Also write a test bench in plain Verilog, with its vectors.",
)
@click.option(
    "--memory-files",
    is_flag=True,
    help="Write contents of memories to files, which the Verilog reads ($readmemh).",
)
@options.output_option("Folder for the files.")
@click.option("--name", default="litelstm_core", help="Name of the top module.")
def generate(
    network: Path,
    output: Path,
    name: str,
    has_bench: bool,
    memory_files: bool,
    others: tuple[Path, ...],
    **given: Any,
) -> None:
    """Generate a core's Verilog and description.

    \b
    litelstm generate net.q.npz --lanes 16 -o build/
    litelstm generate net.q.npz --lanes 16 --axi -o ip/

    Writes the core of the quantized NETWORK: NAME.v, NAME.json (ports, formats, timing), NAME.vlt
    (lint waivers) and NAME.core (FuseSoC). --storage ram and double add NAME.weights.bin, the words
    for the stream i_weights. --axi, --spi and --uart give the core registers, and add C headers,
    drivers, constraints and files for Vivado, Quartus and IP-XACT: docs/system.md. With --clock a
    core of plain streams has constraints, too.

    With --testbench, iverilog -o tb NAME/tb.v NAME.v && vvp tb checks the core without Python.
    """
    chosen = {option: given.pop(option) for option in NAMES}
    host, target = host_of(chosen), chosen["target"]
    if host and has_bench:
        raise InputError("--testbench is for cores with plain streams, not with a bus")
    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    networks = [QuantizedNetwork.load(other) for other in others]
    plan = Plan(
        network=quantized,
        options=core_options.core_of(given, quantized, *networks, part=TARGETS.get(target or "")),
        others=tuple(networks),
    )
    with progress("generate"):
        make = partial(_plain, bench=has_bench, clock=chosen["clock"], target=target)
        if host:
            make = partial(_with_bus, host=host, target=target)
        texts, description = make(
            plan,
            name=name,
            network_name=network.name.removesuffix(".npz"),
            memory_files=memory_files,
        )
    contents: dict[str, Any] = {file: text.encode() for file, text in texts.items()}
    words = image(plan)
    if words.size:
        contents[f"{name}.weights.bin"] = words.astype("<u4").tobytes()
    folder = files.make_folder(output)
    for file in contents:
        files.make_folder((folder / file).parent)
    files.replace_all({folder / file: files.content(data) for file, data in contents.items()})
    _tell(plan, folder, name, list(contents), description["timing"], words.size)


def _tell(
    plan: Plan, folder: Path, name: str, written: list[str], timing: Mapping[str, Any], words: int
) -> None:
    """Print a line about the core, and one per file."""
    out.print(
        f"{folder / name}.v: {plan.options.lanes} lanes{_joint(plan)}, "
        f"{plan.sizes.accumulator_width}-bit accumulators, "
        f"{timing['cycles_per_step']} cycles per step (ideal {timing['ideal_cycles_per_step']:g})"
    )
    for file in written:
        if file == bench_file(name):
            out.print(
                f"{folder / file}: test bench; iverilog -o tb {bench_file(name)} {name}.v && vvp tb"
            )
        elif file != f"{name}.v" and not file.startswith(f"{name}/drivers"):
            out.print(f"{folder / file}: {_meaning(file, words)}")


def _joint(plan: Plan) -> str:
    """Tell how many multipliers the lanes share, if they do."""
    return f" in {plan.array_multipliers} multipliers" if plan.joint else ""


def _plain(
    plan: Plan, *, name: str, bench: bool, clock: float | None, target: str | None, **given: Any
) -> tuple[Mapping[str, str], dict[str, Any]]:
    """Make the texts by file, and the description, of a core with plain streams."""
    core = verilog.generated(plan, name=name, **given)
    memories = list(core.memory_files)
    texts = {
        f"{name}.v": core.verilog,
        f"{name}.vlt": waivers(f"{name}.v"),
        f"{name}.json": json.dumps(core.description, indent=2) + "\n",
        f"{name}.core": core_file(
            name=name, lanes=plan.options.lanes, has_bench=bench, memories=memories
        ),
        **core.memory_files,
    }
    if bench:
        texts[bench_file(name)] = verilog_bench(plan, name=name)
    if clock is not None:
        timing = Timing(name=name, hertz=hertz(clock), **PLAIN)
        texts |= {f"{name}.{end}": FORMATS[end](timing) for end in _formats(target)}
    return texts, core.description


def _with_bus(
    plan: Plan, *, host: Host, target: str | None, **given: Any
) -> tuple[Mapping[str, str], dict[str, Any]]:
    """Make the texts by file, and the description, of a core with registers."""
    from hdl.packaging.system import generate_system  # needs the extra

    part = TARGETS[target].vivado if target else ""
    system = generate_system(plan, host=host, **given)
    driver = {file.name: file.read_text(encoding="utf-8") for file in C_DRIVER}
    texts = system.files(sources=driver, formats=_formats(target), part=part)
    return texts, system.description


def _formats(target: str | None) -> list[str]:
    """List the formats of constraint files, with the one of the part's own tool."""
    own = {TARGETS[target].family.constraints[0].lstrip("-")} if target else set()
    return [*dict.fromkeys(["xdc", "sdc", *(own & set(FORMATS))])]


def _meaning(file: str, words: int) -> str:
    """Describe a file."""
    meanings = {
        ".json": "ports, formats, timing, sizes; with a bus also registers",
        ".core": "for FuseSoC",
        ".vlt": "waivers for Verilator's lint, with reasons",
        ".mem": "contents of a memory, which the Verilog reads",
        ".bin": f"{words} words for i_weights, 4 bytes each, low byte first",
        ".c": "C driver",
        ".h": "header of the C driver",
        ".xml": "IP-XACT component, with its driver, for Vivado and others",
        ".xdc": "constraints, for Vivado",
        ".sdc": "constraints, for Quartus and others",
        ".lpf": "constraints, for nextpnr-ecp5",
        ".pcf": "constraints, for nextpnr-ice40",
        ".qsf": "lines for a Quartus project",
        ".tcl": "component, for Platform Designer of Quartus"
        if file.endswith("_hw.tcl")
        else "project with the core in a block design, for Vivado",
    }
    for end, meaning in (
        ("_network.h", "sizes and formats of the network, for C"),
        ("_registers.h", "registers, for C"),
    ):
        if file.endswith(end):
            return meaning
    return meanings[Path(file).suffix]
