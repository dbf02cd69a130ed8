"""Driver of a core for programs: on a board, on a host, in a simulator.

It needs NumPy only; see docs/system.md.
"""

from litelstm.driver.backend import Backend, StreamBackend, WindowBackend
from litelstm.driver.channels import DmaBackend, MmioBackend
from litelstm.driver.core import Core
from litelstm.driver.description import Description
from litelstm.driver.errors import CoreTimeoutError, DriverError
from litelstm.driver.model import ModelBackend
from litelstm.driver.opening import open_core
from litelstm.driver.serial_port import SerialBackend
from litelstm.driver.spi_port import SpiBackend

__all__ = [
    "Backend",
    "Core",
    "CoreTimeoutError",
    "Description",
    "DmaBackend",
    "DriverError",
    "MmioBackend",
    "ModelBackend",
    "SerialBackend",
    "SpiBackend",
    "StreamBackend",
    "WindowBackend",
    "open_core",
]
