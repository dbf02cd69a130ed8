"""Every reader of files and bytes, and the mutation that suits its format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from golden.formats import Format
from golden.link import access, frames, messages
from golden.network import Network
from golden.quantized import QuantizedNetwork
from litelstm import samples
from litelstm.data import arrays, idx, speech, tables
from litelstm.driver.description import Description
from litelstm.importers import torch_description
from litelstm.importers.files import import_network
from litelstm.packing import read_capacity
from sim.draw.networks import Recipe, quantized_network
from tests.fuzz import mutation
from tests.fuzz.guard import MEMORY


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A reader.

    Attributes:
        suffix: of its files' names.
        read: reads a file.
        mutate: changes a file's bytes.
        memory: the most bytes that the process may take.
    """

    suffix: str
    read: Callable[[Path], object]
    mutate: mutation.Mutate = mutation.of_bytes
    memory: int = MEMORY


def _state_dict(path: Path) -> object:
    description = {
        ".safetensors": "torch_gru.json",
        ".pt": "torch_rnn.json",
    }[path.suffix]
    files = Path(__file__).parents[1] / "litelstm/importers/files"
    return import_network(path, description=files / description)


def _serial(path: Path) -> object:
    """Feed all decoders of the serial lines."""
    data = path.read_bytes()
    model = access.AccessModel(
        lambda address: (access.Status.DONE, address), lambda address, word: access.Status.DONE
    )
    model.feed(data)
    for body in frames.Decoder(longest=64).feed(data):
        if body is not None:
            access.Answer.unpack(body)
            try:
                messages.Identity.unpack(body[messages.HEADER :])
            except ValueError:  # a wrong length, which its caller names
                continue
    whole = len(data) // 3 * 3
    return messages.unpack_words(data[:whole], messages.bytes_of(Format(width=18, frac=0)))


def _kdd(path: Path) -> object:
    """Read a file as both files of the data set."""
    for name in ("KDDTrain+.txt", "KDDTest+.txt"):
        path.with_name(name).write_bytes(path.read_bytes())
    return tables.load_nsl_kdd(path.parent)


def _samples(path: Path) -> object:
    network = quantized_network(Recipe(inputs=3, units=(1,)), 1)
    return samples.load(path, network=network, count=2)


def _wav(path: Path) -> object:
    return speech.spectra([path], 13, 40)


READERS = {
    "network": Reader(suffix=".npz", read=Network.load, mutate=mutation.of_zip),
    "quantized": Reader(suffix=".npz", read=QuantizedNetwork.load, mutate=mutation.of_zip),
    "samples": Reader(
        suffix=".npz",
        read=_samples,
        mutate=mutation.of_zip,
    ),
    "dataset": Reader(
        suffix=".npz", read=lambda path: arrays.load(path, ("a", "b")), mutate=mutation.of_zip
    ),
    "onnx": Reader(suffix=".onnx", read=import_network),
    "keras": Reader(suffix=".keras", read=import_network, mutate=mutation.of_zip),
    "h5": Reader(suffix=".h5", read=import_network),
    "safetensors": Reader(suffix=".safetensors", read=_state_dict, mutate=mutation.of_safetensors),
    "pt": Reader(suffix=".pt", read=_state_dict, mutate=mutation.of_zip),
    "pt2": Reader(
        suffix=".pt2", read=import_network, mutate=mutation.of_zip, memory=16 * MEMORY
    ),  # PyTorch takes memory as the file says
    "tflite": Reader(suffix=".tflite", read=import_network),
    "description": Reader(suffix=".json", read=torch_description.read, mutate=mutation.of_json),
    "core": Reader(suffix=".json", read=Description.load, mutate=mutation.of_json),
    "capacity": Reader(suffix=".json", read=read_capacity, mutate=mutation.of_json),
    "serial": Reader(suffix=".bin", read=_serial),
    "flows": Reader(suffix=".csv", read=tables.load_flows, mutate=mutation.of_table),
    "kdd": Reader(
        suffix=".txt",
        read=_kdd,
        mutate=mutation.of_table,
    ),
    "idx": Reader(suffix=".gz", read=lambda path: idx.read(path, 3)),
    "wav": Reader(suffix=".wav", read=_wav),
}
