"""Fused loops of a layer's steps, compiled by Numba if it is installed (the extra ``fast``).

They give the words of :class:`golden.layer_model.LayerModel`, bit for bit, several times as fast.
Importing Numba takes half a second, and compiling a cell's loops some seconds, once: the machine
code is kept in the cache's folder. So layers of each kind start with NumPy, and change over when
they have spent ``PATIENCE`` in it: about what compiling takes.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from golden import files
from golden.cells import Carried, Cell
from golden.errors import InputError
from golden.kernels import STRIP, Loops, trace
from golden.layer_arithmetic import LayerArithmetic

PATIENCE = 1.0
"""Seconds that a process computes with NumPy first, per kind of layer."""

_HEADER = """\
from numba import njit
from numpy import {type} as F, floor, int32, uint32, uint64

HALF = F(0.5)
fused = njit(cache={cache}, nogil=True, error_model="numpy")
sums = njit(cache={cache}, nogil=True, fastmath=True, error_model="numpy")  # all are exact
"""

_MULTIPLY = """

@sums
def multiply(columns, vector, first, bias, out):
    size, units = columns.shape
    for unit in range(units):
        out[unit] = bias[unit]
    done = 0
    while done + 4 <= size:
        p, q = vector[first + done], vector[first + done + 1]
        r, s = vector[first + done + 2], vector[first + done + 3]
        a, b, c, d = columns[done], columns[done + 1], columns[done + 2], columns[done + 3]
        for unit in range(units):
            out[unit] += p * a[unit] + q * b[unit] + r * c[unit] + s * d[unit]
        done += 4
    while done < size:
        p, a = vector[first + done], columns[done]
        for unit in range(units):
            out[unit] += p * a[unit]
        done += 1
"""


class Clock:
    """Time that this process has spent in the NumPy loops of one kind of layer."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._found: bool | None = None

    def add(self, seconds: float) -> None:
        """Count time that was spent."""
        self._spent += seconds

    @property
    def up(self) -> bool:
        """Whether it is time for compiled loops, and Numba is there."""
        if self._spent < PATIENCE:
            return False
        if self._found is None:
            self._found = importlib.util.find_spec("numba") is not None
        return self._found


@lru_cache(maxsize=None)
def clock_of(cell: Cell, sigmoid: str, interpolate: bool, dtype: type[np.generic]) -> Clock:
    """Return the clock of one kind of layer: its layers share their loops in most cases."""
    return Clock()


@dataclass(frozen=True)
class Product:
    """One matrix product: its gates, and the rows of the stacked operands that it multiplies.

    ``bias`` (rows, 1) is added to the product; ``None`` if ``matrix`` includes it.
    """

    gates: tuple[str, ...]
    rows: slice
    matrix: Carried
    bias: Carried | None


