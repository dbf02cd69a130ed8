"""Delta networks in commands: the option ``--delta``, and the report of what is skipped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import click
from rich.console import RenderableType

from golden.changes import watched
from golden.errors import InputError
from golden.network import Network
from golden.quality import NOISE, Judge
from golden.quantized import QuantizedNetwork
from golden.savings import Saving, saving
from golden.thresholds import NAMES, Thresholds
from litelstm.console import table
from litelstm.samples import Samples

ALL_0 = "0"
"""Value of the option if none is typed."""


def delta_option(text: str) -> Any:
    """Make the option; its value is ``None``, or the text for :func:`thresholds`."""
    return click.option(
        "--delta",
        is_flag=False,
        flag_value=ALL_0,
        metavar="[THRESHOLDS]",
        help=f"{text} An element counts as unchanged while it differs by no more than a threshold, "
        "in its last places: a number for all vectors, or as in x=2,h=8,layer1.c=40.  [default: 0]",
    )


def thresholds(text: str, network: QuantizedNetwork) -> Thresholds:
    """Read thresholds: one number for all, or ``x=2,h=8,layer1.c=40``.

    What is not named has 0; a name with its layer counts more than one without.

    Raises:
        InputError: the text is not of this form, or names a vector that is not sent.
    """
    zero = Thresholds.of(network)
    known = ["x", *(f"layer{n}.{name}" for n, own in enumerate(zero.layers) for name in own)]
    values = dict.fromkeys(known, 0)
    if text.isdecimal():
        text = ",".join(f"{name}={text}" for name in known)
    parts = [part.partition("=") for part in text.split(",")]
    for name, _, number in sorted(parts, key=lambda part: "." in part[0]):
        places = [place for place in known if name in (place, place.split(".")[-1])]
        if not places or not number.isdecimal():
            raise InputError(
                f"--delta is {text!r}, expected a number, or NAME=NUMBER with commas between and "
                f"NAME {', '.join(known)}, or {' or '.join(NAMES[1:])} for all layers"
            )
        values.update(dict.fromkeys(places, int(number)))
    layers = tuple(
        {name: values[f"layer{n}.{name}"] for name in own} for n, own in enumerate(zero.layers)
    )
    return Thresholds(x=values["x"], layers=layers)


def typed(network: QuantizedNetwork) -> str:
    """Write a network's thresholds as the option ``--delta`` takes them."""
    given = network.thresholds or Thresholds.of(network)
    parts = [f"x={given.x}"]
    for layer, own in enumerate(given.layers):
        parts += [f"layer{layer}.{name}={level}" for name, level in own.items()]
    return ",".join(parts)


@dataclass(frozen=True, kw_only=True)
class Delta:
    """Columns that a delta network skips on samples, and the score that it keeps.

    Attributes:
        saving: what it skips.
        samples: number of the samples.
        measure: see :class:`golden.quality.Judge`.
        scores: by ``float``, ``thresholds 0`` and ``thresholds``: accuracy or agreement in percent;
            for noise, its percent.
    """

    saving: Saving
    samples: int
    measure: str
    scores: dict[str, float]

    @classmethod
    def of(cls, floats: Network, network: QuantizedNetwork, chosen: Samples) -> Delta:
        """Run samples with the thresholds and without."""
        judge = Judge(floats.forward(chosen.x), chosen.y, classes=floats.classes)
        words = network.quantize_input(chosen.x)
        run, changes = watched(network, words)
        zero, _ = watched(replace(network, thresholds=None), words)
        scores = {"float": 0.0 if judge.measure == NOISE else judge.level}
        for name, output in (("thresholds 0", zero.output), ("thresholds", run.output)):
            drop = judge.drop(network.out.to_float(output))
            scores[name] = drop if judge.measure == NOISE else judge.level - drop
        return cls(
            saving=saving(network, changes),
            samples=len(words),
            measure=judge.measure,
            scores=scores,
        )

    def document(self) -> dict[str, Any]:
        """Make the JSON values."""
        scores = {name.replace(" ", "_"): score for name, score in self.scores.items()}
        return {
            **asdict(self.saving),
            "ideal_speedup": self.saving.speedup,
            "samples": self.samples,
            "measure": self.measure,
            "percent": scores,
        }

    def lines(self) -> Iterator[RenderableType]:
        """Yield the report as a table and text."""
        made = table(
            *("vector", "threshold", "products per column", "columns skipped"),
            title="Delta: columns that a core skips, as their elements did not change",
        )
        for one in self.saving.vectors:
            made.add_row(one.vector, str(one.threshold), str(one.products), f"{one.skipped:.1%}")
        yield made
        scores = ", ".join(f"{score:.2f} % ({name})" for name, score in self.scores.items())
        yield (
            f"ideal speed-up {self.saving.speedup:.2f}: {self.saving.kept:,.0f} of "
            f"{self.saving.dense:,.0f} products per sequence remain"
        )
        yield f"{self.measure} on {self.samples} calibration samples: {scores}"
