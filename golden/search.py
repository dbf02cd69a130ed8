"""The search for the cheapest bit widths whose loss stays within a bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from golden.calibration import Calibration
from golden.cost import Cost, cost
from golden.errors import InputError
from golden.layer_formats import MAX_TENSOR_WIDTH
from golden.model import IntegerModel
from golden.quality import Judge
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
"""What is searched: widths and the size of the tanh table, with their ranges.

They are fields of :class:`golden.settings.Settings`.
"""

Choice = tuple[int, ...]
"""A value for each of ``WIDTHS`` that the network has."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One setting that was tried.

    Attributes:
        settings: the setting.
        network: the network quantized with it.
        cost: what that costs.
        relative: its cost in proportion to that of W8 A8 C12.
        drop, lost, doubt: what it loses, see :class:`golden.quality.Judge`.
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
    """What a search found.

    Attributes:
        best: the cheapest setting that stays within the bound.
        reference: the setting W8 A8 C12, whether it does or not.
        tried: number of settings that were tried.
        measure, level: what is judged, and what the float network reaches in percent.
    """

    best: Candidate
    reference: Candidate
    tried: int
    measure: str
    level: float


class Search:
    """Searches bit widths for one network.

    1. Each width alone, all others at their widest: the narrowest that stays within the bound. All
       of these together; while that loses too much, the bit that buys most for its cost is given
       back.
    2. Beside it, W8 A8 C12 with all widths moved by as many bits, as narrow as the bound allows.
    3. From both: while any width can do with a bit less, the one that saves most gives it.
    4. Exchanges: a bit of one width for one or two of another, where that is cheaper; then 3 again.
       The cheaper of both ends is the result.

    A setting stays within the bound if neither the right decisions that it loses nor the
    confidence that it loses exceed it (:class:`golden.quality.Judge`); so its accuracy drops by no
    more. Every choice follows from the numbers alone: the same call finds the same setting.

    Args:
        calibration: the float network and its samples.
        judge: judges the outputs.
        max_drop: the bound, in percentage points.
        base: all settings that are not searched.
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
        if not 0 <= max_drop <= 100:
            raise InputError(f"max_drop is {max_drop}, expected 0 to 100 percentage points")
        self._calibration = calibration
        self._judge = judge
        self._max_drop = max_drop
        self._base = base
        self._progress = progress
        self._tried: dict[Choice, Candidate] = {}
        has_c = any("c" in layer.cell.state for layer in calibration.network.layers)
        self._ranges = {n: ends for n, ends in WIDTHS.items() if has_c or n != "state_width"}
        default = Settings()
        self._start = tuple(
            getattr(default, name) or default.activation_width for name in self._ranges
        )
        self._reference = cost(calibration.quantize(self._settings(self._start)))

    def run(self) -> Outcome:
        """Find the cheapest setting.

        Raises:
            InputError: not even the widest setting stays within the bound.
        """
        widest = tuple(most for _, most in self._ranges.values())
        if self._excess(widest) > 0:
            raise InputError(
                f"max_drop is {self._max_drop:g}, expected {self._loss(widest):.3g} or more: "
                f"with all widths at their largest so many points of {self._judge.measure} or of "
                "confidence are lost (more samples or an interpolated tanh table may help)"
            )
        together = tuple(self._narrowest(widest, index) for index in range(len(widest)))
        ends = [self._settle(start) for start in (self._repair(together), self._balanced(widest))]
        best = min((self._try(end) for end in ends), key=lambda one: one.relative)
        reference = self._try(self._start)
        return Outcome(
            best=best,
            reference=reference,
            tried=len(self._tried),
            measure=self._judge.measure,
            level=self._judge.level,
        )

    def _settings(self, choice: Choice) -> Settings:
        return replace(self._base, **dict(zip(self._ranges, choice, strict=True)))

    def _try(self, choice: Choice) -> Candidate:
        if choice not in self._tried:
            settings = self._settings(choice)
            network = self._calibration.quantize(settings)
            words = IntegerModel(network).forward(network.quantize_input(self._calibration.samples))
            output, price = network.out.to_float(words), cost(network)
            self._tried[choice] = Candidate(
                settings=settings,
                network=network,
                cost=price,
                relative=price.relative(self._reference),
                drop=self._judge.drop(output),
                lost=self._judge.lost(output),
                doubt=self._judge.doubt(output),
            )
            self._progress(len(self._tried))
        return self._tried[choice]

    def _excess(self, choice: Choice) -> float:
        """Points lost beyond the bound, of decisions and of confidence together."""
        tried = self._try(choice)
        return sum(max(0.0, points - self._max_drop) for points in (tried.lost, tried.doubt))

    def _loss(self, choice: Choice) -> float:
        """The least bound that a setting stays within."""
        return max(self._try(choice).lost, self._try(choice).doubt)

    def _narrowest(self, widest: Choice, index: int) -> int:
        """The least of one width that stays within the bound while the others are widest."""
        low, high = list(self._ranges.values())[index]
        while low < high:
            middle = (low + high) // 2
            if self._excess(_with(widest, index, middle)) > 0:
                low = middle + 1
            else:
                high = middle
        return high

    def _repair(self, choice: Choice) -> Choice:
        """Bits given back, until the setting is within the bound."""
        while (excess := self._excess(choice)) > 0:
            wider = list(self._moved(choice, 1))
            price = self._try(choice).relative

            def worth(other: Choice, excess: float = excess, price: float = price) -> float:
                paid = max(self._try(other).relative - price, 1e-9)
                return (excess - self._excess(other)) / paid

            best = max(wider, key=worth)
            if worth(best) <= 0:  # no single bit helps
                best = tuple(max(one) for one in zip(*wider, strict=True))
            choice = best
        return choice

    def _balanced(self, widest: Choice) -> Choice:
        """The reference with all widths moved by as many bits: the narrowest within the bound."""
        for bits in range(-max(widest), max(widest)):
            moved = tuple(
                min(max(width + bits, low), high)
                for width, (low, high) in zip(self._start, self._ranges.values(), strict=True)
            )
            if self._excess(moved) <= 0:
                return moved
        return widest

    def _settle(self, choice: Choice) -> Choice:
        """Where nothing cheaper is found near by."""
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
        """A cheaper setting with one width narrower by a bit and another wider by one or two."""
        others = [
            wider
            for narrower in self._moved(choice, -1)
            for bits in (1, 2)
            for wider in self._moved(narrower, bits)
        ]
        return self._cheapest(choice, others)

    def _cheapest(self, choice: Choice, others: Iterable[Choice]) -> Choice | None:
        """The cheapest of some settings that is cheaper than one and within the bound."""
        price = self._try(choice).relative
        found = [other for other in others if self._try(other).relative < price]
        found = [other for other in found if self._excess(other) <= 0]
        return min(found, key=lambda other: (self._try(other).relative, other), default=None)

    def _moved(self, choice: Choice, bits: int) -> Iterable[Choice]:
        """The settings in which one width is some bits wider."""
        for index, (low, high) in enumerate(self._ranges.values()):
            if low <= choice[index] + bits <= high:
                yield _with(choice, index, choice[index] + bits)


def _with(choice: Choice, index: int, width: int) -> Choice:
    return (*choice[:index], width, *choice[index + 1 :])
