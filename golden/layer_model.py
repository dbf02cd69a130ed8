"""One layer of the integer model, vectorized over a batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from golden.activations import TanhTable
from golden.cells import Carried, Sums
from golden.directions import parts
from golden.fused import FusedLayer, Product, clock_of
from golden.layer_arithmetic import LayerArithmetic, carrier
from golden.quantized import QuantizedLayer
from golden.thresholds import Sender, sent_steps

_STACKED = ("x", "h", "c")
"""Operands that exist when a step begins, in stacking order; a row of ones is above them."""

_BLOCK_BYTES = 1 << 17
"""Size of a product's result: a batch is split into blocks that fit in a CPU core's cache."""


class LayerModel:
    """One forward layer, ready to run: stacked matrices in the fastest exact type.

    Gates that read the same operands share a matrix with only these operands' columns.

    Args:
        layer: the layer.
        table: the network's table of tanh.
        thresholds: those of a recurrent layer that multiplies sent values (golden.thresholds), by
            name; those of x are (inputs,). The trace then has rh, too.
    """

    def __init__(
        self,
        layer: QuantizedLayer,
        table: TanhTable,
        thresholds: Mapping[str, Any] | None = None,
    ) -> None:
        self.layer, self._units, self._thresholds = layer, layer.units, thresholds
        self._gates = {gate.name: gate for gate in layer.cell.gates}
        self.arithmetic = LayerArithmetic(layer, table, carrier(self._largest(table)))
        dtype = self.arithmetic.dtype
        reads = {operand for gate in self._gates.values() for operand in gate.reads}
        ends = 1
        self._rows: dict[str, slice] = {}
        for name in _STACKED:
            if name in reads:
                size = layer.inputs if name == "x" else layer.units
                self._rows[name] = slice(ends, ends := ends + size)
        self._products = [self._product(names, dtype) for names in self._alike()]
        self._first = {name: value.T for name, value in layer.start(1).items()}
        self._fused: FusedLayer | None = None
        self._clock = clock_of(layer.cell, layer.sigmoid, table.interpolate, dtype)
        self._late = {
            name: layer.weights[gate.matrix("rh")].astype(dtype)
            for name, gate in self._gates.items()
            if "rh" in gate.reads
        }
        self._diagonal = {
            name: layer.weights[gate.peephole].astype(dtype)[:, np.newaxis]
            for name, gate in self._gates.items()
            if gate.diagonal
        }

    def _alike(self) -> list[list[str]]:
        """Group the gates' names by the stacked operands that they read."""
        found: dict[tuple[str, ...], list[str]] = {}
        for name, gate in self._gates.items():
            found.setdefault(tuple(n for n in _STACKED if n in gate.reads), []).append(name)
        return list(found.values())

    def _product(self, names: list[str], dtype: type[np.generic]) -> Product:
        """Stack the matrices of gates that read the same operands."""
        gates = [self._gates[name] for name in names]
        reads = [name for name in self._rows if name in gates[0].reads]
        # The row of ones is above x, so the bias is another column of the matrix. Gates that do
        # not read x cannot reach that row, and add the bias separately.
        first = self._rows[reads[0]].start if reads and "x" not in reads else 0
        weights, units = self.layer.weights, self.layer.units
        rows = slice(first, self._rows[reads[-1]].stop if reads else 1)
        matrix = np.zeros((len(names) * units, rows.stop - first), dtype=dtype)
        bias = np.concatenate([weights[gate.bias] for gate in gates]).astype(dtype)
        for index, gate in enumerate(gates):
            for name in reads:
                columns = self._rows[name]
                block = matrix[index * units : (index + 1) * units]
                operands = self.layer.operands if name == "x" else (name,)
                block[:, columns.start - first : columns.stop - first] = np.concatenate(
                    [weights[gate.matrix(operand)] for operand in operands], axis=1
                )
        if not first:
            matrix[:, 0] = bias
        return Product(tuple(names), rows, matrix, bias[:, np.newaxis] if first else None)

    def _largest(self, table: TanhTable) -> int:
        """Compute a bound of every integer of a step, see :meth:`golden.cells.Cell.largest`."""
        formats, weights = self.layer.formats, self.layer.weights
        sums = 0
        for gate in self._gates.values():
            total = np.abs(weights[gate.bias])
            for operand in self.layer.reads(gate):
                size = -formats.operand(operand).min
                total = total + size * np.abs(weights[gate.matrix(operand)]).sum(axis=1)
            if gate.diagonal:
                total = total - formats.operand("c").min * np.abs(weights[gate.peephole])
            sums = max(sums, int(total.max()))
        return self.layer.cell.largest(LayerArithmetic(self.layer, table, np.int64), sums)

    def run(self, x: Carried, state: Mapping[str, Carried] | None = None) -> dict[str, Carried]:
        """Run all steps.

        Args:
            x: raw inputs of shape (steps, inputs, batch), all sources concatenated, any type.
            state: raw state before the first step by name, each (units, batch); by default the
                layer's first state.

        Returns:
            Raw vectors of every step by name, each (steps, units, batch), in the carrier type;
            valid until this thread's next run.
        """
        q, units, names = self.arithmetic, self._units, self._first
        steps, _, batch = x.shape
        shape, makes = (steps, units, batch), self.layer.cell.makes
        if self._thresholds and self._late:
            makes = *makes, "rh"
        if not names and steps > 1:  # without state all steps are one batch
            flat = x.transpose(1, 0, 2).reshape(1, self.layer.inputs, steps * batch)
            h = self.run(flat)["h"].reshape(units, steps, batch)
            return {"h": h.transpose(1, 0, 2)}
        widest = max(product.matrix.shape[0] for product in self._products)
        block = max(1, _BLOCK_BYTES // (widest * np.dtype(q.dtype).itemsize))
        fused = self._compiled()
        if fused:  # compiled loops keep less in the cache
            block *= 4
        begin = state or self._first
        if fused and batch <= block:
            return fused.run(x, begin)
        trace = {name: q.scratch.array(f"trace {name}", shape, q.dtype) for name in makes}
        for start in range(0, batch, block):
            part = slice(start, start + block)
            before = {n: v[:, part] if state else v for n, v in begin.items()}
            if fused:
                for name, values in fused.run(x[:, :, part], before).items():
                    trace[name][:, :, part] = values
            else:
                self._run(x[:, :, part], before, {n: v[:, :, part] for n, v in trace.items()})
        return trace

    def _compiled(self) -> FusedLayer | None:
        """Return the layer's compiled loops, once it is time for them and if it can have them."""
        if self._clock.up and self.arithmetic.dtype is not np.int64 and not self._thresholds:
            self._fused = self._fused or FusedLayer(
                self.arithmetic, self._products, self._rows, self._late, self._diagonal
            )
            return self._fused
        return None

    def _run(self, x: Carried, state: Mapping[str, Carried], trace: Mapping[str, Carried]) -> None:
        """Run all steps of one block of the batch from ``state`` with NumPy; fill ``trace``."""
        q, shape = self.arithmetic, (self._units, x.shape[2])
        begin = time.perf_counter()
        words = q.scratch.array("x", x.shape, q.dtype)
        words[...] = x
        if self._thresholds:
            words, _ = sent_steps(words, self._thresholds["x"][:, np.newaxis])
        before = {n: np.broadcast_to(v, shape).astype(q.dtype) for n, v in state.items()}
        self._run_steps(words, before, trace)
        self._clock.add(time.perf_counter() - begin)

    def _run_steps(
        self, x: Carried, state: dict[str, Carried], trace: Mapping[str, Carried]
    ) -> None:
        """Run a block with NumPy, the reference of :mod:`golden.fused`."""
        seen = Sender(self._thresholds or {}, state)
        rows, batch = max(part.stop for part in self._rows.values()), x.shape[2]
        scratch, dtype = self.arithmetic.scratch, self.arithmetic.dtype
        stacked = scratch.array("stacked", (rows, batch), dtype)
        stacked[0] = 1
        results = [
            scratch.array(f"products {i}", (product.matrix.shape[0], batch), dtype)
            for i, product in enumerate(self._products)
        ]
        operands = {**state}

        def late(rh: Carried) -> Carried:
            if "rh" in trace:
                trace["rh"][t] = rh
            return seen("rh", rh)

        for t, word in enumerate(x):
            for name, part in self._rows.items():
                stacked[part] = word if name == "x" else operands[name]
            sums = self._sums(self._multiply(stacked, results), state, late)
            state = self.layer.cell.step_raw(sums, state, self.arithmetic)
            for name, value in state.items():
                trace[name][t] = value
                value.flags.writeable = False  # requantize works in place, but not on a state
                operands[name] = seen(name, value)

    def _multiply(self, stacked: Carried, results: list[Carried]) -> dict[str, Carried]:
        """Multiply by stacked x, h and c, add biases; return each gate's part of ``results``."""
        units = self.layer.units
        by_gate: dict[str, Carried] = {}
        for product, result in zip(self._products, results):
            np.matmul(product.matrix, stacked[product.rows], out=result)
            if product.bias is not None:
                result += product.bias
            for index, name in enumerate(product.gates):
                by_gate[name] = result[index * units : (index + 1) * units]
        return by_gate

    def _sums(
        self,
        by_gate: Mapping[str, Carried],
        state: Mapping[str, Carried],
        late: Callable[[Carried], Carried],
    ) -> Sums:
        """Make golden.cells.Sums from the gates' products with the stacked operands.

        Args:
            by_gate: the products plus bias.
            state: the state of the step before.
            late: makes what is multiplied of rh.
        """

        def sums(name: str, **made: Carried) -> Carried:
            total = by_gate[name]
            if name in self._late:
                total = total + self._late[name] @ late(made["rh"])
            if name in self._diagonal:
                total = total + self._diagonal[name] * (made["c"] if "c" in made else state["c"])
            return total

        return sums


class DirectedModel:
    """One layer of any direction: one :class:`LayerModel` per direction (golden.directions)."""

    def __init__(
        self,
        layer: QuantizedLayer,
        table: TanhTable,
        thresholds: Mapping[str, Any] | None = None,
    ) -> None:
        self._parts = [(part, LayerModel(part.layer, table, thresholds)) for part in parts(layer)]

    def run(self, x: Carried, state: Mapping[str, Carried] | None = None) -> dict[str, Carried]:
        """Run all steps, see :meth:`LayerModel.run`; concatenate the directions' vectors."""
        traces = []
        for part, model in self._parts:
            before = state and {name: value[part.columns] for name, value in state.items()}
            order = slice(None, None, -1 if part.reverse else 1)
            trace = model.run(x[order], before)
            traces.append({name: value[order] for name, value in trace.items()})
        if len(traces) == 1:
            return traces[0]
        return {name: np.concatenate([t[name] for t in traces], axis=1) for name in traces[0]}

    def end(self, values: Carried) -> Carried:
        """Select each direction's final values from a state tensor (steps, units, batch)."""
        return np.concatenate(
            [values[0 if part.reverse else -1, part.columns] for part, _ in self._parts]
        )
