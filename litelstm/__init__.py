"""litelstm: trained recurrent networks to verified FPGA cores.

The names below are the public Python API; each is documented where it is defined. Python imports
them at first use, so that the driver works on a board with NumPy alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from golden.cells import GRU, LSTM, RNN, Dense, LiteLSTM
    from golden.errors import InputError, MissingToolError
    from golden.layers import dense
    from golden.model import IntegerModel
    from golden.network import Layer, Network
    from golden.quantize import quantize
    from golden.quantized import QuantizedNetwork
    from golden.settings import Settings
    from hdl.cycles import count, steady_state
    from hdl.plan import Plan
    from hdl.verilog import generate
    from litelstm.driver.core import Core
    from litelstm.driver.errors import DriverError
    from litelstm.driver.opening import open_core as open
    from litelstm.importers.files import import_network
    from litelstm.importers.proof import Imported
    from litelstm.importers.torch_modules import import_torch_module

_HOME = {
    "Core": "litelstm.driver.core",
    "Dense": "golden.cells",
    "DriverError": "litelstm.driver.errors",
    "GRU": "golden.cells",
    "Imported": "litelstm.importers.proof",
    "InputError": "golden.errors",
    "IntegerModel": "golden.model",
    "LSTM": "golden.cells",
    "Layer": "golden.network",
    "LiteLSTM": "golden.cells",
    "MissingToolError": "golden.errors",
    "Network": "golden.network",
    "Plan": "hdl.plan",
    "QuantizedNetwork": "golden.quantized",
    "RNN": "golden.cells",
    "Settings": "golden.settings",
    "count": "hdl.cycles",
    "dense": "golden.layers",
    "generate": "hdl.verilog",
    "import_network": "litelstm.importers.files",
    "import_torch_module": "litelstm.importers.torch_modules",
    "open": "litelstm.driver.opening",
    "quantize": "golden.quantize",
    "steady_state": "hdl.cycles",
}
"""Module that defines each name."""

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Core",
    "Dense",
    "DriverError",
    "Imported",
    "InputError",
    "IntegerModel",
    "Layer",
    "LiteLSTM",
    "MissingToolError",
    "Network",
    "Plan",
    "QuantizedNetwork",
    "Settings",
    "count",
    "dense",
    "generate",
    "import_network",
    "import_torch_module",
    "open",
    "quantize",
    "steady_state",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), "open_core" if name == "open" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
