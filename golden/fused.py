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
from golden.kernels import Loops, trace
from golden.layer_arithmetic import LayerArithmetic

PATIENCE = 1.0
"""Seconds that a process computes with NumPy first, per kind of layer."""

_HEADER = """\
from numba import njit
from numpy import {type} as F, empty, floor, int32, uint32

HALF = F(0.5)
fused = njit(cache={cache}, nogil=True, error_model="numpy")


@njit(cache={cache}, nogil=True, fastmath=True, error_model="numpy")  # all sums are exact
def multiply(columns, vector, first, bias, out):
    size, units = columns.shape
    total = bias.copy()
    done = 0
    while done + 4 <= size:
        p, q = vector[first + done], vector[first + done + 1]
        r, s = vector[first + done + 2], vector[first + done + 3]
        a, b, c, d = columns[done], columns[done + 1], columns[done + 2], columns[done + 3]
        for unit in range(units):
            total[unit] += p * a[unit] + q * b[unit] + r * c[unit] + s * d[unit]
        done += 4
    while done < size:
        p, a = vector[first + done], columns[done]
        for unit in range(units):
            total[unit] += p * a[unit]
        done += 1
    out[:] = total
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

    Args:
        arithmetic: the layer's arithmetic, on a float carrier.
        products: its matrix products of what a step begins with.
        rows: the rows of the stacked operands, by name.
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
        self._arithmetic, self._products, self._rows = arithmetic, products, rows
        self._late, self._diagonals = late, diagonals
        self._loops = trace(arithmetic)
        self._names, self._units = [*arithmetic.layer.cell.makes], arithmetic.layer.units
        self._compiled = _compiled(
            _source(self._loops, len(products), self._names, "x" in rows),
            np.dtype(arithmetic.dtype).name,
        )
        self._constants = np.array(self._loops.constants, dtype=arithmetic.dtype)
        self._local = threading.local()

    def run(self, x: Carried, state: Mapping[str, Carried], made: Mapping[str, Carried]) -> None:
        """Run all steps of one block of the batch, as ``LayerModel`` does.

        Args:
            x: raw inputs (steps, inputs, batch).
            state: state before the first step, each (units, batch).
            made: filled with the vectors of every step, each (steps, units, batch).
        """
        batch = x.shape[2]
        arrays = self._arrays(batch)
        for name, value in state.items():
            arrays[f"next_{name}"][:] = value.ravel()
        if batch == 1 and all(values.flags.c_contiguous for values in made.values()):
            self._alone(x[:, :, 0], arrays, made)
            return
        units = self._units
        given = [arrays[name] for name in self._loops.arrays]
        stages = [getattr(self._compiled, f"stage{n}") for n in range(self._loops.stages)]
        stacked, results = arrays["stacked"], arrays["results"]
        for t, words in enumerate(x):
            if "x" in self._rows:
                stacked[self._rows["x"]] = words
            for product, result in zip(self._products, results):
                np.matmul(product.matrix, stacked[product.rows], out=result)
                if product.bias is not None:
                    result += product.bias
            for number, stage in enumerate(stages):
                stage(units * batch, self._constants, *given)
                for gate in (gate for gate, after in self._loops.late.items() if after == number):
                    made_rh = arrays["made_rh"].reshape(units, batch)
                    out = arrays[f"late_{gate}"].reshape(units, batch)
                    np.matmul(self._late[gate], made_rh, out=out)
            for name, values in made.items():
                values[t] = arrays[f"next_{name}"].reshape(units, batch)

    def _alone(self, x: Carried, arrays: Mapping[str, Any], made: Mapping[str, Carried]) -> None:
        """Run all steps of one sequence in one call."""
        steps, units = len(x), self._units
        if "matrices" not in self._local.__dict__:
            zero = np.zeros(units, self._arithmetic.dtype)
            inputs = self._rows.get("x", slice(0, 0))
            firsts = [product.rows.start for product in self._products]
            given: list[Any] = [np.array([inputs.start, *firsts]), arrays["stacked"][:, 0]]
            for product, result in zip(self._products, arrays["results"]):
                bias = np.zeros(len(product.matrix), self._arithmetic.dtype)
                bias = bias if product.bias is None else product.bias[:, 0]
                columns = np.ascontiguousarray(product.matrix.T)
                given += [columns, np.ascontiguousarray(bias), result[:, 0]]
            late = [np.ascontiguousarray(self._late[gate].T) for gate in self._loops.late]
            given += [zero, *late]
            given += [arrays[name] for name in self._loops.arrays]
            self._local.matrices = given
        traces = [made[name].reshape(steps, units) for name in self._names]
        self._compiled.alone(units, self._constants, x, *traces, *self._local.matrices)

    def _arrays(self, batch: int) -> dict[str, Any]:
        """Return this thread's arrays for a batch, flat but for ``stacked`` and ``results``."""
        known: dict[int, dict[str, Any]] = self._local.__dict__.setdefault("arrays", {})
        if batch in known:
            return known[batch]
        units, dtype = self._units, self._arithmetic.dtype
        rows = max(part.stop for part in self._rows.values()) if self._rows else 1
        stacked = np.ones((rows, batch), dtype)
        results = [np.empty((len(product.matrix), batch), dtype) for product in self._products]
        arrays: dict[str, Any] = {"stacked": stacked, "results": results}
        for product, result in zip(self._products, results):
            for index, gate in enumerate(product.gates):
                arrays[f"sum_{gate}"] = result[index * units : (index + 1) * units].reshape(-1)
        for name in self._names:
            here = self._rows.get(name) if name in self._arithmetic.layer.cell.state else None
            own = stacked[here].reshape(-1) if here else np.empty(units * batch, dtype)
            arrays[f"state_{name}"] = arrays[f"next_{name}"] = own
        for gate, diagonal in self._diagonals.items():
            arrays[f"weight_{gate}"] = np.repeat(diagonal[:, 0], batch)
        for index, key in enumerate(self._loops.tables):
            arrays[f"table{index}"] = self._arithmetic.values(*key)
        for name in self._loops.arrays:
            if name not in arrays:
                arrays[name] = np.empty(units * batch, dtype)
        if len(known) > 3:  # sizes of blocks that are gone
            known.clear()
        known[batch] = arrays
        return arrays


