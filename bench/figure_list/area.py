"""Area and clock of cores."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import (
    ARCHITECTURE,
    AREA,
    FPGA,
    LC,
    LOADING,
    LUT,
    MNIST,
    MULTIPLIERS,
    NETWORKS,
    RAM,
    README,
    RESULTS,
    random_network,
)

LITE = Command(
    before=(random_network("lite.q.npz", cell="litelstm", inputs=28, units=64),),
    run="litelstm synth lite.q.npz --target ecp5-25f --lanes 16 --seeds 5 --bare-array --json -",
    seconds=240,
)
MNIST_ECP5 = Command(
    run=f"litelstm synth {MNIST} --target ecp5-25f --lanes 16 --seeds 5 --json -", seconds=420
)
LSTM = Command(
    before=(random_network("lstm.q.npz", cell="lstm", inputs=28, units=64),),
    run="litelstm synth lstm.q.npz --target ecp5-45f --lanes 32 --seeds 5 --json -",
    seconds=540,
)
SMALL = Command(
    before=(random_network("small.q.npz", cell="litelstm", inputs=8, units=24),),
    run="litelstm synth small.q.npz --target ice40-up5k --lanes 6 --tail-multipliers 1 "
    "--bare-array --json -",
    seconds=120,
)
MNIST_GUARDED = Command(
    run=f"litelstm synth {MNIST} --target ecp5-25f --lanes 16 --parity --json -", seconds=120
)
SMALL_GUARDED = Command(
    before=SMALL.before,
    run="litelstm synth small.q.npz --target ice40-up5k --lanes 6 --tail-multipliers 1 --parity "
    "--json -",
    seconds=120,
)
MNIST_UP5K = Command(
    run=f"litelstm synth {MNIST} --target ice40-up5k --lanes 8 --tail-multipliers 0 "
    "--storage ram --classes --json -",
    seconds=900,
)
MNIST_LOADED = Command(
    run=f"litelstm synth {MNIST} --target ecp5-25f --lanes 16 --storage ram --json -", seconds=180
)
PUBLISHED = Command(
    run="python -m bench.networks top-lstm top-alone top-gru flavour quickdraw activity "
    "hello-lstm --synth ecp5-85f --json -",
    seconds=330,
)
SHARED = Command(run="python -m bench.shared_multipliers --seeds 5 --json -", seconds=1500)
CELLS = Command(
    run="litelstm compare --target ecp5-85f --lanes 16 --inputs 28 --units 64 --json -", seconds=900
)

_MHZ, _SPEED = "{clock.median_mhz ~5%}", "{cycles_per_step} | {inferences_per_second ~5%} |"
_OF_ARRAY = "{clock_to_bare_array * 100 ~5%}"

_CYCLES = "{cycles_per_step}"
_OWN = "the same with a multiplier per lane"
_SHARED = (
    ("LSTM, 28 in, 64 units, weights of 8 bits; ... (5 bits overlap)", "`ecp5-25f`", 28),
    (f"{_OWN}, (3) above", "`ecp5-45f`", 72),
    ("MNIST, weights of 4 bits, c of 12; ... (1 bit overlaps)", "`ecp5-25f`", 28),
    (_OWN, "`ecp5-45f`", 72),
)
"""Rows of ``bench.shared_multipliers``: label on the page, part, and its multipliers."""

_PUBLISHED = (
    "hls4ml top tagging, LSTM",
    "its LSTM alone",
    "hls4ml top tagging, GRU",
    "hls4ml flavour tagging, LSTM",
    "hls4ml QuickDraw, LSTM",
    "activity recognition, 2 LSTMs",
    "Hello Edge, LSTM with projection",
)
"""Rows of ``bench.networks``."""

_ROW = f"| {_MHZ} | {{inferences_per_second ~5%}} |"

AREAS = [
    *(
        Figure(page=README, shows=f"| {name} | ... | {cells} {_ROW}", command=command)
        for name, cells, command in (
            ("lite-25f", LUT, LITE),
            ("mnist-25f", LUT, MNIST_ECP5),
            ("lstm-45f", LUT, LSTM),
            ("mnist-up5k", f"{LC} cells", MNIST_UP5K),
            ("small-up5k", LUT, SMALL),
        )
    ),
    Figure(
        page=RESULTS,
        shows=f"| LiteLSTM, 16 lanes, 25F | {AREA} | {_MHZ}, median of 5 seeds | "
        "{microseconds_per_step ~5%} us |",
        command=LITE,
    ),
    Figure(
        page=FPGA,
        shows=f"units (1) | 16 | `ecp5-25f` | {AREA} | {_MHZ}, median of 5 seeds | {_SPEED}",
        command=LITE,
    ),
    Figure(
        page=RESULTS,
        shows=f"The MNIST network takes {LUT} LUT4 and reaches {_MHZ} MHz on the 25F with 16 "
        "lanes: {inferences_per_second ~5%} inferences per second.",
        command=MNIST_ECP5,
    ),
    Figure(
        page=FPGA,
        shows=f"10 logits (2) | 16 | `ecp5-25f` | {AREA} | {_MHZ}, median of 5 seeds | {_SPEED}",
        command=MNIST_ECP5,
    ),
    Figure(
        page=RESULTS,
        shows=f"| LSTM, 32 lanes, 45F | {AREA} | {_MHZ}, median of 5 seeds | "
        "{microseconds_per_step ~5%} us |",
        command=LSTM,
    ),
    Figure(
        page=FPGA,
        shows=f"| LSTM, 28 in, 64 units (3) | 32 | `ecp5-45f` | {AREA} | {_MHZ}, median of 5 "
        f"seeds | {_SPEED}",
        command=LSTM,
    ),
    *(
        Figure(page=ARCHITECTURE, shows=f"| {name} | {AREA} |", command=command)
        for name, command in (
            ("MNIST, 16 lanes, ECP5-25F", MNIST_ECP5),
            ("the same, `--parity`", MNIST_GUARDED),
            ("small, 6 lanes, iCE40 UP5K", SMALL),
            ("small, `--parity`", SMALL_GUARDED),
        )
    ),
    Figure(
        page=FPGA,
        shows="The bare array of (1) reaches {bare_array.median_mhz ~5%} MHz and the core "
        "({clock.min_mhz ~5%} to {clock.max_mhz ~5%} MHz) "
        f"{_OF_ARRAY} % of it",
        command=LITE,
    ),
    Figure(page=FPGA, shows="(3) takes {microseconds_per_step ~5%} us per step", command=LSTM),
    Figure(
        page=FPGA,
        shows=f"one tail multiplier (4) | 6 | `ice40-up5k` | {AREA} | {_MHZ}, one seed | {_SPEED}",
        command=SMALL,
    ),
    Figure(
        page=FPGA,
        shows=f"(4) above, reaches {_MHZ} MHz, {_OF_ARRAY} % of its bare array's "
        "{bare_array.median_mhz ~5%} (one seed)",
        command=SMALL,
    ),
    Figure(
        page=RESULTS,
        shows=f"it takes {LC} of 5,280 logic cells with 8 lanes and reaches {_MHZ} MHz: "
        "{inferences_per_second ~5%} inferences per second",
        command=MNIST_UP5K,
    ),
    Figure(
        page=FPGA,
        shows=f"| {LC} of 5,280 | {RAM} of 30 | {MULTIPLIERS} of 8 | "
        "{resources.SPRAM.used} of 4 | {resources.pin.used} of 39 | "
        f"{_MHZ}, one seed | {_SPEED}",
        command=MNIST_UP5K,
    ),
    Figure(
        page=LOADING,
        shows=f"with 8 lanes takes {LC} of 5,280 logic cells",
        command=MNIST_UP5K,
    ),
    Figure(
        page=LOADING,
        shows=f"On an ECP5-25F with 16 lanes it takes {LUT} LUT4, {RAM} DP16KD and reaches "
        f"{_MHZ} MHz (one seed)",
        command=MNIST_LOADED,
    ),
    Figure(
        page=LOADING,
        shows=f"(one seed); with its weights in the Verilog it takes {LUT} LUT4 and reaches "
        f"{_MHZ} MHz",
        command=MNIST_ECP5,
    ),
    *(
        Figure(
            page=NETWORKS,
            shows=f"| {label} | {{lanes}} | {{cells.LUT}} | {{cells.FF}} | {{cells.multiplier}} | "
            "{cells.block RAM} |",
            command=PUBLISHED,
            at=f"networks.{number}",
        )
        for number, label in enumerate(_PUBLISHED)
    ),
    *(
        Figure(
            page=FPGA,
            shows=f"| {label} | {part} | {MULTIPLIERS} of {has} | {LUT} | {_MHZ} | {_CYCLES} |",
            command=SHARED,
            at=f"rows.{number}",
        )
        for number, (label, part, has) in enumerate(_SHARED)
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
            ("steps per second", "steps_per_second", " ~5%"),
        )
    ),
]
