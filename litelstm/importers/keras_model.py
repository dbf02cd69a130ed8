"""Keras models: the layers of a configuration, and their application in the order of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from golden.errors import InputError
from litelstm.importers.keras_layers import Arrays, KerasLayer
from litelstm.importers.keras_ops import LAYERS, TRAINING, apply
from litelstm.importers.operations import refusal
from litelstm.importers.tensors import Data

MODELS = ("Sequential", "Functional", "Model")
"""Classes of models; Keras 2 wrote ``Model`` for a Functional one."""

SHAPES = ("batch_shape", "batch_input_shape")
"""Options with the input's shape, in Keras 3 and in Keras 2."""

Tensor = tuple[str, int, int]
"""A tensor of a model: its layer's name, the number of its call, the number of its output."""


@dataclass
class Entry:
    """A layer of a configuration.

    Attributes:
        kind, name, options: its class, its name, its configuration.
        calls: the tensors that each call of it reads; ``None`` for those of the layer before.
        inner: the configuration of a model inside, then that model.
        arrays: its weights.
    """

    kind: str
    name: str
    options: dict[str, Any]
    calls: list[list[Tensor]] | None
    inner: Any = None
    arrays: Arrays = field(default_factory=list)

    @property
    def read(self) -> set[str]:
        """Names of the layers whose tensors it reads."""
        return {name for call in self.calls or () for name, *_ in call}


class Model:
    """The layers of a model, in the order of its file.

    Raises:
        InputError: the configuration is not that of a Sequential or Functional model.
    """

    def __init__(self, config: Any, version: int) -> None:
        self.version = version
        for own in _own_classes(config):
            raise InputError(f"has {own}, a class of its own: what it computes is not in the file")
        kind, inner = config.get("class_name"), config.get("config")
        if isinstance(inner, list):  # as Keras 2.0 to 2.2.2 wrote a Sequential
            inner = {"layers": inner}
        if not isinstance(inner, dict) or "layers" not in inner:
            raise InputError("has no layers in its configuration, expected a Sequential model")
        if kind not in MODELS:
            raise InputError(f"is a {kind}, expected a Sequential or Functional model")
        self.sequential = kind == "Sequential"
        self.entries = [_entry(layer, sequential=self.sequential) for layer in inner["layers"]]
        self.outputs = list(_tensors(inner.get("output_layers")))
        self.inputs = list(_tensors(inner.get("input_layers")))
        if self.sequential:
            self._chain()

    def _chain(self) -> None:
        """Add what a Sequential leaves out: its input, which may be its first layer's option."""
        if not self.entries:
            raise InputError("has no layers")
        if self.entries[0].kind != "InputLayer":
            options = self.entries[0].options
            shape = {name: options[name] for name in SHAPES if name in options}
            self.entries.insert(0, Entry("InputLayer", "", shape, []))
        for before, entry in zip(self.entries, self.entries[1:], strict=False):
            entry.calls = [[(before.name, 0, 0)]]
        self.inputs = [(self.entries[0].name, 0, 0)]
        self.outputs = [(self.entries[-1].name, 0, 0)]

    def readers(self, name: str) -> int:
        """Count the tensors that read a layer's output, outputs of the model among them."""
        calls = [t for entry in self.entries for call in entry.calls or () for t in call]
        return sum(tensor[0] == name for tensor in (*calls, *self.outputs))

    def run(self, inputs: Mapping[str, Data]) -> list[Data]:
        """Apply the layers; ``inputs`` are those of the input layers by name."""
        values: dict[Tensor, Data] = {(name, 0, 0): data for name, data in inputs.items()}
        left = [
            (entry, number, call)
            for entry in self.entries
            for number, call in enumerate(entry.calls or ())
            if entry.kind != "InputLayer"
        ]
        while left:
            ready = [item for item in left if all(t in values for t in item[2])]
            if not ready:
                entry = left[0][0]
                raise InputError(f"{entry.kind} {entry.name!r} reads what no layer gives")
            for item in ready:
                entry, number, call = item
                results = self._apply(entry, [values[tensor] for tensor in call])
                values |= {(entry.name, number, n): data for n, data in enumerate(results)}
                left.remove(item)
        missing = [tensor[0] for tensor in self.outputs if tensor not in values]
        if missing or not self.outputs:
            raise InputError(f"has no output {', '.join(missing)}")
        return [values[tensor] for tensor in self.outputs]

    def _apply(self, entry: Entry, inputs: list[Data]) -> list[Data]:
        if isinstance(entry.inner, Model):
            names = [name for name, *_ in entry.inner.inputs]
            if len(names) != len(inputs):
                raise InputError(f"{entry.kind} {entry.name!r} has {len(inputs)} inputs")
            return entry.inner.run(dict(zip(names, inputs, strict=True)))
        return apply(self.layer(entry), inputs)

    def layer(self, entry: Entry) -> KerasLayer:
        """Make the layer of an entry."""
        return KerasLayer(entry.kind, entry.name, entry.options, entry.arrays, self.version)

    def everything(self) -> Iterator[Entry]:
        """Yield all layers, those of models inside too."""
        for entry in self.entries:
            yield entry
            if isinstance(entry.inner, Model):
                yield from entry.inner.everything()


