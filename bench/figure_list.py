"""Every figure of README and docs with the command that makes it: see :mod:`bench.figures`.

To move a row to another page, change the page that its entry names. Spreads are those that are
stated on the pages: none for what is counted; 5 % for a clock, which moves with the netlist; 10 %
for ratios of rates, 40 % for rates, which drift as much on shared machines.
"""

from __future__ import annotations

from bench.cycles import ROWS
from bench.figures import Command, Figure

README, FPGA, BOARDS, BUS = "README.md", "docs/fpga.md", "docs/boards.md", "docs/bus.md"
ARCHITECTURE, CONFORMANCE = "docs/architecture.md", "docs/conformance.md"
LOADING, SIMULATION, TRAINING = "docs/loading.md", "docs/simulation.md", "docs/training.md"

MNIST = "models/mnist_litelstm_w8a8.npz"


def _random(file: str, **sizes: int | str) -> str:
    """The command that makes a network of random weights."""
    words = ", ".join(f"{name}={value!r}" for name, value in sizes.items())
    make = f"from litelstm.architectures import Architecture as A; A({words}).quantized()"
    return f'python -c "{make}.save({file!r})"'


# Cycles

COUNTED = Command(run="python -m bench.cycles --count --json")
SIMULATED = Command(run="python -m bench.cycles --json", seconds=120)
CYCLES_TABLE = README


def _cycles() -> list[Figure]:
    """Both ways to each row of the table of cycles; one row names what it is the same as."""
    found: list[Figure] = []
    for number, row in enumerate(ROWS):
        label = "the same, 2 interleaved streams" if row.streams > 1 else row.title
        for command, key in ((COUNTED, "formula"), (SIMULATED, "measured")):
            shows = f"\n| {label} | {{{key}}} | {{ideal}} |"
            figure = Figure(page=CYCLES_TABLE, shows=shows, command=command, at=f"rows.{number}")
            found.append(figure)
    return found


MNIST_CYCLES = Command(run=f"litelstm cycles {MNIST} --lanes 16 --json")
RELOADED = Command(run=f"litelstm cycles {MNIST} --lanes 16 --weights ram --json")
IMAGE = Command(
    run=f"litelstm generate {MNIST} --lanes 16 --weights ram -o build",
    seconds=5,
    prints="weights.bin: {words} words for i_weights",
)
COMPARED = Command(run="litelstm compare --inputs 28 --units 64 --lanes 16 --json")

COUNTS = [
    *_cycles(),
    Figure(
        page=README,
        shows="| cycles per step, LiteLSTM, 28 in, 64 units, 16 lanes | {formula}, ideal {ideal} |",
        command=COUNTED,
        at="rows.4",
    ),
    Figure(
        page=README,
        shows="the MNIST network with head, 16 lanes | {cycles_per_sequence / steps}, ideal ...|",
        command=MNIST_CYCLES,
    ),
    Figure(page=README, shows="of 32 bits | {load} cycles", command=RELOADED),
    Figure(page=README, shows="reload of the MNIST network, {words} words", command=IMAGE),
    Figure(page=LOADING, shows="has an image of {words} words", command=IMAGE),
    Figure(page=FPGA, shows="An image has {words} words", command=IMAGE),
    Figure(page=LOADING, shows="until `i` is ready are {load} cycles", command=RELOADED),
    Figure(
        page=FPGA,
        shows="| parameters | {0.parameters_ratio} | {1.parameters_ratio} | 1 ({2.parameters}) | "
        "{3.parameters_ratio} | {4.parameters_ratio} |",
        command=COMPARED,
        at="cells",
    ),
    Figure(
        page=FPGA,
        shows="| cycles a step | {0.cycles_ratio} | {1.cycles_ratio} | 1 ({2.cycles_per_step}) | "
        "{3.cycles_ratio} | {4.cycles_ratio} |",
        command=COMPARED,
        at="cells",
    ),
    Figure(
        page=ARCHITECTURE,
        shows="the array works in all {4.formula} cycles",
        command=COUNTED,
        at="rows",
    ),
    Figure(
        page=ARCHITECTURE,
        shows="{10.formula} cycles a step alone, {11.formula} with two",
        command=COUNTED,
        at="rows",
    ),
]

# Words and accuracy

DEMO = Command(
    run="litelstm demo > log && cat build/run/report.json", seconds=60, known_as="make run"
)
ACCURACY = Command(run="python -m bench.mnist_accuracy --data {data}/mnist.npz --json", seconds=60)
RTL = Command(
    run="python -m bench.mnist_accuracy --data {data}/mnist.npz --rtl --json", seconds=180
)


