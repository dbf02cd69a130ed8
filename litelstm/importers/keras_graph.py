"""Networks of Keras models: their inputs, their results and what is assumed of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from golden import packages
from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers.assemble import Assembled, assemble
from litelstm.importers.forms import Atom, made_by
from litelstm.importers.indices import indices
from litelstm.importers.keras_layers import SLOPES
from litelstm.importers.keras_model import SHAPES, Model
from litelstm.importers.keras_ops import TRAINING, scalar_scale
from litelstm.importers.keras_spectra import input_of
from litelstm.importers.lengths import Reading, of_one_length, probed
from litelstm.importers.proof import Imported, compare, imported, steps_note
from litelstm.importers.tensors import Data


def convert(model: Model, path: Path) -> Imported:
    """Make the network of a model; ``path`` is its file.

    Raises:
        InputError: a layer cannot be mapped; the message has its name and class.
    """
    indexed = {name for e in model.everything() if e.kind == "Embedding" for name in e.read}
    shapes = {
        name: (*_shape(model, name, indexed=name in indexed), *(1,) * (name in indexed))
        for name, *_ in model.inputs
    }
    shapes |= dict(_flat(model, shapes))
    sequences = [name for name, shape in shapes.items() if len(shape) != 2]
    if len(sequences) != 1:
        raise InputError(f"has {len(sequences)} inputs of sequences, expected one")
    shape, index = shapes[sequences[0]], sequences[0] in indexed
    fixed, scale = shape[1], _take_scale(model, sequences[0])
    for entry in model.everything():
        if entry.inner is None and entry.arrays and entry.calls == []:
            raise InputError(f"{entry.kind} {entry.name!r} has weights, but no inputs")
    # The states that it gives back are no results.
    kept = [n for n, tensor in enumerate(model.outputs) if len(shapes) == 1 or not tensor[2]]
    names = [model.outputs[n][0] for n in kept]
    stateful = [
        entry.options["stateful"] is True
        for entry in model.everything()
        if "stateful" in entry.options
    ]
    if any(stateful) and not all(stateful):
        raise InputError("has layers that are stateful and others that are not")

    def read(steps: int) -> Reading:
        inputs = {
            name: (indices(steps, ("batch", "steps")) if index else input_of(shape, steps))
            if name == sequences[0]
            else _start(name, own[1])
            for name, own in shapes.items()
        }
        found = model.run(inputs)
        named = [(model.outputs[n][0], found[n]) for n in kept]
        made = assemble(named, steps=steps, scale=scale, stateful=any(stateful), free=not fixed)
        return Reading(made=made, steps=steps)

    reading = of_one_length(read, fixed) if fixed else probed(read)
    made = reading.made

    def check() -> float:
        own = _shape(model, sequences[0], indexed=index)[1:]
        sizes = [reading.steps if size is None else size for size in own]

        def run(x: Floats) -> Sequence[Any]:
            return _predict(path, x.reshape(len(x), *sizes))

        return compare(made, run, batch=_batch(model), steps=reading.steps)

    notes = list(_notes(model, fixed, made))
    known = None if len(shapes) > 1 or any(stateful) else check
    return imported(made, names, notes, check=known)


def _shape(model: Model, name: str, *, indexed: bool) -> tuple[int | None, ...]:
    """Return the shape of an input; an old Sequential may leave it out, but not its weights."""
    entry = next((entry for entry in model.entries if entry.name == name), None)
    options = entry.options if entry else {}
    shape = next((options[option] for option in SHAPES if options.get(option)), None)
    if shape is None:
        weights = [entry.arrays[0][1] for entry in model.entries if entry.arrays]
        if not weights or not model.sequential:
            raise InputError("has no shape of its input")
        shape = (None, None) if indexed else (None, None, weights[0].shape[0])
    if not indexed and not isinstance(shape[-1], int):
        raise InputError("has no fixed number of features on its input's last axis")
    return tuple(shape)


def _flat(
    model: Model, shapes: Mapping[str, tuple[int | None, ...]]
) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Yield inputs of all steps side by side, with the shape that a ``Reshape`` gives them."""
    for name, shape in shapes.items():
        readers = [entry for entry in model.everything() if name in entry.read]
        target = readers[0].options.get("target_shape") if len(readers) == 1 else None
        if len(shape) == 2 and readers[0].kind == "Reshape" and target and len(target) in (2, 3):
            sizes, count = [int(n) for n in target], int(shape[1] or 0)
            if sizes.count(-1) == 1:
                sizes[sizes.index(-1)] = count // -int(np.prod(sizes))
            if count and int(np.prod(sizes)) == count:
                readers[0].options["target_shape"] = sizes
                yield name, (shape[0], *sizes)


def _start(name: str, size: Any) -> Data:
    """Make the tensor of a state that the model takes."""
    with made_by(f"input {name!r}"):
        return Data(("batch", "features"), (Atom("start", size, -1).form,), 1)


def _take_scale(model: Model, name: str) -> float:
    """Return the factor of a ``Rescaling`` at the input, and make it do nothing."""
    for entry in model.entries:
        if entry.kind == "Rescaling" and entry.calls == [[(name, 0, 0)]]:
            scale = scalar_scale(model.layer(entry))
            if scale is not None and model.readers(name) == 1:
                entry.options |= {"scale": 1.0}
                return scale
    return 1.0


def _notes(model: Model, fixed: int | None, made: Assembled) -> Iterator[str]:
    """Yield notes on assumptions."""
    if fixed:
        yield steps_note(fixed, fixed=made.fixed)
    entries = list(model.everything())
    if any("hard_sigmoid" in str(entry.options) for entry in entries):
        slope = round(1 / SLOPES[model.version])
        yield f"hard_sigmoid has slope 1/{slope}, that of Keras {model.version}"
    for entry in entries:
        if entry.kind in TRAINING:
            yield f"{entry.kind} {entry.name!r} is left out: assumed that it is for training alone"


def _batch(model: Model) -> int:
    shapes = (entry.options.get(name) for entry in model.entries for name in SHAPES)
    return next((shape[0] for shape in shapes if shape and shape[0]), 3)


def _predict(path: Path, x: Any) -> Sequence[Any]:
    """Run a file in Keras."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = packages.load("keras", extra="conformance")
    try:
        found = keras.models.load_model(path, compile=False).predict(
            x.astype(np.float32), verbose=0
        )
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"cannot be run by Keras {keras.__version__}: {reason}") from None
    return found if isinstance(found, (list, tuple)) else [found]
