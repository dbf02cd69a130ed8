"""Comments of a core's Verilog, the header and a line per module, and its lint waivers."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from golden.interface import Interface
from golden.link.messages import fingerprint
from hdl.plan import Plan

WIDTH = 100
_INDENT = 14

MODULES = {
    "AccessAnswer": "Sends the answer to a register access.",
    "AccessRequest": "Receives a register access, byte by byte.",
    "AccessResponder": "Carries out register accesses that arrive as packets.",
    "Answer": "Sends one answer to the host.",
    "AxiLite": "AXI4-Lite subordinate: turns its five channels into register accesses.",
    "AxiTop": "Top: the core with AXI4-Lite registers and AXI4-Stream data.",
    "BoardTop": "Top of a board: clock, reset at power-on, serial line, host link and core.",
    "BusCore": "The core with its registers, and what packs, unpacks and checks the streams.",
    "Conductor": "Keeps a sequence, and leads the core through the sweeps over it.",
    "Core": "The core: operand store, MAC array, sequencer and state update.",
    "Deframer": "Takes packets out of frames, and drops damaged ones.",
    "DualProduct": "Two products, for a multiplier that has a mode for them.",
    "FFSynchronizer": "Brings an asynchronous input into the clock domain.",
    "Framed": "Answers requests that arrive in frames.",
    "Framer": "Puts packets into frames.",
    "GuardedAccess": "A register access that waits until the register can be read or written.",
    "GuardedMemory": "A memory with a parity bit per word, which is checked when the word is read.",
    "InputGate": "Holds the input back while weights change.",
    "Intake": "Takes a sequence into the memory.",
    "InputGuard": "Turns frames of the bus into whole sequences, and reports malformed ones.",
    "JointProduct": "Products of several lanes in one multiplier.",
    "Lanes": "Multipliers and accumulators of the array, one of each per lane.",
    "LoadedMemory": "A memory of constants that are loaded.",
    "Loader": "Receives an image of weights, checks it and writes it to the memories.",
    "LogicRom": "A small table of constants.",
    "MacArray": "MAC array: one operand times one word of weights per cycle.",
    "Marks": "Remembers which sequences were malformed until their results leave.",
    "OperandStore": "Vectors that the array multiplies: x, h and c, and which elements are ready.",
    "OutputBuffer": "Queue of output words.",
    "Packer": "Packs words into beats of a bus.",
    "Processor": "CRC, one word per cycle.",
    "RegisterBlock": "Registers of the core.",
    "Responder": "Answers the host's requests.",
    "RowQueue": "Queue of rows whose sums are complete.",
    "SequenceCore": "The core with memory for a sequence, for layers that run backwards.",
    "Sequencer": "Sequencer of the array: which operand, which weights, which sum, in each cycle.",
    "SerialTop": "Top: the core with registers that a host reaches over a serial line or SPI.",
    "Shadow": "Complete sums, kept for the state update while the array works on.",
    "ShadowReader": "Reads the sums of one unit at a time for the state update.",
    "SoftProduct": "A multiplier made of adders.",
    "SpiAccess": "Register accesses over SPI.",
    "SpiBytes": "SPI, byte by byte.",
    "StateAccess": "Loads and saves the state of a stream.",
    "OpenSequences": "Knows of each stream whether a sequence is open, and what must still come.",
    "StateGuard": "Turns frames of the bus into states, and reports malformed ones.",
    "Status": "Tells the registers what happens in the core.",
    "StateUpdate": "State update: from the sums of a unit to its new state and output.",
    "StepBuffer": "Keeps the samples of a request until the core takes them.",
    "SyncFIFO": "Queue, first in, first out.",
    "Tanh": "tanh by table.",
    "Top": "Top: the core with plain streams.",
    "Totals": "Counters, and registers whose value never changes.",
    "UartAccess": "Register accesses over a serial line.",
    "UartReceiver": "Serial line in, byte by byte.",
    "UartTransmitter": "Serial line out, byte by byte.",
    "UnitDispatch": "Decides which unit enters the state update, and when.",
    "Unpacker": "Unpacks words from beats of a bus.",
    "Verdicts": "Tells of each sequence whether it was right, from its state to its end.",
    "Walker": "Walks through the memory of a sequence, word by word.",
    "WeightRam": "Memory of the loaded weights.",
    "Window": "Data registers in place of streams.",
}
"""A line on each component. Docstrings would not do: they are for readers of the Python, and
``python -OO`` drops them, but the Verilog must be the same everywhere."""


def with_comments(text: str, *, header: str, components: Iterable[str]) -> str:
    """Add a header, and a line before each module, to Verilog.

    Args:
        text: Verilog without comments.
        header: goes in front.
        components: class of the component behind each module, in the modules' order.
    """
    lines = iter(components)

    def with_line(module: re.Match[str]) -> str:
        line = MODULES.get(next(lines))
        return f"// {line}\n{module[0]}" if line else module[0]

    return header + re.sub(r"^module ", with_line, text, flags=re.MULTILINE)


def header(plan: Plan, told: Mapping[str, Any], *, host: str, network_name: str) -> str:
    """Write the header of a core's Verilog, as comments.

    The header depends on the arguments alone: no date, no path.

    Args:
        plan: of the core.
        told: its description, see :func:`hdl.export.description.describe`.
        host: its ports, in words.
        network_name: shown to the reader; may be empty.
    """
    entries = [*_network(plan, told, network_name), *_core(plan, told, host)]
    lines = [
        f"// A recurrent network on one shared MAC array: module {told['name']}.",
        "// SPDX-License-Identifier: Apache-2.0",
        "//",
        *(line for title, text in entries for line in _entry(title, text)),
        "",
        "",
    ]
    return "\n".join(lines)


def _entry(title: str, text: str) -> list[str]:
    return textwrap.wrap(
        f"{title:{_INDENT - 3}}{text}",
        width=WIDTH,
        initial_indent="// ",
        subsequent_indent="// ".ljust(_INDENT),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _network(plan: Plan, told: Mapping[str, Any], network_name: str) -> list[tuple[str, str]]:
    """Describe the network: its name, its fingerprint, and its layers."""
    mark = fingerprint(plan.network, Interface(classes=plan.options.interface.classes)).hex()
    shown = (
        network_name if re.fullmatch(r"[\w.+-]*", network_name, re.ASCII) else ascii(network_name)
    )
    loaded = "; its weights are loaded, others may be" if plan.options.storage.loadable else ""
    entries = [("Network", f"{shown + ', ' if shown else ''}fingerprint {mark}{loaded}")]
    for layer in told["layers"]:
        if layer["name"] == "head":
            sizes = f"{layer['inputs']} inputs, {layer['outputs']} outputs"
            entries.append(("head", f"dense, {sizes}, weights of {layer['weight_width']} bits"))
            continue
        known = ("name", "cell", "inputs", "units", "weight_width", "product_fracs", "formats")
        options = [f"{key} {value}" for key, value in layer.items() if key not in known]
        sizes = f"{layer['inputs']} inputs, {layer['units']} units"
        formats = ", ".join(f"{key}{_format(to)}" for key, to in layer["formats"].items())
        text = ", ".join(
            [layer["cell"], *options, sizes, f"weights of {layer['weight_width']} bits"]
        )
        entries.append((layer["name"], f"{text}; formats {formats}"))
    return entries


def _words(x: Mapping[str, Any]) -> str:
    """Describe a step's input words, and what whoever feeds a sequence adds to its samples."""
    folded, more = x.get("samples_per_step", 1), x.get("zero_steps_after", 0)
    words = f"{x['words_per_step']} words per step"
    words += f" ({folded} samples)" if folded > 1 else ""
    words += f" (an index from 0 to {x['indices'] - 1})" if "indices" in x else ""
    zeros = f", {more} step{'s' * (more > 1)} of zeros behind a sequence"
    return words + (zeros if more else "")


