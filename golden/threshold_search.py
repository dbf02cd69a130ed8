"""Search for the thresholds that save most products while the loss stays within a bound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from golden.cells import Floats
from golden.changes import watched
from golden.dataclass import dataclass
from golden.quality import Judge
from golden.quantized import QuantizedNetwork
from golden.savings import Saving, saving
from golden.thresholds import Thresholds, most

STEPS_PER_OCTAVE = 2
"""Searched thresholds per doubling."""

LEVELS = (0, 1, *(round(2 ** (n / STEPS_PER_OCTAVE)) for n in range(2, 27)))
"""Searched thresholds: 0, 1, 2, 3, 4, 6, 8, 11, 16, ..."""

Choice = tuple[int, ...]
"""An index into ``LEVELS`` for each vector that is sent: x, then those of each layer."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Thresholds that the search tried.

    Attributes:
        network: the network with these thresholds.
        saving: the products that they save on the samples.
        drop, lost, doubt: its losses, see :class:`golden.quality.Judge`.
    """

    network: QuantizedNetwork
    saving: Saving
    drop: float
    lost: float
    doubt: float


class ThresholdSearch:
    """Searches for the thresholds of one quantized network.

    1. Raise all thresholds together as far as the bound allows, in proportion to the formats.
    2. Raise one at a time, each time the one that saves most, until none stays within the bound.
    3. Lower one and raise another while that saves more, and repeat step 2.

    As in :class:`golden.search.Search`, neither the share of changed decisions nor the share that
    is expected on other samples may exceed the bound, and the same call finds the same thresholds.

    Args:
        network: the network.
        x: calibration samples, (batch, steps, inputs), before ``input_scale``.
        judge: judge of the outputs for these samples.
        progress: called with the number of thresholds tried.

    Raises:
        InputError: delta does not go with the network.
    """

    def __init__(
        self,
        network: QuantizedNetwork,
        x: Floats,
        judge: Judge,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        self._network = replace(network, thresholds=Thresholds.of(network))
        self._words, self._judge, self._progress = network.quantize_input(x), judge, progress
        self._tried: dict[Choice, Trial] = {}
        self._names = [("x", 0)]  # name and layer of each vector
        for index, own in enumerate(Thresholds.of(network).layers):
            self._names += [(name, index) for name in own]
        limits = [most(network.layers[index].formats, name) for name, index in self._names]
        self._ends = [
            max(n for n, level in enumerate(LEVELS) if level <= limit) for limit in limits
        ]

    @property
    def tried(self) -> int:
        """Number of thresholds tried."""
        return len(self._tried)

    def run(self, bound: float) -> Trial:
        """Find the thresholds that save most.

        Args:
            bound: the bound in percentage points; or the loss with thresholds 0 if that is more.
        """
        zero = (0,) * len(self._names)
        self._bound = max(bound, self._loss(zero))
        choice = self._together()
        while True:
            choice = self._raise(choice)
            exchanged = self._better(choice, self._exchanges(choice))
            if exchanged is None:
                return self._try(choice)
            choice = exchanged

    def _together(self) -> Choice:
        """Raise all thresholds by the same share of their formats' ranges."""
        ends, best = max(self._ends), (0,) * len(self._names)
        for down in range(ends, 0, -1):
            raised = tuple(max(0, end - down) for end in self._ends)
            if self._loss(raised) > self._bound:
                break
            best = raised
        return best

    def _raise(self, choice: Choice) -> Choice:
        while (raised := self._better(choice, self._moved(choice, 1))) is not None:
            choice = raised
        return choice

    def _exchanges(self, choice: Choice) -> list[Choice]:
        """Make choices with one threshold a level lower and another one or two higher."""
        return [
            other
            for lower in self._moved(choice, -1)
            for by in (1, 2)
            for other in self._moved(lower, by)
        ]

    def _better(self, choice: Choice, others: list[Choice]) -> Choice | None:
        """Find the choice within the bound that saves most; ``None`` if none saves more."""
        best, kept = None, self._try(choice).saving.kept
        for other in others:
            if self._try(other).saving.kept < kept and self._loss(other) <= self._bound:
                best, kept = other, self._try(other).saving.kept
        return best

    def _moved(self, choice: Choice, by: int) -> list[Choice]:
        """Make choices in which one threshold is some levels higher."""
        return [
            (*choice[:n], level + by, *choice[n + 1 :])
            for n, (level, end) in enumerate(zip(choice, self._ends))
            if 0 <= level + by <= end
        ]

    def _loss(self, choice: Choice) -> float:
        """Smallest bound that a choice does not exceed."""
        return max(self._try(choice).lost, self._try(choice).doubt)

    def _try(self, choice: Choice) -> Trial:
        if choice not in self._tried:
            levels = {name: LEVELS[n] for name, n in zip(self._names, choice)}
            own: list[dict[str, int]] = [{} for _ in self._network.layers]
            for (name, index), level in levels.items():
                if name != "x":
                    own[index][name] = level
            thresholds = Thresholds(x=levels["x", 0], layers=tuple(own))
            network = replace(self._network, thresholds=thresholds)
            run, changes = watched(network, self._words)
            output = network.out.to_float(run.output)
            self._tried[choice] = Trial(
                network=network,
                saving=saving(network, changes),
                drop=self._judge.drop(output),
                lost=self._judge.lost(output),
                doubt=self._judge.doubt(output),
            )
            self._progress(len(self._tried))
        return self._tried[choice]
