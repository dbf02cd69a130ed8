"""Good files of every reader, small ones: what mutations start from."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from golden.cells import GRU, LSTM, RNN, LiteLSTM
from golden.link import access, frames, messages
from hdl.bus.options import Bus
from hdl.export.description import describe
from hdl.packaging.system import Host, describe_system
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from sim.draw.networks import Recipe, quantized_network
from tests.networks import float_network

FILES = Path(__file__).parents[1] / "litelstm/importers/files"

RECIPES = (
    Recipe(inputs=2, units=(2,), cells=(LiteLSTM(),)),
    Recipe(inputs=2, units=(2, 1), cells=(GRU(reset="after"), LSTM(peephole="current"))),
    Recipe(inputs=1, units=(3,), outputs=None, cells=(RNN(),)),
)


def make(name: str) -> list[bytes]:
    """Make a reader's good files; the first ones are the smallest."""
    return _MAKERS[name]()


def _saved(save: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        save(path := Path(folder) / "file.npz")
        return path.read_bytes()


def _arrays(**arrays: Any) -> bytes:
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


def _shipped(*names: str) -> list[bytes]:
    return [(FILES / name).read_bytes() for name in names]


def _samples() -> list[bytes]:
    x, y = np.ones((4, 2, 3)), np.arange(4) % 2
    return [_arrays(x=x), _arrays(x=x, y=y), _arrays(x_train=x, y_train=y, x_test=x, y_test=y)]


def _plan(storage: Storage) -> Plan:
    options = CoreOptions(lanes=1, storage=storage)
    return Plan(network=quantized_network(RECIPES[0], 1), options=options)


def _core() -> list[bytes]:
    told = describe_system(_plan(Storage(weights="ram")), name="core", host=Host(bus=Bus()))
    return [json.dumps(told).encode()]


def _capacity() -> list[bytes]:
    return [json.dumps(describe(_plan(Storage(weights="ram")), name="core")).encode()]


def _serial() -> list[bytes]:
    requests = [
        access.Request(kind=access.Kind.HELLO, number=1),
        access.Request(kind=access.Kind.READ, number=2, address=1, count=3),
        access.Request(kind=access.Kind.WRITE, number=3, count=2, words=(1, 2)),
    ]
    identity = messages.Identity(
        network=b"8 bytes.", inputs=3, input_bytes=1, results=2, result_bytes=2, capacity=64
    )
    bodies = [request.pack() for request in requests]
    bodies += [access.FAULT, bytes([messages.Kind.IDENTIFY, 1]) + identity.pack()]
    return [b"".join(map(frames.encode, bodies))]


def _tflite() -> list[bytes]:
    from tests.litelstm.importers.tflite_files import Maker, lstm

    rng, maker = np.random.default_rng(1), Maker()
    weights = {"x": rng.normal(size=(4, 2, 3)), "h": rng.normal(size=(4, 2, 2))}
    x = maker.tensor("x", (1, 4, 3))
    made, _ = lstm(maker, x, 4, {**weights, "b": rng.normal(size=(4, 2))})
    return [maker.file([x], [made])]


def _program() -> list[bytes]:
    """Make a program of PyTorch; such files are large, so none is in the repository."""
    import torch

    torch.manual_seed(1)
    made = io.BytesIO()
    program = torch.export.export(torch.nn.GRU(2, 2).eval(), (torch.zeros(3, 1, 2),))
    torch.export.save(program, made)
    return [made.getvalue()]


def _flows() -> list[bytes]:
    rows = [f"{n},{n * n},{0.5 * n},{'normal' if n % 2 else 'attack'}" for n in range(12)]
    return ["\n".join(["Src IP,Flow Bytes,Duration,Label", *rows, ""]).encode()]


def _kdd() -> list[bytes]:
    """Make one file under both names that the reader looks for."""
    attacks = ("normal", "neptune", "satan", "guess_passwd", "rootkit")
    rows = [
        ",".join(["0", "tcp", "http", "SF", *(str(n * k % 7) for k in range(37)), attack, "20"])
        for n, attack in enumerate(attacks * 2)
    ]
    return ["\n".join([*rows, ""]).encode()]


def _idx() -> list[bytes]:
    images = struct.pack(">4B3I", 0, 0, 8, 3, 2, 3, 3) + bytes(range(18))
    return [gzip.compress(images, mtime=0)]


def _wav() -> list[bytes]:
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.arange(600, dtype="<i2").tobytes())
    return [made.getvalue()]


_MAKERS: dict[str, Callable[[], list[bytes]]] = {
    "network": lambda: [_saved(float_network(recipe, 1).save) for recipe in RECIPES],
    "quantized": lambda: [_saved(quantized_network(recipe, 1).save) for recipe in RECIPES],
    "samples": _samples,
    "dataset": lambda: _samples()[2:],
    "onnx": lambda: _shipped("torch_litelstm.onnx", "torch_lstm.onnx"),
    "keras": lambda: _shipped("keras_gru.keras"),
    "h5": lambda: _shipped("keras_lstm.h5"),
    "safetensors": lambda: _shipped("torch_gru.safetensors"),
    "pt": lambda: _shipped("torch_rnn.pt"),
    "pt2": _program,
    "tflite": _tflite,
    "description": lambda: _shipped("torch_gru.json", "torch_rnn.json"),
    "core": _core,
    "capacity": _capacity,
    "serial": _serial,
    "flows": _flows,
    "kdd": _kdd,
    "idx": _idx,
    "wav": _wav,
}