def _simulated(options: str) -> Command:
    run = f"litelstm simulate {MNIST} --samples {{data}}/mnist.npz {options} --json made.json"
    return Command(run=run, seconds=120)


WORDS = [
    Figure(
        page=README,
        shows="| MNIST rows, 2 x 64 units, official test images: float / integers W8 A8 | "
        "{float * 100} % / {golden * 100} % |",
        command=ACCURACY,
    ),
    Figure(
        page=README,
        shows="| the same images through the RTL, compiled bench | {compared} output words "
        "compared in {seconds ~40%} s, {mismatched} different |",
        command=RTL,
    ),
    Figure(
        page=README,
        shows="under Icarus from cocotb | {compared} words, {mismatched} different |",
        command=_simulated("--sim icarus --count 200 --jobs 2"),
    ),
    Figure(
        page=README,
        shows="under Verilator from cocotb | {compared} words, {mismatched} different |",
        command=_simulated("--sim verilator --count 1000 --jobs 2"),
    ),
    Figure(
        page=FPGA,
        shows=f"| `{MNIST}` | 16 | `ecp5-25f` | compiled, `--batch` | 20 | {{compared}} | "
        "{mismatched} |",
        command=_simulated("--count 20 --lanes 16 --netlist ecp5-25f --batch"),
    ),
    Figure(
        page=README,
        shows="with head, 16 lanes | {cycles_per_step.measured}, ideal {cycles_per_step.ideal} |",
        command=DEMO,
    ),
]

# Rates

SIM_SPEED = Command(run="python -m bench.sim_speed --json", seconds=180)
GOLDEN_SPEED = Command(run="python -m bench.golden_speed --json", seconds=30)
TRAIN_SPEED = Command(run="python -m bench.train_speed --json", seconds=30)
LARGE = Command(run="python -m bench.generate_large --json", seconds=60)

RATES = [
    Figure(
        page=README,
        shows="the same model with Python idle | {cocotb/idle ~10%} |",
        command=SIM_SPEED,
    ),
    Figure(
        page=README,
        shows="one model each, of CPU time | {compiled/cocotb ~10%} |",
        command=SIM_SPEED,
    ),
    Figure(
        page=SIMULATION,
        shows="the compiled bench runs {compiled/cocotb ~10%} times as many cycles a second as "
        "cocotb ({compiled / 1e6 ~40%} against {cocotb / 1e6 ~40%} million)",
        command=SIM_SPEED,
    ),
    Figure(
        page=README,
        shows="against a float `torch.nn.LSTM` layer | {golden ~40%} against {torch_lstm ~40%}, "
        "ratio {ratio ~10%};",
        command=GOLDEN_SPEED,
        at="batch 256",
    ),
    Figure(
        page=README,
        shows="against an LSTM written the same way, CPU time | "
        "{litelstm / LSTM, loop of addmm ~10%} |",
        command=TRAIN_SPEED,
    ),
    Figure(
        page=TRAINING,
        shows="Forward and backward pass take {litelstm / LSTM, loop of addmm ~10%} times the CPU "
        "time",
        command=TRAIN_SPEED,
    ),
    Figure(
        page=TRAINING,
        shows="torch.nn.LSTM, in C++, takes {torch.nn.LSTM / LSTM, loop of addmm ~10%})",
        command=TRAIN_SPEED,
    ),
    Figure(
        page=README,
        shows="(1,048,576 weights) to Verilog | {seconds ~40%} s, {peak_mib / 1024 ~10%} GiB |",
        command=LARGE,
    ),
]

# Area and clock

LITE = Command(
    before=(_random("lite.q.npz", cell="litelstm", inputs=28, units=64),),
    run="litelstm synth lite.q.npz --target ecp5-25f --lanes 16 --seeds 5 --bare-array --json",
    seconds=600,
)
MNIST_ECP5 = Command(run=f"litelstm synth {MNIST} --target ecp5-25f --lanes 16 --json", seconds=120)
LSTM = Command(
    before=(_random("lstm.q.npz", cell="lstm", inputs=28, units=64),),
    run="litelstm synth lstm.q.npz --target ecp5-45f --lanes 32 --json",
    seconds=180,
)
SMALL = Command(
    before=(_random("small.q.npz", cell="litelstm", inputs=8, units=24),),
    run="litelstm synth small.q.npz --target ice40-up5k --lanes 6 --tail-multipliers 1 "
    "--seeds 5 --bare-array --json",
    seconds=300,
)
MNIST_UP5K = Command(
    run=f"litelstm synth {MNIST} --target ice40-up5k --lanes 8 --tail-multipliers 0 "
    "--weights ram --classes --json",
    seconds=900,
)
MNIST_LOADED = Command(
    run=f"litelstm synth {MNIST} --target ecp5-25f --lanes 16 --weights ram --json", seconds=180
)
CELLS = Command(
    run="litelstm compare --target ecp5-85f --lanes 16 --inputs 28 --units 64 --json", seconds=900
)

