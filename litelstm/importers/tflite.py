"""Reader of TFLite files: translates them to ONNX in memory, for the reader of ONNX files.

8-bit weights become real numbers; rounding of values between operators is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import packages
from golden.errors import InputError
from litelstm.importers import onnx
from litelstm.importers.onnx_proof import prove
from litelstm.importers.proof import Imported, imported
from litelstm.importers.reading import of_file
from litelstm.importers.tflite_node import Operator
from litelstm.importers.tflite_ops import TRANSLATIONS

OPSET = 17

TYPES = {
    0: np.float32,
    1: np.float16,
    2: np.int32,
    3: np.uint8,
    4: np.int64,
    6: np.bool_,
    7: np.int16,
    9: np.int8,
    10: np.float64,
}
"""Element types by TFLite's ``TensorType``."""


def load(path: str | Path) -> Imported:
    """Import a ``.tflite`` file.

    Raises:
        InputError: the file cannot be read or mapped; the message names file and operator.
    """
    path = Path(path)
    package = packages.load("tflite", extra="import")
    with of_file(path):
        data = path.read_bytes()
        if data[4:8] != b"TFL3":
            raise InputError("is not a readable TFLite file (foreign, damaged or cut short)")
        try:
            reader = _Reader(package, data)
            model = reader.model()
        except InputError:
            raise
        except Exception:
            raise InputError("is not a readable TFLite file (damaged or cut short)") from None
        plan, notes = onnx.follow(model)
        if plan.made.unrolled:
            prove(plan)
        names = [name for name, _ in plan.outputs]
        plan = replace(plan, loose=plan.loose or reader.quantized)
        known = _interpreter() is not None and not plan.states and not reader.integers
        outputs = [value.name for value in model.graph.output]
        check = (lambda: prove(plan, partial(_run, data, outputs))) if known else None
        return imported(plan.made, names, (*notes, *_notes(model)), check=check)


def _interpreter() -> Any:
    """Return LiteRT's interpreter, or ``None`` where it is not installed."""
    try:
        from ai_edge_litert import interpreter  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return interpreter


def _run(
    data: bytes, outputs: Sequence[str], names: Sequence[str], feeds: Mapping[str, Any]
) -> list[Any]:
    """Run a file in LiteRT, one sample at a time."""
    runner = _interpreter().Interpreter(model_content=data)
    runner.allocate_tensors()
    (first,), last = runner.get_input_details(), runner.get_output_details()
    results = []
    for x in next(iter(feeds.values())):
        runner.reset_all_variables()
        runner.set_tensor(first["index"], x[np.newaxis].astype(first["dtype"]))
        runner.invoke()
        values = (runner.get_tensor(one["index"]) for one in last)
        found = dict(zip(outputs, values, strict=True))
        results.append([found[name] for name in names])
    return [np.concatenate(parts) for parts in zip(*results, strict=True)]


def _notes(model: Any) -> Iterator[str]:
    """Yield notes that the translation left as the model's description."""
    yield from filter(None, model.doc_string.split("\n"))


