"""Rates and times on this machine."""

from __future__ import annotations

from bench.figure import Command, Figure
from bench.figure_list.common import RESULTS, SIMULATION, TRAINING

SIM_SPEED = Command(run="python -m bench.sim_speed --json -", seconds=180)
GOLDEN_SPEED = Command(run="python -m bench.golden_speed --json -", seconds=30)
TRAIN_SPEED = Command(run="python -m bench.train_speed --json -", seconds=30)
LARGE = Command(run="python -m bench.generate_large --json -", seconds=10)
LARGER = Command(
    run="python -m bench.generate_large --inputs 1024 --units 2048 --json -", seconds=60
)
MNIST = Command(
    run="python -m bench.generate_large --network models/mnist_litelstm_w8a8.npz --json -",
    seconds=10,
)

RATES = [
    Figure(
        page=RESULTS,
        shows="the same model with Python idle | {cocotb/idle ~10%} |",
        command=SIM_SPEED,
    ),
    Figure(
        page=RESULTS,
        shows="one model each, of CPU time | {compiled/cocotb ~10%} |",
        command=SIM_SPEED,
    ),
    Figure(
        page=SIMULATION,
        shows="the compiled bench runs {compiled/cocotb ~10%} times as many cycles per second as "
        "cocotb ({compiled / 1e6 ~40%} against {cocotb / 1e6 ~40%} million)",
        command=SIM_SPEED,
    ),
    Figure(
        page=RESULTS,
        shows="against a float `torch.nn.LSTM` layer | {golden ~40%} against {torch_lstm ~40%}, "
        "ratio {ratio ~10%};",
        command=GOLDEN_SPEED,
        at="litelstm, batch 256",
    ),
    Figure(
        page=RESULTS,
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
        page=RESULTS,
        shows="(1,048,576 weights) to Verilog | {cpu_seconds ~40%} s of CPU, {peak_mib ~10%} MiB |",
        command=LARGE,
    ),
    Figure(
        page=RESULTS,
        shows="(16,777,216 weights) | {cpu_seconds ~40%} s of CPU, {peak_mib ~10%} MiB |",
        command=LARGER,
    ),
    Figure(
        page=RESULTS,
        shows="the second time in a process | {again_seconds ~40%} s of CPU |",
        command=MNIST,
    ),
]