def _source(loops: Loops, products: int, names: list[str], reads_x: bool) -> str:
    """Make the source of a layer's functions, with ``alone`` for all steps of one sequence."""
    given = [f"{what}{n}" for n in range(products) for what in ("columns", "bias", "result")]
    traces = [f"trace_{name}" for name in names]
    late = [f"by_{gate}" for gate in loops.late]
    arguments = ["n", "c", "x", *traces, "r", "stacked", *given, "zero", *late, *loops.arrays]
    lines = [f"def alone({', '.join(arguments)}):", "    for t in range(x.shape[0]):"]
    if reads_x:
        lines += ["        for j in range(x.shape[1]):", "            stacked[r[0] + j] = x[t, j]"]
    for n in range(products):
        lines.append(f"        multiply(columns{n}, stacked, r[{n + 1}], bias{n}, result{n})")
    for stage in range(loops.stages):
        lines.append(f"        stage{stage}(n, c, {', '.join(loops.arrays)})")
        for gate, after in loops.late.items():
            if after == stage:
                lines.append(f"        multiply(by_{gate}, made_rh, 0, zero, late_{gate})")
    lines.append("        for k in range(n):")
    lines += [f"            trace_{name}[t, k] = next_{name}[k]" for name in names]
    functions = [*loops.source.split("\n\n"), "\n".join(lines) + "\n"]
    return "\n\n".join(f"\n@fused\n{function}" for function in functions if function.strip())


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
        exec(_HEADER.format(type=dtype, cache=False) + source, module.__dict__)
        return module
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # Numba's cache finds it by name
    spec.loader.exec_module(module)
    return module
