"""Files made to do harm: they expand, point elsewhere, or hold code."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from golden.packages import load
from tests.fuzz import corpus

FILES = Path(__file__).parents[1] / "litelstm/importers/files"

HUGE = 1 << 30
"""Elements of an array that no memory holds four times."""


def _zip(path: Path, name: str, size: int) -> None:
    """Write an archive with one member of zeros."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        for _ in range(size >> 22):
            member.write(bytes(1 << 22))


def npz_bomb(path: Path) -> None:
    """Write arrays that expand from 5 MB to 1.2 GB."""
    _zip(path, "x.npy", 1_200_000_000)


def npz_pickle(path: Path) -> None:
    """Write an array of objects, which only a pickle holds."""
    np.savez(path, x=np.array([_Command(path)], dtype=object), allow_pickle=True)


def npz_shape(path: Path) -> None:
    """Write an array whose header promises more than there is."""
    np.savez(path, x=np.zeros(2))
    data = path.read_bytes().replace(b"(2,), }    ", b"(9999999,),}")
    with zipfile.ZipFile(path, "w") as archive:
        start = data.find(b"\x93NUMPY")
        archive.writestr("x.npy", data[start : start + 144])


def keras_bomb(path: Path) -> None:
    """Write a model whose description expands to 1.2 GB."""
    _zip(path, "config.json", 1_200_000_000)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')


def h5_shape(path: Path) -> None:
    """Write a model whose first weight has a huge shape and no data."""
    h5py = load("h5py", extra="import")
    path.write_bytes((FILES / "keras_lstm.h5").read_bytes())
    with h5py.File(path, "r+") as file:
        found: list[str] = []
        file["model_weights"].visititems(
            lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None
        )
        name = f"model_weights/{found[0]}"
        del file[name]
        file.create_dataset(name, (HUGE,), "f8", chunks=(1 << 16,), fillvalue=1.0)


def h5_elsewhere(path: Path) -> None:
    """Write a model whose weights lie in another file."""
    h5py = load("h5py", extra="import")
    path.write_bytes((FILES / "keras_lstm.h5").read_bytes())
    other = path.parent.parent / "secret.h5"
    with h5py.File(path, "r+") as file, h5py.File(other, "w") as secret:
        name = next(iter(file["model_weights"]))
        file.copy(f"model_weights/{name}", secret, name)
        del file[f"model_weights/{name}"]
        file[f"model_weights/{name}"] = h5py.ExternalLink(str(other), name)


def idx_bomb(path: Path) -> None:
    """Write images that expand from 1 MB to 1.2 GB."""
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(1 << 22))


def pt_pickle(path: Path) -> None:
    """Write a pickle that runs a command."""
    path.write_bytes(pickle.dumps(_Command(path)))


def pt_strides(path: Path) -> None:
    """Write a state dict with one number that repeats itself a billion times."""
    import torch

    state = torch.load(FILES / "torch_rnn.pt", weights_only=True)
    name = next(iter(state))
    torch.save({**state, name: torch.zeros(1).expand(HUGE)}, path)


def onnx_elsewhere(path: Path) -> None:
    """Write a model whose first weight lies beside the model's folder."""
    import onnx

    model = onnx.load(FILES / "torch_lstm.onnx")
    tensor = model.graph.initializer[0]
    (path.parent.parent / "secret").write_bytes(tensor.raw_data)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in {"location": "../secret", "offset": "0"}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    path.write_bytes(model.SerializeToString())


def onnx_shape(path: Path) -> None:
    """Write a model that adds a constant of a huge shape to its input."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(FILES / "torch_lstm.onnx")
    shape = numpy_helper.from_array(np.array([HUGE, 8]), "huge_shape")
    model.graph.initializer.append(shape)
    source = model.graph.input[0].name
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == source:
                node.input[index] = "huge_sum"
    made = helper.make_node("ConstantOfShape", ["huge_shape"], ["huge"], name="huge")
    total = helper.make_node("Add", [source, "huge"], ["huge_sum"], name="huge_sum")
    model.graph.node.insert(0, total)
    model.graph.node.insert(0, made)
    path.write_bytes(model.SerializeToString())


def json_nested(path: Path) -> None:
    """Write lists in lists without end."""
    path.write_bytes(b"[" * 1_000_000)


def json_numbers(path: Path) -> None:
    """Write a number of a million digits."""
    path.write_text(json.dumps({"layers": [], "input_scale": 0}).replace("0}", "9" * 10**6 + "}"))


def npz_header(path: Path) -> None:
    """Write an array whose header NumPy's tokenizer does not finish."""
    header = b"{'descr': '<f8', 'shape': (2,\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header)


def npz_member(path: Path) -> None:
    """Write an archive with a member that is no array."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", b"text")


def capacity_infinite(path: Path) -> None:
    """Write a core with an infinite number in its capacity."""
    told = json.loads(corpus.make("capacity")[0])
    told["weight_stream"]["capacity"]["lanes"] = float("inf")
    path.write_text(json.dumps(told))


def flows_lines(path: Path) -> None:
    """Write a table with a column's name of two lines."""
    path.write_text('"a\nb",c\n1,2\n')


def kdd_mixed(path: Path) -> None:
    """Write a table with an empty field among texts, and an unknown attack."""
    lines = corpus.make("kdd")[0].decode().replace("http", "", 1).replace("satan", "x", 1)
    path.write_text(lines)


def wav_empty(path: Path) -> None:
    """Write a sound without a chunk of data."""
    path.write_bytes(corpus.make("wav")[0][:36])


class _Command:
    """An object whose unpickling leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path.parent.parent / "executed"),)


HOSTILE: dict[str, tuple[str, Callable[[Path], None]]] = {
    "npz bomb": ("samples", npz_bomb),
    "npz with a pickle": ("samples", npz_pickle),
    "npz with a wrong shape": ("samples", npz_shape),
    "network that is a bomb": ("network", npz_bomb),
    "Keras bomb": ("keras", keras_bomb),
    "HDF5 of a huge shape": ("h5", h5_shape),
    "HDF5 with weights elsewhere": ("h5", h5_elsewhere),
    "idx bomb": ("idx", idx_bomb),
    "pickle": ("pt", pt_pickle),
    "state dict of a huge shape": ("pt", pt_strides),
    "ONNX with weights elsewhere": ("onnx", onnx_elsewhere),
    "ONNX of a huge shape": ("onnx", onnx_shape),
    "nested JSON": ("description", json_nested),
    "core of nested JSON": ("core", json_nested),
    "npz with half a header": ("samples", npz_header),
    "npz with text": ("samples", npz_member),
    "infinite capacity": ("capacity", capacity_infinite),
    "column of two lines": ("flows", flows_lines),
    "texts and nothing": ("kdd", kdd_mixed),
    "wav without data": ("wav", wav_empty),
    "JSON of a huge number": ("description", json_numbers),
}
"""Reader, and maker of a file, by name."""
