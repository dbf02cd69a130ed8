"""Assembly of networks: from the forms of a file's outputs back to its input.

Every reader describes its file by vectors as in :mod:`litelstm.importers.forms`. Here their atoms
become layers with sources, and the linear maps between atoms become weights of the layers that read
them: normalizations, bottlenecks, residual sums and concatenations are no layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golden.cells import Dense
from golden.errors import InputError
from golden.network import Network
from litelstm.importers.axes import FLAT
from litelstm.importers.builder import Builder
from litelstm.importers.forms import Form
from litelstm.importers.indices import folded
from litelstm.importers.loops import without_loops
from litelstm.importers.recurrent import PlacedError
from litelstm.importers.tensors import Data
from litelstm.importers.times import check_last_steps

ENDS = {"softmax": "Softmax", "logsoftmax": "LogSoftmax"}
"""Functions at the end of a network that the import leaves out."""


@dataclass(frozen=True, kw_only=True)
class Assembled:
    """A network, with what its file says about results and state.

    Attributes:
        network: the network.
        every_step: whether the file gives the results of every step.
        carried: whether the file takes and gives the state.
        unrolled: whether a layer was recognized from the equations of its steps.
        ends: the left-out function of each output, a key of ``ENDS`` or ``None``.
        order: for each output, the position of its vector in the network's results.
        last: names of the outputs that have one step alone.
        sums: for each output, whether it is the network's result divided by the steps.
        phases: the most steps that a layer computes in one of the network.
        fixed: whether the network is right for sequences of one length alone.
    """

    network: Network
    every_step: bool = False
    carried: bool = False
    unrolled: bool = False
    ends: tuple[str | None, ...]
    order: tuple[int, ...]
    last: tuple[str, ...] = ()
    sums: tuple[bool, ...] = ()
    phases: int = 1
    fixed: bool = False

    def run(self, samples: np.ndarray, *, lengths: Sequence[int] | None = None) -> list[np.ndarray]:
        """Compute the file's outputs for samples (batch, steps, inputs).

        ``lengths`` are the steps of each sample, where they differ.
        """
        fed = self.network.feed(samples)
        found = self.network.run(fed, lengths=lengths)
        return self.outputs(found.steps if self.every_step else found.output, fed.shape[1])

    def outputs(self, result: np.ndarray, steps: int) -> list[np.ndarray]:
        """Split the network's results (..., words) into the file's outputs, ends applied.

        ``steps`` is the number of steps of the network.
        """
        vectors = self.network.result_vectors
        sizes = [self.network.sizes[index] for index in vectors]
        parts = np.split(result, np.cumsum(sizes)[:-1], axis=-1)
        found = []
        for n, end, sums in zip(self.order, self.ends, self.sums, strict=True):
            count = steps - self.network.starts[vectors[n]] if sums else 1
            found.append(_ended(parts[n] / count, end))
        return found


def assemble(
    outputs: Sequence[tuple[str, Data]],
    *,
    steps: int,
    scale: float = 1.0,
    stateful: bool = False,
    free: bool = False,
) -> Assembled:
    """Make the network that computes a file's outputs.

    Args:
        outputs: name and tensor of each.
        steps: length of the input's sequences.
        scale: the network's input scale.
        stateful: whether state goes on from run to run without being an input.
        free: whether sequences may have any length.

    Raises:
        InputError: something has no layer; the message says what.
    """
    stripped = [[_stripped(form) for form in data.forms] for _, data in outputs]
    forms, unrolled = without_loops([[form for _, form in one] for one in stripped])
    builder = Builder(steps, forms, free=free)
    vectors = [
        _vector(builder, name, data, own) for (name, data), own in zip(outputs, forms, strict=True)
    ]
    every = any(len(own) > 1 for own in forms)
    if every:
        check_last_steps([own[0] for own in forms if len(own) == 1])
    _check(builder)
    results, layers = sorted(set(vectors)), [*builder.layers]
    order = tuple(results.index(vector) for vector in vectors)
    if builder.indexed:
        layers, results = folded(layers, results)
    carried = builder.starts.carried() or stateful
    return Assembled(
        network=Network(
            layers=tuple(layers),
            results=tuple(results),
            input_scale=scale,
            flush=builder.flush,
            fold=builder.fold,
            indexed=int(builder.indexed),
        ),
        every_step=every or (carried and steps == 1),
        carried=carried,
        unrolled=unrolled or builder.unrolled,
        ends=tuple(one[-1][0] for one in stripped),
        order=order,
        last=tuple(name for name, data in outputs if steps > 1 and len(data.forms) == 1),
        sums=tuple(vector in builder.sums for vector in vectors),
        phases=builder.phases,
        fixed=builder.fixed or (builder.fold > 1 and builder.flush > 0),
    )


def _check(builder: Builder) -> None:
    """Refuse a network that no core can be."""
    if all(isinstance(layer.cell, Dense) for layer in builder.layers):
        raise InputError("has no recurrent layer")
    if builder.indexed and builder.fold > 1:
        raise InputError(
            f"reads an index, and what strides or pools makes a step of {builder.fold} of them: a "
            "core reads one index per step; look the table up on a host, and import the part "
            "behind it"
        )


def _vector(builder: Builder, name: str, data: Data, forms: Sequence[Form]) -> int:
    """Make the layers of one output; return its vector."""
    try:
        if {*FLAT} & {*data.axes}:
            raise InputError("has all steps side by side; leave Flatten out: a core gives them")
        return builder.result(forms)
    except PlacedError:
        raise
    except InputError as error:
        raise InputError(f"output {name} {error}") from None


def _stripped(form: Form) -> tuple[str | None, Form]:
    """Take a function of ``ENDS`` away from a form."""
    atom = form.atom
    return (atom.kind, atom.args[0]) if atom.kind in ENDS else (None, form)


def _ended(output: np.ndarray, end: str | None) -> np.ndarray:
    """Apply a left-out function."""
    if end is None:
        return output
    log = output - output.max(axis=-1, keepdims=True)
    log = log - np.log(np.exp(log).sum(axis=-1, keepdims=True))
    return np.exp(log) if end == "softmax" else log
