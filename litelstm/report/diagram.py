"""Picture of a network as SVG: a box per layer, lines for the vectors that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from golden.quantized import QuantizedLayer, QuantizedNetwork

WIDTH, HEIGHT, GAP = 420, 56, 30
"""Size of a box, and the space between two."""

MARGIN, LANE = 12, 22
"""Space around the picture, and between lines that pass boxes by."""

ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
    'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
)


def svg(network: QuantizedNetwork) -> str:
    """Draw a network from its input at the top to its results at the bottom."""
    boxes = [
        ("x", f"{_input(network)}, {network.x}"),
        *map(_described, range(len(network.layers)), network.layers),
    ]
    boxes.append(("result", f"{network.outputs} words, {network.out}"))
    sources = [*network.sources, network.result_vectors]
    skips = [
        (source, number)
        for number, read in enumerate(sources, start=1)
        for source in read
        if source != number - 1
    ]
    side = LANE * len(skips)
    width = WIDTH + 2 * MARGIN + side
    height = 2 * MARGIN + len(boxes) * HEIGHT + (len(boxes) - 1) * GAP
    parts = [*_boxes(boxes), *_lines(sources), *_passing(skips)]
    return (
        f'<svg class="network" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="layers of the network">{ARROW}{"".join(parts)}</svg>'
    )


def _input(network: QuantizedNetwork) -> str:
    return f"index of {network.sizes[0]}" if network.indexed else f"{network.inputs} elements"


def _described(index: int, layer: QuantizedLayer) -> tuple[str, str]:
    """Describe a layer in two lines."""
    options = [value for name, value in vars(layer.cell).items() if _matters(layer, name)]
    kind = " ".join([layer.cell.kind, *options])
    direction = "" if layer.direction == "forward" else f", {layer.direction}"
    formats = layer.formats
    vectors = ", ".join(f"{name} {formats.operand(name)}" for name in layer.cell.makes)
    return (
        f"layer{index}: {kind}, {layer.units} units{direction}",
        f"{vectors}; weights of {formats.weight_width} bits",
    )


def _matters(layer: QuantizedLayer, name: str) -> bool:
    """Tell whether an option differs from its first value."""
    return name in layer.cell.options and getattr(layer.cell, name) != layer.cell.options[name][0]


def _top(number: int) -> int:
    return MARGIN + number * (HEIGHT + GAP)


def _boxes(boxes: list[tuple[str, str]]) -> Iterator[str]:
    for number, (title, text) in enumerate(boxes):
        top = _top(number)
        yield f'<rect x="{MARGIN}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        yield f'<text x="{MARGIN + 14}" y="{top + 24}">{escape(title)}</text>'
        yield f'<text class="soft" x="{MARGIN + 14}" y="{top + 43}">{escape(text)}</text>'


def _lines(sources: list[tuple[int, ...]]) -> Iterator[str]:
    """Draw the lines between neighbours."""
    middle = MARGIN + WIDTH // 2
    for number, read in enumerate(sources, start=1):
        if number - 1 in read:
            start = _top(number) - GAP
            yield f'<path d="M{middle} {start}V{_top(number)}" marker-end="url(#arrow)"/>'


def _passing(skips: list[tuple[int, int]]) -> Iterator[str]:
    """Draw the lines that pass boxes by, each in a lane of its own on the right."""
    edge = MARGIN + WIDTH
    for lane, (source, number) in enumerate(skips, start=1):
        start = _top(source) + HEIGHT // 2 + 8
        end = _top(number) + HEIGHT // 2 - 8
        yield f'<path d="M{edge} {start}h{lane * LANE}V{end}H{edge}" marker-end="url(#arrow)"/>'