def _core(plan: Plan, told: Mapping[str, Any], host: str) -> list[tuple[str, str]]:
    """Describe the core: words at its ports, sizes, options, timing, and versions of its tools."""
    x, y, timing = told["input"], told["output"], told["timing"]
    options = {
        **told["interface"],
        **told["storage"],
        "tail multipliers": plan.options.tail_multipliers,
        **({"max steps": plan.options.max_steps} if plan.options.max_steps else {}),
        **({"delta": True} if plan.options.delta else {}),
        **({"parity": True} if plan.options.parity else {}),
    }
    return [
        ("Input", f"{_words(x)}, format {_format(x['format'])}"),
        (
            "Output",
            f"{y['words_per_result']} words per result ({y['meaning']}), "
            f"format {_format(y['format'])}",
        ),
        ("", "<w,f> is a signed word of w bits, f of them fraction."),
        (
            "Array",
            f"{plan.options.lanes} lanes{_joint(plan)}, accumulators of "
            f"{plan.sizes.accumulator_width} bits",
        ),
        ("Ports", host),
        (
            "Options",
            ", ".join(f"{key.replace('_', ' ')} {_word(value)}" for key, value in options.items()),
        ),
        (
            "Timing",
            f"{timing['cycles_per_step']:.10g} cycles per step in steady state, "
            f"{timing['ideal_cycles_per_step']:.10g} is ideal",
        ),
        ("Made by", ", ".join(f"{tool} {number}" for tool, number in told["versions"].items())),
        ("Licence", "Apache-2.0 for the logic; the weights are those of the network's owner"),
    ]


def _joint(plan: Plan) -> str:
    """Tell how many multipliers the lanes share, if they do."""
    return f" in {plan.array_multipliers} multipliers" if plan.joint else ""


def _format(value: Mapping[str, int]) -> str:
    return f"<{value['width']},{value['frac']}>"


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def waivers(file: str) -> str:
    """Write Verilator's waivers for a generated file, each with its reason.

    Args:
        file: name of the Verilog file.
    """
    return _WAIVERS.format(file=file)


_WAIVERS = """\
// What `verilator --lint-only -Wall` may say of {file}: give it this file before that one.
`verilator_config

// One file has all modules.
lint_off -rule DECLFILENAME -file "*{file}"

// A register has the value that an FPGA gives it at configuration; its process sets the others.
lint_off -rule PROCASSINIT -file "*{file}"

// Fields of structures have names of their own, for waveforms; synthesis drops what nothing reads.
lint_off -rule UNUSEDSIGNAL -file "*{file}"
"""
