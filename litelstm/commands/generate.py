"""``litelstm generate``: write a core's Verilog and description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from importlib.resources import files as files_of
from pathlib import Path
from typing import Any

import click

from golden import files
from golden.errors import InputError
from golden.quantized import QuantizedNetwork
from hdl import verilog
from hdl.board.board_top import Line
from hdl.bus.options import Bus
from hdl.export.fusesoc import core_file
from hdl.export.verilog_header import waivers
from hdl.layout.weight_image import image
from hdl.plan import Plan
from litelstm import options, outputs
from litelstm.console import out, progress
from litelstm.extras import require_for
from litelstm.fpga.targets import TARGETS
from sim.testbench.verilog_bench import bench_file, verilog_bench

C_DRIVER = [files_of("litelstm.driver") / "c" / f"litelstm.{end}" for end in ("h", "c")]
"""The C driver, the same for every core."""

BUS_OPTIONS = ("axi", "bus_width", "packing", "window", "spi", "uart", "clock", "target")


@click.command()
@options.network_argument
@options.core_options()
@options.bus_options
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
    drivers, constraints and files for Vivado, Quartus and IP-XACT: docs/system.md.

    With --testbench, iverilog -o tb NAME/tb.v NAME.v && vvp tb checks the core without Python.
    """
    chosen = {option: given.pop(option) for option in BUS_OPTIONS}
    has_bus = chosen["axi"] or chosen["spi"] or chosen["uart"] is not None
    _check_bus_options(has_bus, chosen)
    if has_bus and has_bench:
        raise InputError("--testbench is for cores with plain streams, not with a bus")
    quantized = QuantizedNetwork.load(network)
    outputs.check_folder(output)
    networks = [QuantizedNetwork.load(other) for other in others]
    plan = Plan(
        network=quantized,
        options=options.core_of(
            given, quantized, *networks, part=TARGETS.get(chosen["target"] or "")
        ),
        others=tuple(networks),
    )
    with progress("generate"):
        make = partial(_with_bus, chosen=chosen) if has_bus else partial(_plain, bench=has_bench)
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
    timing = description["timing"]
    out.print(
        f"{folder / name}.v: {plan.options.lanes} lanes{_joint(plan)}, "
        f"{plan.sizes.accumulator_width}-bit accumulators, "
        f"{timing['cycles_per_step']} cycles per step (ideal {timing['ideal_cycles_per_step']:g})"
    )
    for file in contents:
        if file == bench_file(name):
            out.print(
                f"{folder / file}: test bench; iverilog -o tb {bench_file(name)} {name}.v && vvp tb"
            )
        elif file != f"{name}.v" and not file.startswith(f"{name}/drivers"):
            out.print(f"{folder / file}: {_meaning(file, words.size)}")


def _joint(plan: Plan) -> str:
    """Tell how many multipliers the lanes share, if they do."""
    return f" in {plan.array_multipliers} multipliers" if plan.joint else ""


def _check_bus_options(has_bus: bool, chosen: Mapping[str, Any]) -> None:
    """Check that options go together.

    Raises:
        InputError: they do not.
    """
    kinds = [f"--{kind}" for kind in ("axi", "spi", "uart") if chosen[kind] not in (False, None)]
    if len(kinds) > 1:
        raise InputError(f"{' and '.join(kinds)} are for one core, expected one of them")
    for option in ("bus_width", "packing", "window"):
        if chosen[option] not in (None, False) and not chosen["axi"]:
            raise InputError(f"--{option.replace('_', '-')} needs --axi")
    if chosen["uart"] is not None and chosen["clock"] is None:
        raise InputError("--uart needs --clock")
    if chosen["clock"] is not None and not has_bus:
        raise InputError("--clock needs --axi, --spi or --uart")
    if has_bus:
        require_for("registers")


def _plain(
    plan: Plan, *, name: str, bench: bool, **given: Any
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
    return texts, core.description


def _with_bus(
    plan: Plan, *, chosen: Mapping[str, Any], **given: Any
) -> tuple[Mapping[str, str], dict[str, Any]]:
    """Make the texts by file, and the description, of a core with registers."""
    from hdl.packaging.constraints import CLOCK, FORMATS  # these need the extra
    from hdl.packaging.system import Host, generate_system

    formats = ["xdc", "sdc"]
    if chosen["target"]:
        option, _ = TARGETS[chosen["target"]].family.constraints
        formats += {option.lstrip("-")} & set(FORMATS)
    clock = CLOCK if chosen["clock"] is None else chosen["clock"]
    if chosen["axi"]:
        bus = Bus(
            width=chosen["bus_width"] or 32,
            packing=chosen["packing"] or "extended",
            window=chosen["window"],
        )
        host = Host(kind="axi", bus=bus, clock=clock)
    elif chosen["spi"]:
        host = Host(kind="spi", clock=clock)
    else:
        host = Host(kind="uart", line=Line(clock=clock, baud=chosen["uart"]))
    system = generate_system(plan, host=host, **given)
    driver = {file.name: file.read_text(encoding="utf-8") for file in C_DRIVER}
    return system.files(sources=driver, formats=formats), system.description


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
