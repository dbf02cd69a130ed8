"""The example in C of docs/system.md, against the RTL of the core for which it is.

Arguments: its library, and the core's network.
"""

from __future__ import annotations

import ctypes
import sys

import numpy as np

import litelstm
from litelstm.driver import running
from tests.litelstm.driver.c_driver import Callbacks

STEPS = 4

HOOKS = """
#include <stdint.h>

uint32_t (*to_read)(void *context, uint32_t address);
void (*to_write)(void *context, uint32_t address, uint32_t word);

uint32_t bus_read(void *context, uint32_t address);
void bus_write(void *context, uint32_t address, uint32_t word);

uint32_t bus_read(void *context, uint32_t address) { return to_read(context, address); }
void bus_write(void *context, uint32_t address, uint32_t word) { to_write(context, address, word); }
"""
"""Takes the place of the memory that the example has its registers in."""


def main(library: str, path: str) -> None:
    network = litelstm.QuantizedNetwork.load(path)
    calls = Callbacks(running.backend())
    example = ctypes.CDLL(library)
    for name, function in (("to_read", calls.read), ("to_write", calls.write)):
        place = ctypes.c_void_p.in_dll(example, name)
        place.value = ctypes.cast(function, ctypes.c_void_p).value
    assert example.start(None, calls.move, calls.settle) == 0
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=(STEPS, network.inputs))
        y = np.zeros(network.outputs)
        assert example.classify(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(y.ctypes.data)) == 0
        words = litelstm.IntegerModel(network).forward(network.quantize_input(x[np.newaxis]))
        assert y.tolist() == (words[0] * 2.0**-network.out.frac).tolist()
    print("right")


if __name__ == "__main__":
    main(*sys.argv[1:])