_LUT, _FF = "{resources.LUT.used}", "{resources.FF.used}"
_RAM, _MULTIPLIERS = "{resources.block RAM.used}", "{resources.multiplier.used}"
_LC = "{resources.logic cell.used}"
_AREA = f"{_LUT} | {_FF} | {_RAM} | {_MULTIPLIERS}"
_MHZ, _SPEED = "{clock.median_mhz ~5%}", "{cycles_per_step} | {inferences_per_second ~5%} |"
_SPREAD = "{clock.min_mhz ~5%} to {clock.max_mhz ~5%}"
_OF_ARRAY = "{clock_to_bare_array * 100 ~5%}"
_OTHERS = "{resources.LUT.used - parts.array.LUT}"

AREAS = [
    Figure(
        page=README,
        shows=f"| LiteLSTM, 16 lanes, 25F | {_LUT}, of which {_OTHERS} are not the array | {_FF} | "
        f"{_RAM} | {_MULTIPLIERS} | {_MHZ}, median of 5 seeds; {_OF_ARRAY} % of the bare array's | "
        "{microseconds_per_step ~5%} us |",
        command=LITE,
    ),
    Figure(
        page=FPGA,
        shows=f"units (1) | 16 | `ecp5-25f` | {_AREA} | {_MHZ}, median of 5 seeds ({_SPREAD}) | "
        f"{_SPEED}",
        command=LITE,
    ),
    Figure(
        page=FPGA,
        shows=f"Of (1)'s {_LUT} LUTs everything but the array takes {_OTHERS} (26 %) and two "
        "multipliers: state update {parts.state update.LUT}, activations {parts.activations.LUT}, "
        "control {parts.control.LUT}.",
        command=LITE,
    ),
    Figure(
        page=FPGA,
        shows="The bare array of (1) reaches {bare_array.median_mhz ~5%} MHz (median of 5 seeds: "
        "{bare_array.min_mhz ~5%} to {bare_array.max_mhz ~5%}), of which the core has "
        f"{_OF_ARRAY} %.",
        command=LITE,
    ),
    Figure(
        page=README,
        shows=f"The MNIST network takes {_LUT} LUT4 and {_MHZ} MHz on the 25F with 16 lanes "
        "({inferences_per_second ~5%} inferences a second).",
        command=MNIST_ECP5,
    ),
    Figure(
        page=FPGA,
        shows=f"10 logits (2) | 16 | `ecp5-25f` | {_AREA} | {_MHZ}, one seed | {_SPEED}",
        command=MNIST_ECP5,
    ),
    Figure(
        page=README,
        shows=f"| LSTM, 32 lanes, 45F | {_AREA} | {_MHZ}, one seed | "
        "{microseconds_per_step ~5%} us |",
        command=LSTM,
    ),
    Figure(
        page=FPGA,
        shows=f"| LSTM, 28 in, 64 units (3) | 32 | `ecp5-45f` | {_AREA} | {_MHZ}, one seed | "
        f"{_SPEED}",
        command=LSTM,
    ),
    Figure(page=FPGA, shows="(3) takes {microseconds_per_step ~5%} us a step", command=LSTM),
    Figure(
        page=FPGA,
        shows=f"one tail multiplier (4) | 6 | `ice40-up5k` | {_AREA} | {_MHZ}, median of 5 seeds "
        f"({_SPREAD}) | {_SPEED}",
        command=SMALL,
    ),
    Figure(
        page=FPGA,
        shows=f"(4) above, reaches {_MHZ} MHz, {_OF_ARRAY} % of its bare array's "
        "{bare_array.median_mhz ~5%} (medians of 5 seeds)",
        command=SMALL,
    ),
    Figure(
        page=README,
        shows=f"it takes {_LC} of 5,280 logic cells with 8 lanes and runs at {_MHZ} MHz "
        "({inferences_per_second ~5%} inferences a second)",
        command=MNIST_UP5K,
    ),
    Figure(
        page=FPGA,
        shows=f"| {_LC} of 5,280 | {_RAM} of 30 | {_MULTIPLIERS} of 8 | "
        "{resources.SPRAM.used} of 4 | {resources.pin.used} of 39 | "
        f"{_MHZ}, one seed | {_SPEED}",
        command=MNIST_UP5K,
    ),
    Figure(
        page=LOADING,
        shows=f"with 8 lanes takes {_LC} of 5,280 logic cells",
        command=MNIST_UP5K,
    ),
    Figure(
        page=LOADING,
        shows=f"On an ECP5-25F with 16 lanes it takes {_LUT} LUT4, {_RAM} DP16KD and {_MHZ} MHz "
        "(one seed)",
        command=MNIST_LOADED,
    ),
    Figure(
        page=LOADING,
        shows=f"(one seed), {_LUT} and {_MHZ} MHz with all in the Verilog",
        command=MNIST_ECP5,
    ),
    *(
        Figure(
            page=FPGA,
            shows=f"| {label} | {{0.ratios.{key}{spread}}} | {{1.ratios.{key}{spread}}} | "
            f"1 ({{2.values.{key}{spread}}}) | {{3.ratios.{key}{spread}}} | "
            f"{{4.ratios.{key}{spread}}} |",
            command=CELLS,
            at="cells",
        )
        for label, key, spread in (
            ("weight bits", "weight_bits", ""),
            ("block RAMs", "block_rams", ""),
            ("LUTs", "luts", ""),
            ("multipliers", "multipliers", ""),
            ("MHz, one seed", "mhz", " ~5%"),
            ("steps a second", "steps_per_second", " ~5%"),
        )
    ),
]