class _Reader:
    """Reads the first graph of a file.

    Attributes:
        quantized: whether weights are integers.
        integers: whether samples are integers.
    """

    def __init__(self, package: Any, data: bytes) -> None:
        self._onnx = packages.load("onnx", extra="import")
        self._file = package.Model.GetRootAsModel(data, 0)
        graph = self._graph = self._file.Subgraphs(0)
        self._count = Counter(graph.Tensors(n).Name() for n in range(graph.TensorsLength()))
        codes = vars(package.BuiltinOperator)
        self._names = {v: k for k, v in codes.items() if isinstance(v, int)}
        self._package = package
        self.quantized = self.integers = False

    def model(self) -> Any:
        """Translate the graph to an ``onnx.ModelProto``."""
        helper, proto = self._onnx.helper, self._onnx.TensorProto
        nodes, constants, facts = [], {}, list(self._facts())
        for index in range(self._graph.OperatorsLength()):
            operator = self._operator(index)
            made = TRANSLATIONS.get(operator.kind, _unknown)(operator)
            for number, (kind, inputs, outputs, attributes) in enumerate(made):
                name = outputs[0] if number == len(made) - 1 else f"{operator.outputs[0]}.{number}"
                nodes.append(helper.make_node(kind, inputs, outputs, name=name, **attributes))
            read = {name for _, inputs, _, _ in made for name in inputs}
            pairs = zip(operator.inputs, operator.values, strict=True)
            constants |= {name: v for name, v in pairs if v is not None and name in read}
            constants |= operator.constants
            facts += operator.notes
        inputs, outputs = (
            [
                helper.make_tensor_value_info(self._name(n), proto.FLOAT, self._shape(n))
                for n in numbers
            ]
            for numbers in (self._graph.InputsAsNumpy(), self._graph.OutputsAsNumpy())
        )
        tensors = [self._onnx.numpy_helper.from_array(v, name) for name, v in constants.items()]
        graph = helper.make_graph(nodes, "tflite", inputs, outputs, tensors)
        opsets = [helper.make_opsetid("", OPSET)]
        return helper.make_model(
            graph, opset_imports=opsets, ir_version=9, doc_string="\n".join(facts)
        )

    def _facts(self) -> Iterator[str]:
        """Yield notes on the file."""
        tensors = [self._graph.Tensors(n) for n in range(self._graph.TensorsLength())]
        if any(tensor.IsVariable() for tensor in tensors):
            yield (
                "assumed that every sequence starts at zero, that is, the host resets the file's "
                "variables before each run"
            )
        first = self._graph.Tensors(self._graph.InputsAsNumpy()[0])
        scaled = first.Quantization() is not None and first.Quantization().ScaleLength()
        self.integers = bool(scaled) and np.issubdtype(TYPES[first.Type()], np.integer)
        if self.integers:
            scale, zero = first.Quantization().Scale(0), first.Quantization().ZeroPoint(0)
            yield (
                f"the file reads integers n that stand for {scale:.6g} (n - {zero}), the network "
                "those numbers; it rounds values to integers, the network does not: quantize it"
            )

    def _operator(self, index: int) -> Operator:
        own = self._graph.Operators(index)
        code = self._file.OperatorCodes(own.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = self._names.get(number, str(number))
        custom = code.CustomCode()
        numbers = [int(n) for n in own.InputsAsNumpy()]
        return Operator(
            kind=custom.decode("utf-8", "replace") if custom else kind,
            inputs=[self._name(n) if n >= 0 else "" for n in numbers],
            outputs=[self._name(int(n)) for n in own.OutputsAsNumpy()],
            values=[self._constant(n) if n >= 0 else None for n in numbers],
            shapes=[self._shape(n) if n >= 0 else [] for n in numbers],
            shape=self._shape(int(own.OutputsAsNumpy()[0])),
            options=self._options(own),
        )

    def _options(self, own: Any) -> Any:
        """Return an operator's options, or ``None`` if it has none."""
        kinds = vars(self._package.BuiltinOptions)
        kind = next((n for n, v in kinds.items() if v == own.BuiltinOptionsType()), "NONE")
        table = own.BuiltinOptions()
        if table is None or not hasattr(self._package, kind):
            return None
        options = getattr(self._package, kind)()
        options.Init(table.Bytes, table.Pos)
        return options

    def _name(self, index: int) -> str:
        """Return a tensor's name, with its number where others have the same."""
        name = self._graph.Tensors(index).Name()
        text = name.decode("utf-8", "replace")
        return f"{text};{index}" if self._count[name] > 1 else text

    def _shape(self, index: int) -> list[int]:
        shape = self._graph.Tensors(index).ShapeAsNumpy()
        return [] if isinstance(shape, int) else [int(n) for n in shape]

    def _constant(self, index: int) -> NDArray[Any] | None:
        """Read a constant, with quantized ones as real numbers; ``None`` for other tensors."""
        tensor = self._graph.Tensors(index)
        buffer = self._file.Buffers(tensor.Buffer())
        if not buffer.DataLength() or tensor.IsVariable():
            return None
        if tensor.Sparsity() is not None or tensor.Type() not in TYPES:
            raise InputError(f"tensor {self._name(index)} is sparse or of an unknown type")
        values = buffer.DataAsNumpy().view(TYPES[tensor.Type()]).reshape(self._shape(index))
        quantization = tensor.Quantization()
        if quantization is None or not quantization.ScaleLength() or values.dtype.kind not in "iu":
            return values
        self.quantized = True
        shape = [1] * values.ndim
        shape[quantization.QuantizedDimension() if values.ndim else 0] = -1
        scale = quantization.ScaleAsNumpy().astype(np.float64)
        zero = quantization.ZeroPointAsNumpy().astype(np.float64)
        if len(scale) > 1:
            scale, zero = scale.reshape(shape), np.reshape(zero, shape)
        return ((values - zero) * scale).astype(np.float32)


def _unknown(operator: Operator) -> list[Any]:
    """Keep the name of an operator that has no translation; the ONNX reader refuses it."""
    kind = "".join(part.capitalize() for part in operator.kind.split("_"))
    return [(kind, [name for name in operator.inputs if name], operator.outputs, {})]
