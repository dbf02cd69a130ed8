"""Accuracy, and words compared with the golden model."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import FPGA, MNIST, MODELS, README, RESULTS

DEMO = Command(
    run="litelstm demo > log && cat build/run/report.json", seconds=60, known_as="make run"
)
ACCURACY = Command(
    run="python -m bench.mnist_accuracy --data {data}/mnist.npz --json -", seconds=60
)
RTL = Command(
    run="python -m bench.mnist_accuracy --data {data}/mnist.npz --rtl --json -", seconds=180
)


def _simulated(options: str, *, seconds: int = 120) -> Command:
    run = f"litelstm simulate {MNIST} --samples {{data}}/mnist.npz {options} --json made.json"
    return Command(run=run, seconds=seconds)


NETLIST = _simulated("--lanes 16 --netlist ecp5-25f --batch --count 1000", seconds=1500)
PACKED = Command(
    before=(
        "litelstm quantize models/mnist_litelstm.npz --calibrate {data}/mnist.npz --count 500 "
        "--weight-bits 4 -o w4.npz",
    ),
    run="litelstm simulate w4.npz --samples {data}/mnist.npz --lanes 32 --pack 2 --batch --json -",
    seconds=300,
)

WORDS = [
    Figure(
        page=RESULTS,
        shows="| MNIST rows, 2 x 64 units, official test images: float / integers W8 A8 | "
        "{float * 100} % / {golden * 100} % |",
        command=ACCURACY,
    ),
    Figure(
        page=RESULTS,
        shows="| the same images through the RTL, compiled bench | {compared} output words "
        "compared in {seconds ~40%} s, {mismatched} different |",
        command=RTL,
    ),
    Figure(
        page=RESULTS,
        shows="under Icarus from cocotb | {compared} words, {mismatched} different |",
        command=_simulated("--sim icarus --count 200 --jobs 2"),
    ),
    Figure(
        page=RESULTS,
        shows="under Verilator from cocotb | {compared} words, {mismatched} different |",
        command=_simulated("--sim verilator --count 1000 --jobs 2"),
    ),
    Figure(
        page=RESULTS,
        shows="| the same images through a core with lists of changes | {compared} output words, "
        "{mismatched} different; {cycles_per_step} cycles per step |",
        command=_simulated("--lanes 16 --delta --batch", seconds=300),
    ),
    Figure(
        page=RESULTS,
        shows="two products per multiplier, 32 lanes | {compared} output words, {mismatched} "
        "different; {cycles_per_step} cycles per step |",
        command=PACKED,
    ),
    Figure(
        page=RESULTS,
        shows="through the mapped netlist, ECP5 | {compared} output words, "
        "{mismatched} different |",
        command=NETLIST,
    ),
    Figure(
        page=FPGA,
        shows=f"| `{MNIST}` | 16 | `ecp5-25f` | compiled, `--batch` | 1,000 | {{compared}} | "
        "{mismatched} |",
        command=NETLIST,
    ),
    Figure(
        page=RESULTS,
        shows="with head, 16 lanes | {cycles_per_step.measured}, ideal {cycles_per_step.ideal} |",
        command=DEMO,
    ),
    Figure(
        page=README,
        shows="accuracy on {digits} unseen digits: float {accuracy.float * 100}%, "
        "golden model {accuracy.golden * 100}%, RTL {accuracy.rtl * 100}%",
        command=DEMO,
    ),
    *(
        Figure(
            page=README,
            shows=f"\n{label} {{compared.{bench}}} {{mismatched.{bench}}} ",
            command=DEMO,
        )
        for label, bench in (
            ("Icarus, cocotb", "icarus"),
            ("Verilator, cocotb", "verilator"),
            ("Verilator, compiled bench", "compiled"),
        )
    ),
    Figure(
        page=README,
        shows="head included: measured {cycles_per_step.measured}, ideal {cycles_per_step.ideal} "
        "on {lanes} lanes; {mac_utilization * 100}% of the multipliers at work",
        command=DEMO,
    ),
    Figure(
        page=MODELS,
        shows="float32, 37,258 parameters | ... | test {float * 100} %,",
        command=ACCURACY,
    ),
    Figure(
        page=MODELS,
        shows="23-bit accumulators | ... | test {golden * 100} %,",
        command=ACCURACY,
    ),
]