# Buses and boards

BUS_AREA = Command(run="python -m bench.bus_area --seeds 0 --json", seconds=100)
BUS_CLOCK = Command(run="python -m bench.bus_area --json", seconds=1200)
SOAK = Command(
    run="python -m sim.bus_soak --operations 1000000 --seed 1",
    seconds=300,
    prints="{operations} operations, seed",
)


def _area(key: str) -> str:
    """The cells of :mod:`bench.bus_area` as a row of docs/bus.md."""
    kinds = ("LUT", "FF", "block RAM", "multiplier")
    return " | ".join(f"{{{key}.used.{kind}}}" for kind in kinds)


def _clock(key: str) -> str:
    return f"{{{key}.mhz.least ~5%}} to {{{key}.mhz.most ~5%}}"


BUSES = [
    Figure(
        page=README,
        shows="16 lanes, 32-bit bus | {AXI adds.used.LUT} LUT4, {AXI adds.used.FF} FF, "
        "{AXI adds.used.block RAM} DP16KD;",
        command=BUS_AREA,
    ),
    Figure(
        page=README,
        shows="DP16KD; {with AXI.mhz.median ~5%} MHz, core alone {core alone.mhz.median ~5%} "
        "(medians of 5 seeds) |",
        command=BUS_CLOCK,
    ),
    *(
        Figure(page=BUS, shows=f"| {key} | {_area(key)} |", command=BUS_AREA)
        for key in ("core alone", "with AXI", "AXI adds")
    ),
    Figure(
        page=BUS,
        shows=f"{{core alone.mhz.median ~5%}} MHz alone ({_clock('core alone')}), "
        f"{{with AXI.mhz.median ~5%}} MHz with AXI ({_clock('with AXI')}).",
        command=BUS_CLOCK,
    ),
    Figure(page=README, shows="| {operations}, none different, 4 minutes |", command=SOAK),
    Figure(page=BUS, shows="in a compiled bench, {operations} operations", command=SOAK),
]


def _board(network: str, board: str, lanes: int, samples: str, count: int, seconds: int) -> Command:
    build = f"litelstm build {network} --board {board} --lanes {lanes} -o board"
    link = f"python -m bench.board_link board {network} --samples digits.npz --count {count} --json"
    return Command(before=(samples, build), run=link, seconds=seconds)


_MNIST_DIGITS = (
    "python -c \"import numpy; d = numpy.load('{data}/mnist.npz'); "
    "numpy.savez('digits.npz', x=d['x_test'], y=d['y_test'])\""
)
ULX3S = _board(MNIST, "ulx3s-85f", 16, _MNIST_DIGITS, 10, 300)
DIGITS = "models/digits_litelstm_w8a8.npz"
ICEBREAKER = _board(
    DIGITS, "icebreaker", 2, "litelstm samples --task digits -o digits.npz", 50, 300
)

