"""TFLite files made by hand, as TensorFlow's converter writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
import tflite

TYPES = {"float32": 0, "int32": 2, "int8": 9, "int16": 7}


class Maker:
    """Makes a file of one graph: tensors first, then operators, then the file."""

    def __init__(self) -> None:
        self._builder = flatbuffers.Builder(1024)
        self._buffers = [self._builder_buffer(b"")]
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[int] = []

    def _builder_buffer(self, data: bytes) -> Any:
        vector = self._builder.CreateByteVector(data) if data else None
        tflite.BufferStart(self._builder)
        if vector is not None:
            tflite.BufferAddData(self._builder, vector)
        return tflite.BufferEnd(self._builder)

    def _vector(self, start: Any, values: Sequence[Any], kind: str) -> Any:
        start(self._builder, len(values))
        for value in reversed(values):
            getattr(self._builder, f"Prepend{kind}")(value)
        return self._builder.EndVector()

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        values: Any = None,
        *,
        kind: str = "float32",
        scale: Sequence[float] = (),
        zero: int = 0,
        variable: bool = False,
    ) -> int:
        """Add a tensor; a constant one has ``values``."""
        builder = self._builder
        buffer = 0
        if values is not None:
            buffer = len(self._buffers)
            self._buffers.append(self._builder_buffer(np.asarray(values, kind).tobytes()))
        sizes = self._vector(tflite.TensorStartShapeVector, shape, "Int32")
        text = builder.CreateString(name)
        quantization = None
        if scale:
            start = tflite.QuantizationParametersStartScaleVector
            scales = self._vector(start, scale, "Float32")
            start = tflite.QuantizationParametersStartZeroPointVector
            zeros = self._vector(start, [zero] * len(scale), "Int64")
            tflite.QuantizationParametersStart(builder)
            tflite.QuantizationParametersAddScale(builder, scales)
            tflite.QuantizationParametersAddZeroPoint(builder, zeros)
            quantization = tflite.QuantizationParametersEnd(builder)
        tflite.TensorStart(builder)
        tflite.TensorAddShape(builder, sizes)
        tflite.TensorAddType(builder, TYPES[kind])
        tflite.TensorAddBuffer(builder, buffer)
        tflite.TensorAddName(builder, text)
        tflite.TensorAddIsVariable(builder, variable)
        if quantization is not None:
            tflite.TensorAddQuantization(builder, quantization)
        self._tensors.append(tflite.TensorEnd(builder))
        return len(self._tensors) - 1

    def operator(
        self,
        kind: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str = "",
        **values: Any,
    ) -> None:
        """Add an operator; ``options`` names the class of its ``values``."""
        builder, code = self._builder, getattr(tflite.BuiltinOperator, kind)
        if code not in self._codes:
            self._codes.append(code)
        table = None
        if options:
            getattr(tflite, f"{options}Start")(builder)
            for name, value in values.items():
                getattr(tflite, f"{options}Add{name}")(builder, value)
            table = getattr(tflite, f"{options}End")(builder)
        reads = self._vector(tflite.OperatorStartInputsVector, inputs, "Int32")
        gives = self._vector(tflite.OperatorStartOutputsVector, outputs, "Int32")
        tflite.OperatorStart(builder)
        tflite.OperatorAddOpcodeIndex(builder, self._codes.index(code))
        tflite.OperatorAddInputs(builder, reads)
        tflite.OperatorAddOutputs(builder, gives)
        if table is not None:
            tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, options))
            tflite.OperatorAddBuiltinOptions(builder, table)
        self._operators.append(tflite.OperatorEnd(builder))

    def file(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Make the file."""
        builder = self._builder
        reads = self._vector(tflite.SubGraphStartInputsVector, inputs, "Int32")
        gives = self._vector(tflite.SubGraphStartOutputsVector, outputs, "Int32")
        parts = [
            self._vector(tflite.SubGraphStartTensorsVector, self._tensors, "UOffsetTRelative"),
            self._vector(tflite.SubGraphStartOperatorsVector, self._operators, "UOffsetTRelative"),
        ]
        tflite.SubGraphStart(builder)
        tflite.SubGraphAddTensors(builder, parts[0])
        tflite.SubGraphAddOperators(builder, parts[1])
        tflite.SubGraphAddInputs(builder, reads)
        tflite.SubGraphAddOutputs(builder, gives)
        graph = tflite.SubGraphEnd(builder)
        codes = []
        for code in self._codes:
            tflite.OperatorCodeStart(builder)
            tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(code, 127))
            tflite.OperatorCodeAddBuiltinCode(builder, code)
            codes.append(tflite.OperatorCodeEnd(builder))
        vectors = [
            self._vector(start, values, "UOffsetTRelative")
            for start, values in (
                (tflite.ModelStartSubgraphsVector, [graph]),
                (tflite.ModelStartBuffersVector, self._buffers),
                (tflite.ModelStartOperatorCodesVector, codes),
            )
        ]
        tflite.ModelStart(builder)
        tflite.ModelAddVersion(builder, 3)
        tflite.ModelAddSubgraphs(builder, vectors[0])
        tflite.ModelAddBuffers(builder, vectors[1])
        tflite.ModelAddOperatorCodes(builder, vectors[2])
        builder.Finish(tflite.ModelEnd(builder), b"TFL3")
        return bytes(builder.Output())


def lstm(
    maker: Maker,
    x: int,
    steps: int,
    weights: Mapping[str, Any],
    *,
    int8: bool = False,
    clip: float = 10.0,
    missing: Sequence[int] = (),
) -> tuple[int, dict[str, Any]]:
    """Add a fused LSTM; return its output, and its weights as real numbers.

    Args:
        maker: the file.
        x: its input.
        steps: the sequence's length.
        weights: ``x`` (4, units, inputs), ``h`` (4, units, units), ``b`` (4, units), in TFLite's
            order i, f, c, o.
        int8: whether weights are 8-bit integers.
        clip: limit of c.
        missing: numbers of inputs that are left out.
    """
    units = weights["h"].shape[1]
    real: dict[str, Any] = {name: [] for name in "xhb"}
    numbers = {}
    for name in "xhb":
        for gate, value in enumerate(weights[name]):
            kind, scale = "float32", []
            if int8:
                kind = "int32" if name == "b" else "int8"
                scale = [float(np.abs(value).max() / (1e6 if name == "b" else 127))]
                value = np.round(value / scale[0])
            tensor = maker.tensor(f"{name}{gate}", value.shape, value, kind=kind, scale=scale)
            numbers[name, gate] = tensor
            real[name].append(value * scale[0] if int8 else value)
    state = [maker.tensor(n, (1, units), variable=True) for n in ("state_h", "state_c")]
    output = maker.tensor("all", (1, steps, units))
    inputs = [x, *(numbers["x", n] for n in range(4)), *(numbers["h", n] for n in range(4))]
    inputs += [-1, -1, -1, *(numbers["b", n] for n in range(4)), -1, -1, *state, -1, -1, -1, -1]
    inputs = [-1 if n in missing else value for n, value in enumerate(inputs)]
    options = "UnidirectionalSequenceLSTMOptions"
    maker.operator(
        *("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [output], options),
        FusedActivationFunction=4,
        CellClip=clip,
    )
    return output, {name: np.stack(values) for name, values in real.items()}
