"""litelstm: trained recurrent networks to verified FPGA cores.

The names below are the public Python API; each is documented where it is defined.
"""

from golden.errors import InputError
from golden.model import IntegerModel
from golden.network import Dense, Layer, Network
from golden.quantize import quantize
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from hdl.cycles import count, steady_state
from hdl.plan import Plan
from hdl.verilog import generate

__all__ = [
    "Dense",
    "InputError",
    "IntegerModel",
    "Layer",
    "Network",
    "Plan",
    "QuantizedNetwork",
    "Settings",
    "count",
    "generate",
    "quantize",
    "steady_state",
]
