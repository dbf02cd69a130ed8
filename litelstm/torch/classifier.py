"""A recurrent stack with its dense head, and conversion to and from golden's float network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from golden.errors import InputError
from golden.layers import dense
from golden.network import Layer, Network
from litelstm.architectures import CELLS, Architecture
from litelstm.torch.layer import Trace
from litelstm.torch.recurrent import Recurrent


class Classifier(nn.Module):
    """A recurrent stack and a dense head on the last step's h, like :class:`Network`.

    Args:
        recurrent: the stack.
        outputs: words of the head.
        input_scale: factor from stored samples to the numbers that the stack sees.
    """

    def __init__(self, recurrent: Recurrent, outputs: int, *, input_scale: float = 1.0) -> None:
        super().__init__()
        first = next(recurrent.parameters())
        self.recurrent, self.input_scale = recurrent, input_scale
        self.head = nn.Linear(
            recurrent.hidden_size, outputs, device=first.device, dtype=first.dtype
        )

    @classmethod
    def of(
        cls, shape: Architecture, *, dropout: float = 0.0, input_scale: float = 1.0
    ) -> Classifier:
        """Make a new classifier from the description of a network with a head."""
        recurrent = Recurrent(
            CELLS[shape.cell],
            shape.inputs,
            shape.units,
            shape.layers,
            batch_first=True,
            dropout=dropout,
            gate=shape.sigmoid,
        )
        assert shape.head is not None
        return cls(recurrent, shape.head, input_scale=input_scale)

    def export(self) -> Network:
        """Convert the parameters to golden's float network."""
        return to_network(self.recurrent, self.head, input_scale=self.input_scale)

    def forward(self, samples: Tensor) -> Tensor:
        """Compute logits (batch, outputs) for samples (batch, steps, inputs) without scaling."""
        return self.run(samples)[0]

    def run(self, samples: Tensor) -> tuple[Tensor, list[Trace]]:
        """Compute logits, and the state of every layer and step."""
        x = samples.transpose(0, 1).to(self.head.weight.dtype) * self.input_scale
        traces = self.recurrent.trace(x)
        return self.head(traces[-1]["h"][-1]), traces


def to_network(
    recurrent: Recurrent, head: nn.Linear | None = None, *, input_scale: float = 1.0
) -> Network:
    """Convert a module's parameters to golden's float network.

    Raises:
        InputError: a parameter is not finite.
    """

    def array(value: Tensor) -> Any:
        return value.detach().cpu().double().numpy()

    layers = tuple(
        Layer(
            cell=recurrent.cell,
            sigmoid=recurrent.gate,
            weights={name: array(value) for name, value in layer.named_parameters()},
        )
        for layer in recurrent.layers
    )
    if head is not None:
        bias = head.weight.new_zeros(head.out_features) if head.bias is None else head.bias
        layers += (dense(array(head.weight), array(bias)),)
    return Network(layers=layers, input_scale=input_scale)


def from_network(network: Network, *, dtype: Any = torch.float32) -> Classifier | Recurrent:
    """Make a module with the parameters of a float network, ``batch_first``.

    Returns:
        A classifier, or the stack alone for a network without a head.

    Raises:
        InputError: the layers differ in cell, gate activation or units, or one is not forward;
            there is an ``input_scale`` but no head.
    """
    require_chain(network)
    first = network.layers[0]
    for index, layer in enumerate(network.body):
        for what in ("cell", "sigmoid", "units"):
            if getattr(layer, what) != getattr(first, what):
                raise InputError(
                    f"layer{index} has {what} {getattr(layer, what)}, expected that of layer0, "
                    f"{getattr(first, what)}: a module's layers are all alike"
                )
    recurrent = Recurrent(
        first.cell,
        network.inputs,
        first.units,
        len(network.body),
        batch_first=True,
        gate=first.sigmoid,
        dtype=dtype,
    )
    for module, layer in zip(recurrent.layers, network.body, strict=True):
        _fill(dict(module.named_parameters()), layer.weights)
    if network.head is None:
        if network.input_scale != 1:
            raise InputError(f"input_scale is {network.input_scale}, expected 1 without a head")
        return recurrent
    module = Classifier(recurrent, network.outputs, input_scale=network.input_scale)
    _fill({"W_yx": module.head.weight, "b_y": module.head.bias}, network.head.weights)
    return module


def require_chain(network: Network) -> None:
    """Refuse a network that cannot be trained.

    Raises:
        InputError: it is no chain of forward recurrent layers without first states and lags, with
            or without logits at the end.
    """
    for index, layer in enumerate(network.layers):
        if layer.direction != "forward":
            raise InputError(f"layer{index} is {layer.direction}, expected forward (to be trained)")
        if layer.first:
            raise InputError(f"layer{index} has a first state, expected none (to be trained)")
        if any(layer.lags or ()) or layer.warmup:
            raise InputError(
                f"layer{index} reads vectors at lags {network.lags[index]}, expected 0: training "
                "takes no windows"
            )
        if not layer.cell.state and layer is not network.head:
            raise InputError(
                f"layer{index} is dense, expected a recurrent one: training takes a dense layer "
                "only at the end, linear, and as the only result"
            )
        if (sources := network.sources[index]) != (index,):
            raise InputError(
                f"layer{index} reads vectors {sources}, expected ({index},): training takes a chain"
            )
    last, results = (len(network.layers),), network.result_vectors
    if results != last:
        raise InputError(f"results are vectors {results}, expected {last}: training takes one")


@torch.no_grad()
def _fill(parameters: Mapping[str, Tensor], weights: Mapping[str, Any]) -> None:
    for name, parameter in parameters.items():
        parameter.copy_(torch.from_numpy(weights[name]))
