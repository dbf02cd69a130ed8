"""Operations over time on tensors of forms: convolution, padding, pooling."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import reduce

import numpy as np

from golden.cells import Floats
from golden.errors import InputError
from litelstm.importers.axes import BINS
from litelstm.importers.forms import Atom, Form, constant, made_again
from litelstm.importers.tensors import AxesError, Data

MOST_PIECES = 4
"""Values of which a layer takes the largest; more are taken in several layers."""

SHORT = "more steps than the sequence has"

_whole: ContextVar[bool] = ContextVar("whole", default=False)


@contextmanager
def whole_windows() -> Iterator[None]:
    """Refuse windows with weights that read zeros alone, as sequences shorter than them have."""
    token = _whole.set(True)
    try:
        yield
    finally:
        _whole.reset(token)


def refuses_short() -> bool:
    """Whether this runs within :func:`whole_windows`."""
    return _whole.get()


class ShortError(InputError):
    """A window that is longer than the sequence.

    Attributes:
        steps: steps that it needs beyond those that there are.
    """

    def __init__(self, message: str, steps: int) -> None:
        super().__init__(message)
        self.steps = steps


@dataclass(frozen=True, kw_only=True)
class Window:
    """A window that moves over an axis.

    Attributes:
        size: values that it reads.
        stride: values from one place to the next.
        dilation: values from one that it reads to the next.
        pads: zeros in front and behind; ``same`` for as many that a result of stride 1 is as long,
            the odd one behind; ``causal`` for all in front.
    """

    size: int
    stride: int = 1
    dilation: int = 1
    pads: tuple[int, int] | str = (0, 0)

    def __post_init__(self) -> None:
        for name in ("size", "stride", "dilation"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}, expected 1 or more")

    @property
    def span(self) -> int:
        """Values from the first that it reads to the last."""
        return (self.size - 1) * self.dilation + 1

    def padding(self, count: int) -> tuple[int, int]:
        """Return the zeros in front of ``count`` values, and behind them."""
        if self.pads == "causal":
            return self.span - 1, 0
        if not isinstance(self.pads, str):
            return self.pads
        places = -(-count // self.stride)
        total = max(0, (places - 1) * self.stride + self.span - count)
        less, more = total // 2, total - total // 2
        return (less, more) if self.pads == "same" else (more, less)

    def reads(self, count: int) -> list[list[int]]:
        """List what it reads in each place; indices below 0 and from ``count`` on are zeros."""
        front, behind = self.padding(count)
        if min(front, behind) < 0:
            raise InputError(f"pads are {(front, behind)}, expected 0 or more")
        missing = self.span - front - behind - count
        if missing > 0:
            raise ShortError(f"reads {self.span} steps, {SHORT}", missing)
        starts = range(-front, count + behind - self.span + 1, self.stride)
        return [[start + n * self.dilation for n in range(self.size)] for start in starts]


ALONE = Window(size=1)
"""The window that reads one value."""


def convolved(
    data: Data,
    weights: Floats,
    bias: Floats | None,
    window: Window,
    *,
    groups: int = 1,
    over: Window = ALONE,
) -> Data:
    """Convolve over the steps, and over the bins if there are any.

    Args:
        data: a tensor with axes ``steps`` and ``features``.
        weights: shape (results, features / groups, window's size), or with one more axis, for bins.
        bias: shape (results,).
        window: the window over the steps.
        groups: groups of features, each with as many of the results.
        over: the window over the bins.
    """
    weights = weights.reshape(*weights.shape[:3], over.size)
    if window.padding(len(data.forms))[0]:
        data = _with_zeros(data)
    reads, count = over.reads(data.bins), data.bins
    full = _grouped(data, weights.reshape(*weights.shape[:2], -1), groups)
    full = full.reshape(*full.shape[:2], window.size, over.size)
    taps = [np.zeros((len(full), len(reads), data.features, count)) for _ in range(window.size)]
    for n, tap in enumerate(taps):
        for place, bins in enumerate(reads):
            for k, at in enumerate(bins):
                if 0 <= at < count:
                    tap[:, place, :, at] += full[:, :, n, k]
    taps = [tap.reshape(len(full) * len(reads), -1) for tap in taps]
    offset = np.repeat(np.zeros(len(weights)) if bias is None else bias, len(reads))

    def value(reads: Sequence[int]) -> Form:
        inside = ((data.forms[n], tap) for n, tap in zip(reads, taps, strict=True) if n >= 0)
        terms = [form.mapped(tap) for form, tap in inside]
        return reduce(Form.plus, terms, constant(offset))

    forms = [value(_inside(reads, data)) for reads in _windows(data, window)]
    return _binned(_placed(data, forms), len(reads))


def _with_zeros(data: Data) -> Data:
    """Make a layer of values with an offset: before its first step it is zero."""
    if not any(form.bias.any() for form in data.forms):
        return data
    with made_again():
        return data.each(lambda form: form.apply("linear"))


def _binned(data: Data, bins: int) -> Data:
    """Rename the axis of bins, whose number has changed."""
    axes = tuple(f"{BINS}{bins}" if axis.startswith(BINS) else axis for axis in data.axes)
    return Data(axes, data.forms, data.batch)


def _inside(reads: Sequence[int], data: Data) -> list[int]:
    """Write every zero as -1."""
    return [n if 0 <= n < len(data.forms) else -1 for n in reads]


def _windows(data: Data, window: Window) -> list[list[int]]:
    if data.axes.count("steps") != 1:
        raise AxesError(f"moves over {data.described()}, expected an axis of steps")
    count = len(data.forms)
    reads = window.reads(count)
    unread = [all(not 0 <= at < count for at in tap) for tap in zip(*reads, strict=True)]
    if _whole.get() and any(unread):
        raise ShortError(f"reads {window.span} steps, {SHORT}", max(1, window.span - count))
    return reads


def _placed(data: Data, forms: Sequence[Form]) -> Data:
    return Data(data.axes, tuple(forms), data.batch)


def _grouped(data: Data, weights: Floats, groups: int) -> Floats:
    """Write the weights of groups of features as those of one: (results, features, size)."""
    results, inputs, size = weights.shape
    if groups < 1 or results % groups or data.features != inputs * groups:
        raise AxesError(
            f"convolves {data.described()}, expected {inputs * groups} features in {groups} groups"
        )
    full = np.zeros((results, inputs * groups, size))
    each = results // groups
    for n in range(groups):
        rows = slice(n * each, (n + 1) * each)
        full[rows, n * inputs : (n + 1) * inputs] = weights[rows]
    return full


def padded(data: Data, front: int, behind: int) -> Data:
    """Put steps of zeros in front and behind; negative numbers take steps away."""
    count = len(data.forms)
    if data.axes.count("steps") != 1 or count + min(front, 0) + min(behind, 0) < 1:
        raise AxesError(f"pads {data.described()} by {front} and {behind} steps")
    if _whole.get() and max(front, behind) >= count:
        raise ShortError(
            f"pads by {front} and {behind} steps, {SHORT}", max(front, behind) + 1 - count
        )
    data = _with_zeros(data) if front > 0 else data
    kept = data.forms[max(0, -front) : count + min(0, behind)]
    zero = constant(np.zeros(data.forms[0].size))
    return _placed(data, (*(zero,) * front, *kept, *(zero,) * behind))


def _parts(data: Data, over: Window) -> tuple[list[list[Form]], int]:
    """Select what each of a window's bins reads: for each step, so many forms; and their size."""
    reads = over.reads(data.bins)
    if any(not 0 <= at < data.bins for bins in reads for at in bins):
        raise InputError("pools over zeros beside the bins; use padding valid")
    first = np.arange(data.features)[:, np.newaxis] * data.bins
    rows = [(first + np.array(at)).ravel() for at in zip(*reads, strict=True)]
    return [[form.rows(own) for own in rows] for form in data.forms], len(reads)


def averaged(data: Data, window: Window, *, pads_count: bool, over: Window = ALONE) -> Data:
    """Average over a window, of which zeros may count."""
    parts, bins = _parts(data, over)
    mean = [reduce(Form.plus, own).scaled(np.full(own[0].size, 1 / len(own))) for own in parts]
    data = _binned(_placed(data, mean), bins)

    def value(reads: Sequence[int]) -> Form:
        forms = [data.forms[n] for n in reads if n >= 0]
        count = len(reads) if pads_count else len(forms)
        return reduce(Form.plus, forms).scaled(np.full(data.forms[0].size, 1 / count))

    return _placed(data, [value(_inside(reads, data)) for reads in _windows(data, window)])


def largest(data: Data, window: Window, *, over: Window = ALONE) -> Data:
    """Take the largest of a window, element by element."""
    parts, bins = _parts(data, over)
    found = []
    for reads in _windows(data, window):
        if min(_inside(reads, data)) < 0:
            raise InputError(
                "takes the largest of fewer values at an end; use padding valid, and as many "
                "steps as its windows fill"
            )
        found.append([form for n in reads for form in parts[n]])
    while len(found[0]) > MOST_PIECES:
        starts = range(0, len(found[0]), MOST_PIECES)
        parts = [_line_of([group[n : n + MOST_PIECES] for group in found]) for n in starts]
        found = [list(group) for group in zip(*parts, strict=True)]
    return _binned(_placed(data, _line_of(found)), bins)


def _line_of(groups: Sequence[Sequence[Form]]) -> list[Form]:
    """Return the largest of each group, as one layer's vector in several steps."""
    if len(groups[0]) == 1:
        return [form for (form,) in groups]
    with made_again():
        return [
            Atom("max", group[0].size, max(form.time for form in group), tuple(group)).form
            for group in groups
        ]
