"""Stacks of recurrent layers, drop-in replacements of ``torch.nn.LSTM``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from golden.cells import SIGMOIDS, Cell, cell_options
from golden.cells import LiteLSTM as LiteLSTMCell
from litelstm.torch.layer import RecurrentLayer, Trace


class Recurrent(nn.Module):
    """A stack of layers of one cell, with the calling convention of ``torch.nn.LSTM``.

    Args:
        cell: the kind of cell, with its options.
        input_size, hidden_size, num_layers, batch_first: see ``torch.nn.LSTM``.
        dropout: dropout between layers, in training mode.
        gate: gate activation, ``hard`` (eq. 21) or ``logistic``.
        device, dtype: device and type of the parameters.

    Raises:
        ValueError: a size is below 1, the dropout not a probability, the gate unknown.
    """

    def __init__(
        self,
        cell: Cell,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        batch_first: bool = False,
        *,
        dropout: float = 0.0,
        gate: str = "hard",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}
        for name, size in sizes.items():
            if size < 1:
                raise ValueError(f"{name} must be 1 or more, not {size!r}")
        if gate not in SIGMOIDS:
            raise ValueError(f"gate must be {' or '.join(SIGMOIDS)}, not {gate!r}")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout must be 0 or more and less than 1, not {dropout!r}")
        self.cell, self.batch_first, self.dropout, self.gate = cell, batch_first, dropout, gate
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.layers = nn.ModuleList(
            RecurrentLayer(
                cell,
                gate,
                hidden_size if n else input_size,
                hidden_size,
                device=device,
                dtype=dtype,
            )
            for n in range(num_layers)
        )

    def extra_repr(self) -> str:
        options = "".join(f", {name}={value}" for name, value in cell_options(self.cell).items())
        return (
            f"{self.cell.kind}, {self.input_size}, {self.hidden_size}, "
            f"num_layers={self.num_layers}, gate={self.gate}{options}"
        )

    def forward(self, x: Any, state: Any = None, lengths: Tensor | None = None) -> tuple[Any, Any]:
        """Compute the output of every step, and the state after the last.

        Args:
            x: (steps, batch, input_size); (batch, steps, input_size) with ``batch_first``; without
                a batch (steps, input_size); or a ``PackedSequence``.
            state: initial state, zero if ``None``: (h, c), or h alone for a cell without c, each
                (num_layers, batch, hidden_size).
            lengths: steps of each sequence, (batch,). Outputs after a sequence's end are zero, and
                the state is that of its own last step, like with a ``PackedSequence``.

        Returns:
            The output in the form of ``x``, and the state in the form of ``state``.

        Raises:
            ValueError: an argument has a wrong shape.
        """
        if isinstance(x, PackedSequence):
            return self._packed(x, state)
        if x.dim() == 2:
            one = None if state is None else _map_state(state, lambda s: s.unsqueeze(1))
            output, last = self._padded(x.unsqueeze(1), one, lengths)
            return output.squeeze(1), _map_state(last, lambda s: s.squeeze(1))
        output, last = self._padded(x.transpose(0, 1) if self.batch_first else x, state, lengths)
        return (output.transpose(0, 1) if self.batch_first else output), last

    def _packed(self, x: PackedSequence, state: Any) -> tuple[PackedSequence, Any]:
        longest_first = PackedSequence(x.data, x.batch_sizes)
        padded, lengths = pad_packed_sequence(longest_first)
        if state is not None and x.sorted_indices is not None:
            order = x.sorted_indices
            state = _map_state(state, lambda s: s.index_select(1, order))
        output, last = self._padded(padded, state, lengths)
        packed = pack_padded_sequence(output, lengths)
        if x.unsorted_indices is not None:
            back = x.unsorted_indices
            last = _map_state(last, lambda s: s.index_select(1, back))
        order = x.sorted_indices, x.unsorted_indices
        return PackedSequence(packed.data, x.batch_sizes, *order), last

    def _padded(self, x: Tensor, state: Any, lengths: Tensor | None) -> tuple[Tensor, Any]:
        """Run :meth:`forward` for x (steps, batch, input_size)."""
        if x.dim() != 3 or x.shape[2] != self.input_size or 0 in x.shape:
            raise ValueError(f"x must be (steps, batch, {self.input_size}), not {tuple(x.shape)}")
        mask = None if lengths is None else _mask(x, lengths)
        traces = self.trace(x, state, mask)
        output = torch.stack(traces[-1]["h"])
        if mask is not None:
            output = torch.where(mask, output, 0)
        last = [torch.stack([trace[name][-1] for trace in traces]) for name in self.cell.state]
        return output, last[0] if len(last) == 1 else tuple(last)

    def trace(self, x: Tensor, state: Any = None, mask: Tensor | None = None) -> list[Trace]:
        """Compute the state of every layer and step, for x (steps, batch, input_size)."""
        first = self._initial(x, state)
        traces: list[Trace] = []
        for n, layer in enumerate(self.layers):
            traces.append(layer(x, {name: value[n] for name, value in first.items()}, mask))
            x = torch.stack(traces[-1]["h"])
            if self.dropout and n + 1 < self.num_layers:
                x = nn.functional.dropout(x, self.dropout, self.training)
        return traces

    def _initial(self, x: Tensor, state: Any) -> dict[str, Tensor]:
        shape = (self.num_layers, x.shape[1], self.hidden_size)
        if state is None:
            zero = x.new_zeros(shape)
            return dict.fromkeys(self.cell.state, zero)
        values = (state,) if isinstance(state, Tensor) else tuple(state)
        if len(values) != len(self.cell.state):
            raise ValueError(
                f"state must be ({', '.join(self.cell.state)}), not {len(values)} parts"
            )
        for name, value in zip(self.cell.state, values, strict=True):
            if value.shape != shape:
                raise ValueError(f"state {name} must be {shape}, not {tuple(value.shape)}")
        return dict(zip(self.cell.state, values, strict=True))


class LiteLSTM(Recurrent):
    """LiteLSTM, eqs. (18)-(25); arguments as :class:`Recurrent`.

    Args:
        peephole: weights of f for c(t-1): ``full`` for the paper's matrix W_fc, ``diagonal`` for a
            vector w_fc, or ``none``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        batch_first: bool = False,
        *,
        peephole: str = "full",
        **options: Any,
    ) -> None:
        cell = LiteLSTMCell(peephole=peephole)
        super().__init__(cell, input_size, hidden_size, num_layers, batch_first, **options)


def _map_state(state: Any, change: Any) -> Any:
    return change(state) if isinstance(state, Tensor) else tuple(map(change, state))


def _mask(x: Tensor, lengths: Tensor) -> Tensor:
    """Make a mask (steps, batch, 1) that is true within each sequence."""
    steps, batch, _ = x.shape
    if lengths.shape != (batch,) or lengths.min() < 1 or lengths.max() > steps:
        raise ValueError(f"lengths must be {batch} of 1 to {steps}, not {lengths.tolist()}")
    times = torch.arange(steps, device=x.device)
    return (times[:, None] < lengths.to(x.device)).unsqueeze(2)