def _own_classes(node: Any) -> Iterator[str]:
    """Yield the names of classes that the file's author has registered, where Keras has them."""
    if isinstance(node, dict):
        name = str(node.get("registered_name"))
        if ">" in name and node.get("class_name") in (*LAYERS, *MODELS):
            yield name
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from _own_classes(value)


def _entry(layer: Any, *, sequential: bool) -> Entry:
    kind, options = str(layer["class_name"]), layer["config"]
    inside = kind in MODELS
    if not inside and kind not in ("InputLayer", *LAYERS):
        raise InputError(f"{kind} {options.get('name', '')!r} {refusal(kind)}")
    name = layer.get("name") or (options["name"] if isinstance(options, dict) else kind)
    calls = None if sequential else [_call(kind, node) for node in layer["inbound_nodes"]]
    return Entry(kind, str(name), {} if inside else dict(options), calls, layer if inside else None)


def _call(kind: str, node: Any) -> list[Tensor]:
    """Return the tensors that a call reads, those of an initial state last.

    Raises:
        InputError: it has an argument that changes what the layer computes.
    """
    if isinstance(node, dict):  # Keras 3
        entries, options = node.get("args"), dict(node.get("kwargs") or {})
    else:  # Keras 2: entries [name, call, output, options]
        entries = [entry[:3] for entry in node]
        options = {name: v for entry in node if len(entry) > 3 for name, v in entry[3].items()}
    state = list(_tensors(options.pop("initial_state", None)))
    if options.get("training") and kind not in TRAINING:
        raise InputError(f"{kind} is called with training, expected inference")
    for name, value in options.items():
        if any(_tensors(value)):
            raise InputError(f"{kind} is called with {name}, expected its inputs alone")
    for value in _constants(entries):
        raise InputError(
            f"{kind} is called with the constant {value}, expected tensors; use a Rescaling or "
            "Dense layer"
        )
    return [*_tensors(entries), *state]


def _tensors(node: Any) -> Iterator[Tensor]:
    """Yield the tensors in a call's arguments: entries [name, call, output, ...]."""
    if isinstance(node, dict):
        for value in node.values():
            yield from _tensors(value)
    elif isinstance(node, (list, tuple)):
        if len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int):
            yield node[0], node[1], int(node[2])
            node = node[3:]
        for value in node:
            yield from _tensors(value)


def _constants(node: Any) -> Iterator[str]:
    """Yield what is no tensor in a call's arguments."""
    if isinstance(node, dict):
        if node.get("class_name") != "__keras_tensor__":
            yield str(node.get("class_name"))
    elif isinstance(node, (list, tuple)):
        if not any(_tensors(node)):
            yield from (str(value) for value in node[:1])
        elif not isinstance(node[0], str):
            for value in node:
                yield from _constants(value)
    elif node is not None:
        yield str(node)
