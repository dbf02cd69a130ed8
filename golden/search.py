"""Search for the cheapest bit widths whose loss stays within a bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from golden.calibration import Calibration
from golden.cells import Floats, Pool
from golden.cost import Cost, cost
from golden.errors import InputError
from golden.layer_formats import MAX_TENSOR_WIDTH
from golden.model import IntegerModel
from golden.quality import Judge, check_max_drop
from golden.quantized import QuantizedNetwork
from golden.settings import MAX_GATE_BITS, Settings

WIDTHS = {
    "weight_width": (2, MAX_TENSOR_WIDTH),
    "activation_width": (2, MAX_TENSOR_WIDTH),
    "state_width": (2, MAX_TENSOR_WIDTH),
    "input_width": (2, MAX_TENSOR_WIDTH),
    "gate_bits": (2, MAX_GATE_BITS),
    "pre_width": (5, MAX_TENSOR_WIDTH),
    "log2_entries": (2, 12),
}
"""Searched fields of :class:`golden.settings.Settings`, with their ranges."""

LOG2_RANGES = (2, 3)
"""Searched ranges of the tanh table, [0, 4) and [0, 8); from 8 on, tanh is 1 in any format."""

Choice = tuple[int, ...]
"""One value per entry of ``WIDTHS`` that the network has, then one of ``LOG2_RANGES``."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One setting that the search tried.

    Attributes:
        settings: the setting.
        network: the network quantized with it.
        cost: the network's cost.
        relative: ratio of its cost to that of W8 A8 C12.
        drop, lost, doubt: its losses, see :class:`golden.quality.Judge`.
    """

    settings: Settings
    network: QuantizedNetwork
    cost: Cost
    relative: float
    drop: float
    lost: float
    doubt: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of a search.

    Attributes:
        best: the cheapest setting within the bound.
        reference: the setting W8 A8 C12, within the bound or not.
        tried: number of settings tried.
        measure, level: the measure, and the float network's score in percent.
        samples: number of samples for judging.
        bound: the bound of this search, in percentage points.
    """

    best: Candidate
    reference: Candidate
    tried: int
    measure: str
    level: float
    samples: int
    bound: float


