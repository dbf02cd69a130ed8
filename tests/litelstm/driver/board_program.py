"""Run every case of a folder on a board with Python 3.8 or newer, where two packages are missing.

    python board_program.py FOLDER

Each case is a folder with core.json, network.npz, x.npy, y.npy and, for a core whose weights are
loaded, image.bin. The cores are models of themselves.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import litelstm
from golden.errors import MissingToolError
from golden.link.access import AccessModel, Status
from litelstm.driver import Description, MmioBackend, ModelBackend, SerialBackend

MISSING = {
    "uart:/dev/ttyUSB0": "serial is missing: pip install pyserial",
    "spi:/dev/spidev0.0": "spidev is missing: pip install spidev",
}


class Line:
    """A serial line with the core's side at its end."""

    baudrate = 1_000_000
    timeout = None

    def __init__(self, model):
        def read(address):
            try:
                return Status.DONE, model.read(address)
            except IndexError:  # no result yet
                return Status.BUSY, 0

        def write(address, word):
            model.write(address, word)
            return Status.DONE

        self.core, self.came = AccessModel(read, write), b""

    @property
    def in_waiting(self):
        return len(self.came)

    def read(self, size=1):
        taken, self.came = self.came[:size], self.came[size:]
        return taken

    def write(self, data):
        self.came += self.core.feed(data)
        return len(data)

    def reset_input_buffer(self):
        self.came = b""

    def close(self):
        pass


def run(folder):
    """A network, a sequence, and the golden model beside it."""
    description = Description.load(folder / "core.json")
    network = litelstm.QuantizedNetwork.load(folder / "network.npz")
    image = folder / "image.bin"
    model = ModelBackend(description, {image.read_bytes(): network} if image.exists() else network)
    backend = model
    if description.window:
        backend = SerialBackend(Line(model)) if description.kind == "uart" else MmioBackend(model)
    with litelstm.open(folder / "core.json", backend) as core:
        core.load(image if image.exists() else folder / "network.npz")
        x, y = np.load(folder / "x.npy"), np.load(folder / "y.npy")
        assert core.run(x).tolist() == y.tolist(), folder
        if image.exists():
            assert "litelstm pack" in refusal(litelstm.InputError, core.load, network)
    if not (description.classes or description.every_step):
        words = litelstm.IntegerModel(network).forward(x[np.newaxis])
        assert words.tolist() == [y.tolist()], folder


def refusal(kind, function, *arguments):
    """Return the message of a function that must refuse."""
    try:
        function(*arguments)
    except kind as error:
        return str(error)
    raise AssertionError(f"{function} took {arguments}")


def main(folder):
    cases = sorted(folder.iterdir())
    for case in cases:
        run(case)
    for at, says in MISSING.items():
        assert refusal(MissingToolError, litelstm.open, cases[0] / "core.json", at) == says
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"Python {version}, NumPy {np.__version__}: {len(cases)} cores, all is well")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