class FusedLayer:
    """One forward layer with compiled loops.

    All vectors of all steps are rows of one array: its first step has the state before the
    sequence, and each step's x and state are where the next product reads them.

    Args:
        arithmetic: the layer's arithmetic, on a float carrier.
        products: its matrix products of what a step begins with.
        rows: the rows of the stacked operands, by name; row 0 is ones.
        late: matrices of what a step itself makes, by gate.
        diagonals: diagonals by gate, (units, 1).
    """

    def __init__(
        self,
        arithmetic: LayerArithmetic,
        products: list[Product],
        rows: Mapping[str, slice],
        late: Mapping[str, Carried],
        diagonals: Mapping[str, Carried],
    ) -> None:
        self._arithmetic, self._products = arithmetic, products
        self._late, self._diagonals = late, diagonals
        self._units = units = arithmetic.layer.units
        self._rows, self._size = dict(rows), max((part.stop for part in rows.values()), default=1)
        for name in arithmetic.layer.cell.makes:
            if name not in rows:
                self._rows[name] = slice(self._size, self._size + units)
                self._size += units
        self._loops = trace(arithmetic)
        self._vectors = {
            array: (self._rows[name], place == "next")
            for array in self._loops.arrays
            for place, _, name in [array.partition("_")]
            if place in ("state", "next")
        }
        dtype = np.dtype(arithmetic.dtype).name
        multiply = _compiled(_MULTIPLY, dtype).__name__
        source = _source(self._loops, multiply, len(products), self._vectors)
        self._compiled = _compiled(source, dtype)
        self._constants = np.array(self._loops.constants, dtype=arithmetic.dtype)
        self._local = threading.local()

    def run(self, x: Carried, state: Mapping[str, Carried]) -> dict[str, Carried]:
        """Run all steps of one block of the batch.

        Args:
            x: raw inputs (steps, inputs, batch), any type.
            state: state before the first step, each (units, batch) or (units, 1).

        Returns:
            The vectors of every step, each (steps, units, batch), valid until this thread's next
            run.
        """
        steps, _, batch = x.shape
        shape, dtype = (steps + 1, self._size, batch), self._arithmetic.dtype
        vectors = self._arithmetic.scratch.array("vectors", shape, dtype)
        vectors[:, 0] = 1
        if "x" in self._rows:
            vectors[:-1, self._rows["x"]] = x
        for name, value in state.items():
            vectors[0, self._rows[name]] = value
        (self._alone if batch == 1 else self._block)(vectors)
        return {name: vectors[1:, self._rows[name]] for name in self._arithmetic.layer.cell.makes}

    def _block(self, vectors: Carried) -> None:
        """Run all steps of several sequences."""
        units, batch = self._units, vectors.shape[2]
        arrays = self._arrays(batch)
        results, given = arrays["results"], [arrays.get(name) for name in self._loops.arrays]
        places = [
            (self._loops.arrays.index(name), rows, after)
            for name, (rows, after) in self._vectors.items()
        ]
        stages = [getattr(self._compiled, f"stage{n}") for n in range(self._loops.stages)]
        for now, following in zip(vectors[:-1], vectors[1:]):
            for product, result in zip(self._products, results):
                np.matmul(product.matrix, now[product.rows], out=result)
                if product.bias is not None:
                    result += product.bias
            for place, rows, after in places:
                given[place] = (following if after else now)[rows].reshape(-1)
            for number, stage in enumerate(stages):
                stage(units * batch, self._constants, *arrays["room"], *given)
                for gate in (gate for gate, after in self._loops.late.items() if after == number):
                    made_rh = arrays["made_rh"].reshape(units, batch)
                    out = arrays[f"late_{gate}"].reshape(units, batch)
                    np.matmul(self._late[gate], made_rh, out=out)

    def _alone(self, vectors: Carried) -> None:
        """Run all steps of one sequence in one call."""
        if "given" not in self._local.__dict__:
            dtype, arrays = self._arithmetic.dtype, self._arrays(1)
            starts = [product.rows.start for product in self._products]
            starts += [rows.start for rows, _ in self._vectors.values()]
            given: list[Any] = [np.array(starts), *arrays["room"]]
            for product, result in zip(self._products, arrays["results"]):
                bias = np.zeros(len(product.matrix), dtype)
                bias = bias if product.bias is None else product.bias[:, 0]
                columns = np.ascontiguousarray(product.matrix.T)
                given += [columns, np.ascontiguousarray(bias), result[:, 0]]
            late = [np.ascontiguousarray(self._late[gate].T) for gate in self._loops.late]
            given += [np.zeros(self._units, dtype), *late]
            given += [arrays[name] for name in self._loops.arrays if name not in self._vectors]
            self._local.given = given
        self._compiled.alone(
            self._units, self._constants, vectors.reshape(vectors.shape[:2]), *self._local.given
        )

    def _arrays(self, batch: int) -> dict[str, Any]:
        """Return this thread's arrays for a batch, flat but for ``results`` and ``room``."""
        known: dict[int, dict[str, Any]] = self._local.__dict__.setdefault("arrays", {})
        if batch in known:
            return known[batch]
        units, dtype = self._units, self._arithmetic.dtype
        strips = np.empty((self._loops.strips, STRIP), dtype)
        room = strips, np.empty((self._loops.places, STRIP), np.int32)
        results = [np.empty((len(product.matrix), batch), dtype) for product in self._products]
        arrays: dict[str, Any] = {"room": room, "results": results}
        for product, result in zip(self._products, results):
            for index, gate in enumerate(product.gates):
                arrays[f"sum_{gate}"] = result[index * units : (index + 1) * units].reshape(-1)
        for gate, diagonal in self._diagonals.items():
            arrays[f"weight_{gate}"] = np.repeat(diagonal[:, 0], batch)
        for index, key in enumerate(self._loops.tables):
            arrays[f"table{index}"] = self._arithmetic.values(*key)
        for name in self._loops.arrays:
            if name not in arrays and name not in self._vectors:
                arrays[name] = np.empty(units * batch, dtype)
        if len(known) > 3:  # sizes of blocks that are gone
            known.clear()
        known[batch] = arrays
        return arrays


def _source(
    loops: Loops, multiply: str, products: int, vectors: Mapping[str, tuple[slice, bool]]
) -> str:
    """Make the source of a layer's functions, with ``alone`` for all steps of one sequence.

    ``multiply`` is the module of the product, which layers of all kinds share.
    """
    given = [f"{what}{n}" for n in range(products) for what in ("columns", "bias", "result")]
    late = [f"by_{gate}" for gate in loops.late]
    others = [name for name in loops.arrays if name not in vectors]
    room = "strips, places"
    arguments = ["n", "c", "vectors", "r", room, *given, "zero", *late, *others]
    lines = [
        f"def alone({', '.join(arguments)}):",
        "    for t in range(vectors.shape[0] - 1):",
        "        now, after = vectors[t], vectors[t + 1]",
    ]
    lines += [
        f"        multiply(columns{n}, now, r[{n}], bias{n}, result{n})" for n in range(products)
    ]
    for place, (name, (_, after)) in enumerate(vectors.items(), start=products):
        step = "after" if after else "now"
        lines.append(f"        {name} = {step}[r[{place}] : r[{place}] + n]")
    for stage in range(loops.stages):
        lines.append(f"        stage{stage}(n, c, {room}, {', '.join(loops.arrays)})")
        for gate, after in loops.late.items():
            if after == stage:
                lines.append(f"        multiply(by_{gate}, made_rh, 0, zero, late_{gate})")
    functions = [*loops.source.split("\n\n"), "\n".join(lines) + "\n"]
    parts = [f"\n@fused\n{function}" for function in functions if function.strip()]
    return "\n\n".join([f"from {multiply} import multiply\n", *parts])


@lru_cache
def _compiled(source: str, dtype: str) -> ModuleType:
    """Import functions as a module; its file and its machine code are in the cache's folder."""
    name = "litelstm_" + hashlib.sha256((_HEADER + source + dtype).encode()).hexdigest()[:16]
    root = os.environ.get("LITELSTM_CACHE") or Path.home() / ".cache" / "litelstm"
    path = Path(root) / "loops" / f"{name}.py"
    try:
        files.make_folder(path.parent)
        if not path.exists():
            text = _HEADER.format(type=dtype, cache=True) + source
            files.replace(path, files.content(text))
    except InputError:  # no such folder: compiled in each process
        module = ModuleType(name)
        sys.modules[name] = module  # others import from it
        exec(_HEADER.format(type=dtype, cache=False) + source, module.__dict__)
        return module
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Numba's cache finds it by name
    spec.loader.exec_module(module)
    return module
