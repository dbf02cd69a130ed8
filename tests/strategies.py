"""Hypothesis strategies: networks, cores and steps whose every choice can be shrunk."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from golden.interface import Interface
from golden.layer_formats import LayerFormats
from golden.quantized import QuantizedNetwork
from golden.thresholds import Thresholds, sent_names
from sim.draw.cells import EVERY_CELL
from sim.draw.lively import lively
from sim.draw.networks import Recipe, input_words, quantized_network

SEEDS = st.integers(0, 1 << 20)


@st.composite
def recipes(draw: st.DrawFn, *, units: int, layers: int) -> Recipe:
    """Cells, peepholes, gate activations, sizes, formats and tables."""
    count = draw(st.integers(1, layers), label="layers")
    sizes = st.integers(1, units)

    def of_each(choices: st.SearchStrategy[object]) -> tuple[object, ...]:
        return tuple(draw(st.lists(choices, min_size=count, max_size=count)))

    return Recipe(
        inputs=draw(sizes, label="inputs"),
        units=of_each(sizes),  # type: ignore[arg-type]
        outputs=draw(st.none() | sizes, label="outputs"),
        cells=of_each(st.sampled_from(EVERY_CELL)),  # type: ignore[arg-type]
        sigmoid=of_each(st.sampled_from(["hard", "logistic"])),  # type: ignore[arg-type]
        weight_width=draw(st.integers(2, 18)),
        activation_width=draw(st.integers(3, 16)),
        state_width=draw(st.integers(4, 18)),
        pre_width=draw(st.integers(5, 18)),
        out_width=draw(st.integers(2, 32)),
        log2_entries=draw(st.integers(2, 10), label="log2 of table entries"),
        log2_range=draw(st.integers(2, 4)),
        interpolate=draw(st.booleans(), label="interpolate"),
        log2_state=draw(st.integers(0, 3)),
        mixed=draw(st.booleans(), label="mixed formats"),
        extremes=draw(st.booleans(), label="extreme weights"),
    )


@st.composite
def networks(draw: st.DrawFn, *, units: int = 6, layers: int = 3) -> QuantizedNetwork:
    """Quantized networks; of most of them the pre-activations spread."""
    seed = draw(SEEDS)
    network = quantized_network(draw(recipes(units=units, layers=layers)), seed)
    if draw(st.booleans(), label="spread"):
        network = lively(network, input_words(network, batch=4, steps=4, seed=seed))
    return network


@st.composite
def with_thresholds(draw: st.DrawFn, network: QuantizedNetwork) -> QuantizedNetwork:
    """The network with a threshold per vector, many of them 0."""

    def threshold(formats: LayerFormats, name: str) -> int:
        return min(formats.operand(name).max, draw(st.integers(0, 40), label=name))

    own = zip(network.layers, sent_names(network), strict=True)
    thresholds = Thresholds(
        x=threshold(network.layers[0].formats, "x"),
        layers=tuple(
            {name: threshold(layer.formats, name) for name in names} for layer, names in own
        ),
    )
    return replace(network, thresholds=thresholds)


@st.composite
def interfaces(draw: st.DrawFn, network: QuantizedNetwork) -> Interface:
    """Streams, state and outputs that the network can have."""
    return Interface(
        streams=draw(st.integers(1, 4), label="streams"),
        state=draw(st.sampled_from(Interface.STATES), label="state"),
        every_step=draw(st.booleans(), label="every step"),
        classes=network.classes and draw(st.booleans(), label="classes"),
    )


@dataclass(frozen=True, kw_only=True)
class CoreChoice:
    """Everything that a core is generated from."""

    network: QuantizedNetwork
    interface: Interface
    lanes: int
    tail_multipliers: int


@st.composite
def cores(draw: st.DrawFn) -> CoreChoice:
    """Small cores of every kind."""
    network = draw(networks(units=4, layers=2))
    largest = max(layer.units for layer in network.body)
    return CoreChoice(
        network=network,
        interface=draw(interfaces(network)),
        lanes=draw(st.integers(1, largest), label="lanes"),
        tail_multipliers=draw(st.integers(0, 4), label="tail multipliers"),
    )