TOO_LARGE = Command(
    run=f"litelstm build {DIGITS} --board icebreaker --lanes 4 -o board 2>&1 || true",
    seconds=60,
    prints="do not fit icebreaker: {cells} logic cells of",
)

_WORDS = "{compared} of {samples} digits, {mismatched} | {ms_per_sample} ms |"
BOARD_FIGURES = [
    Figure(
        page=BOARDS,
        shows=f"| `ulx3s-85f` | 16 | {_AREA} | {{mhz ~5%}}, of 25 | {{microseconds_per_step}} us | "
        f"{_WORDS}",
        command=ULX3S,
    ),
    Figure(
        page=BOARDS,
        shows=f"| `icebreaker` | 2 | {_LUT} ({_LC} logic cells) | {_FF} | {_RAM} | {_MULTIPLIERS} "
        f"| {{mhz ~5%}}, of 12 | {{microseconds_per_step}} us | {_WORDS}",
        command=ICEBREAKER,
    ),
    Figure(
        page=BOARDS,
        shows=f"with 2 lanes its accumulators go to block RAM and {_LC} are enough",
        command=ICEBREAKER,
    ),
    Figure(page=BOARDS, shows="with 4 lanes it needs {cells} logic cells", command=TOO_LARGE),
]

# Training

QAT = Command(
    run="litelstm train --task mnist --data {data}/mnist.npz --qat models/mnist_litelstm.npz "
    "--weights 4 -o w4.npz --json w4.json",
    seconds=150,
)


def _trained(task: str, label: str) -> Figure:
    """A LiteLSTM of three seeds: a row of README, made by what makes docs/paper_tables.md."""
    command = Command(
        run=f"python -m bench.paper_tables --data-dir {{data}} --tasks {task} --cells litelstm",
        seconds=1500 if task == "mnist" else 300,
        prints="| floats | {floats}% ± {spread} | ... | integers | {integers}% ± {their_spread} |",
    )
    return Figure(
        page=README,
        shows=f"| {label} | {{floats ~1%}} ± {{spread ~10%}} % / "
        "{integers ~1%} ± {their_spread ~10%} %",
        command=command,
    )


TRAINED = [
    Figure(
        page=README,
        shows="trained in integers / rounded | {test.accuracy * 100} % /",
        command=QAT,
    ),
    Figure(
        page=TRAINING,
        shows="{test.accuracy * 100} % of the official test images after {epochs} epochs "
        "({cpu_seconds ~40%} s of CPU time)",
        command=QAT,
    ),
    _trained("mnist", "LiteLSTM of 3 seeds, float / integers W8 A8: MNIST"),
    _trained("speech", "speech digits"),
    _trained("iot", "IoT, two classes"),
    _trained("intrusion", "intrusion, five classes"),
    _trained("emotion", "emotion, seven classes"),
]

# Counts of what is verified

PROOFS = Command(
    run='python -c "import json; from sim.formal.cases import CASES; '
    "print(json.dumps({'cores': len(CASES)}))\"",
    known_as="make formal",
)


def _collected(file: str, row: str) -> Figure:
    command = Command(
        run=f"cd $PYTHONPATH && pytest tests/conformance/{file} --collect-only -q",
        prints="{tests} tests collected",
        known_as="make test",
    )
    return Figure(page=CONFORMANCE, shows=f"{row} | {{tests}} |", command=command)


VERIFIED = [
    Figure(page=README, shows="are proved without bound for {cores} small cores", command=PROOFS),
    _collected("test_pytorch.py", "steps 1 to 50; float32 and float64"),
    _collected("test_keras.py", "`Bidirectional`, stacks; initial states"),
]

FIGURES = (
    *COUNTS,
    *WORDS,
    *RATES,
    *AREAS,
    *BUSES,
    *BOARD_FIGURES,
    *TRAINED,
    *VERIFIED,
)
"""All of them."""

WITHOUT_COMMAND = (
    "docs/quantization.md: the tables of SQNR at few bits, of tanh tables and of the search",
    "docs/fpga.md, README.md: elastic-ai.creator's area and clock",
    "docs/conformance.md: errors; the tests in tests/conformance bound them",
    "docs/paper_tables.md: the rows other than LiteLSTM's accuracy",
)
"""What no command of this list makes."""