class Search:
    """Searches for the cheapest bit widths of one network.

    1. Find the narrowest value of each width within the bound, with all others at their widest.
       Combine these values. While the combination exceeds the bound, add the bit that reduces the
       excess most for its cost.
    2. As a second start, move all widths of W8 A8 C12 equally, as narrow as the bound allows.
    3. From each start, remove one bit at a time, each time the one that saves most, until every
       further bit would exceed the bound.
    4. Exchange one bit of a width for one or two bits of another while that is cheaper, and repeat
       step 3. The cheaper of the two ends is the result.

    A setting is within the bound if neither the share of decisions that it changes nor the share
    that it is expected to change on other samples (:class:`golden.quality.Judge`) exceeds it. The
    search is deterministic: the same call finds the same setting.

    Args:
        calibration: the float network and its samples.
        judge: judge of the outputs.
        max_drop: the bound, in percentage points.
        base: settings that are not searched.
        progress: called with the number of settings tried.

    Raises:
        InputError: ``max_drop`` is negative or not a number.
    """

    def __init__(
        self,
        calibration: Calibration,
        judge: Judge,
        *,
        max_drop: float,
        base: Settings,
        progress: Callable[[int], None] = lambda done: None,
    ) -> None:
        check_max_drop(max_drop)
        self._calibration = calibration
        self._judge = judge
        self._max_drop = self._bound = max_drop
        self._base = base
        self._progress = progress
        self._tried: dict[Choice, Candidate] = {}
        self._networks: dict[Choice, tuple[QuantizedNetwork, Cost]] = {}
        layers = calibration.network.layers
        has_c = any("c" in one.cell.state or one.cell == Pool() for one in layers)
        self._ranges = {n: ends for n, ends in WIDTHS.items() if has_c or n != "state_width"}
        default = Settings()
        widths = (getattr(default, name) or default.activation_width for name in self._ranges)
        self._start = (*widths, default.log2_range)

    def run(self, share: float = 1.0) -> Outcome:
        """Find the cheapest setting.

        Args:
            share: share of the bound to stay within, or the widest setting's loss if that is more.

        Raises:
            InputError: even the widest setting exceeds the bound.
        """
        ends = [most for _, most in self._ranges.values()]
        widest = min(((*ends, log2_range) for log2_range in LOG2_RANGES), key=self._loss)
        loss = self._loss(widest)
        if loss > self._max_drop:
            raise InputError(
                f"max_drop is {self._max_drop:g}, expected {loss:.3g} or more: with all widths at "
                f"their largest so many points of {self._judge.measure} may be lost "
                f"({self._help(widest)})"
            )
        self._bound = max(share * self._max_drop, loss)
        together = tuple(self._narrowest(widest, index) for index in range(len(self._ranges)))
        starts = self._repair((*together, widest[-1])), self._balanced(widest)
        best = min(map(self._try, map(self._settle, starts)), key=lambda one: one.relative)
        reference = self._try(self._start)
        return Outcome(
            best=best,
            reference=reference,
            tried=len(self._tried),
            measure=self._judge.measure,
            level=self._judge.level,
            samples=len(self._calibration.samples),
            bound=self._bound,
        )

    def _settings(self, choice: Choice) -> Settings:
        names = (*self._ranges, "log2_range")
        return replace(self._base, **dict(zip(names, choice, strict=True)))

    def _network(self, choice: Choice) -> tuple[QuantizedNetwork, Cost]:
        """Quantize the network with a setting and compute its cost, without judging it."""
        if choice not in self._networks:
            network = self._calibration.quantize(self._settings(choice))
            self._networks[choice] = network, cost(network)
        return self._networks[choice]

    def _price(self, choice: Choice) -> float:
        return self._network(choice)[1].relative(self._network(self._start)[1])

    def _output(self, network: QuantizedNetwork) -> Floats:
        words = IntegerModel(network).forward(network.quantize_input(self._calibration.samples))
        return network.out.to_float(words)

    def _try(self, choice: Choice) -> Candidate:
        if choice not in self._tried:
            network, price = self._network(choice)
            output = self._output(network)
            self._tried[choice] = Candidate(
                settings=self._settings(choice),
                network=network,
                cost=price,
                relative=self._price(choice),
                drop=self._judge.drop(output),
                lost=self._judge.lost(output),
                doubt=self._judge.doubt(output),
            )
            self._progress(len(self._tried))
        return self._tried[choice]

    def _excess(self, choice: Choice) -> float:
        """Percentage points beyond the bound, measured plus expected on other samples."""
        tried = self._try(choice)
        return sum(max(0.0, points - self._bound) for points in (tried.lost, tried.doubt))

    def _loss(self, choice: Choice) -> float:
        """Smallest bound that a setting does not exceed."""
        return max(self._try(choice).lost, self._try(choice).doubt)

    def _help(self, widest: Choice) -> str:
        """Advice for a user whose bound even the widest setting exceeds."""
        helps = "more samples or a looser bound"
        if self._base.interpolate:
            return f"{helps} may help"
        settings = replace(self._settings(widest), interpolate=True)
        output = self._output(self._calibration.quantize(settings))
        loss = max(self._judge.lost(output), self._judge.doubt(output))
        return f"{loss:.3g} with an interpolated tanh table; {helps} may help"

    def _narrowest(self, widest: Choice, index: int) -> int:
        """Smallest value of one width within the bound, with the others at their widest."""
        low, high = list(self._ranges.values())[index]
        return _least(low, high, lambda width: self._excess(_with(widest, index, width)) <= 0)

    def _repair(self, choice: Choice) -> Choice:
        """Add bits until the setting is within the bound."""
        while (excess := self._excess(choice)) > 0:
            wider = list(self._moved(choice, 1))
            price = self._price(choice)

            def worth(other: Choice, excess: float = excess, price: float = price) -> float:
                return (excess - self._excess(other)) / max(self._price(other) - price, 1e-9)

            best = max([*wider, *self._other_ranges(choice)], key=worth)
            if worth(best) <= 0:  # no single bit helps
                best = tuple(max(one) for one in zip(*wider, strict=True))
            choice = best
        return choice

    def _balanced(self, widest: Choice) -> Choice:
        """Move all widths of the reference by the same bits: the narrowest within the bound."""

        def moved(bits: int) -> Choice:
            ends = zip(self._start, self._ranges.values(), strict=False)
            return (*(min(max(n + bits, low), high) for n, (low, high) in ends), widest[-1])

        most = max(widest)
        return moved(_least(-most, most, lambda bits: self._excess(moved(bits)) <= 0))

    def _settle(self, choice: Choice) -> Choice:
        """Remove and exchange bits until no neighbour is cheaper."""
        while True:
            choice = self._descend(choice)
            exchanged = self._exchange(choice)
            if exchanged is None:
                return choice
            choice = exchanged

    def _descend(self, choice: Choice) -> Choice:
        while (narrower := self._cheapest(choice, self._moved(choice, -1))) is not None:
            choice = narrower
        return choice

    def _exchange(self, choice: Choice) -> Choice | None:
        """Find a cheaper setting with one width a bit narrower and another 1 or 2 bits wider."""
        others = [
            other
            for narrower in self._moved(choice, -1)
            for bits in (1, 2)
            for other in (*self._moved(narrower, bits), *self._other_ranges(narrower))
        ]
        return self._cheapest(choice, others)

    def _cheapest(self, choice: Choice, others: Iterable[Choice]) -> Choice | None:
        """Find the cheapest of ``others`` within the bound; ``None`` if none beats ``choice``."""
        price = self._price(choice)
        cheaper = {other for other in others if self._price(other) < price}
        # Cheapest first: the first one within the bound saves judging the others.
        ordered = sorted(cheaper, key=lambda other: (self._price(other), other))
        return next((other for other in ordered if self._excess(other) <= 0), None)

    def _other_ranges(self, choice: Choice) -> Iterable[Choice]:
        """Settings that differ in the tanh table's range."""
        return ((*choice[:-1], other) for other in LOG2_RANGES if other != choice[-1])

    def _moved(self, choice: Choice, bits: int) -> Iterable[Choice]:
        """Settings in which one width is ``bits`` wider."""
        for index, (low, high) in enumerate(self._ranges.values()):
            if low <= choice[index] + bits <= high:
                yield _with(choice, index, choice[index] + bits)


def _least(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Find the least number that ``holds``, if it also holds for all from there to ``high``."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


def _with(choice: Choice, index: int, width: int) -> Choice:
    return (*choice[:index], width, *choice[index + 1 :])
