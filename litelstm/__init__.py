"""litelstm: trained recurrent networks to verified FPGA cores.

The names below are the public Python API; each is documented where it is defined.
"""

from golden.errors import InputError
from golden.importers.files import import_network
from golden.importers.layers import Imported
from golden.importers.torch_modules import import_torch_module
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
    "Imported",
    "InputError",
    "IntegerModel",
    "Layer",
    "Network",
    "Plan",
    "QuantizedNetwork",
    "Settings",
    "count",
    "generate",
    "import_network",
    "import_torch_module",
    "quantize",
    "steady_state",
]
