"""Two steps on a core's streams as a waveform in SVG, from the cycle count.

python -m bench.waveform > docs/waveform.svg
"""

from __future__ import annotations

from hdl import cycles
from hdl.plan import Plan
from hdl.spec.options import CoreOptions
from litelstm.architectures import Architecture

ARCHITECTURE, LANES = Architecture(cell="litelstm", inputs=3, units=4, head=2), 2
LEFT, WIDTH, ROW, HIGH = 90, 44, 34, 20
"""Pixels of the labels, of a cycle, between rows, and of a signal."""

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" \
aria-labelledby="t">
  <title id="t">{title}</title>
  <style>
    text {{ font: 13px system-ui, sans-serif; fill: #1f2328; }}
    .small {{ font-size: 11px; fill: #59636e; text-anchor: middle; }}
    .word {{ text-anchor: middle; }}
    path {{ stroke: #0969da; stroke-width: 1.5; fill: none; }}
    .out {{ stroke: #1a7f37; }} .clock {{ stroke: #59636e; }}
    @media (prefers-color-scheme: dark) {{
      text {{ fill: #f0f6fc; }} .small {{ fill: #9198a1; }}
      path {{ stroke: #4493f8; }} .out {{ stroke: #3fb950; }} .clock {{ stroke: #9198a1; }}
    }}
  </style>
"""


def drawn() -> str:
    """Draw the first cycles with the input and the last with the result."""
    plan = Plan(network=ARCHITECTURE.quantized(), options=CoreOptions(lanes=LANES))
    count = cycles.count(plan, [2])
    inputs, outputs = count.inputs.tolist(), count.outputs.tolist()
    shown = [*range(inputs[-1] + 2), None, *range(outputs[0] - 1, outputs[-1] + 2)]
    x = {cycle: f"x{inputs.index(cycle) % ARCHITECTURE.inputs}" for cycle in inputs}
    y = {cycle: f"y{outputs.index(cycle)}" for cycle in outputs}
    lines = [("i_valid", inputs, ""), ("i_last", inputs[ARCHITECTURE.inputs :], "")]
    results = [("o_valid", outputs, "out"), ("o_last", outputs[-1:], "out")]
    rows = [
        _clock(shown, 0),
        _line(shown, 1, *lines[0]),
        _words(shown, 2, "i_data", x, ""),
        _line(shown, 3, *lines[1]),
        _line(shown, 4, *results[0]),
        _words(shown, 5, "o_data", y, "out"),
        _line(shown, 6, *results[1]),
    ]
    numbers = [
        f'  <text class="small" x="{_x(place) + WIDTH // 2}" y="14">{cycle}</text>'
        for place, cycle in enumerate("..." if cycle is None else cycle for cycle in shown)
    ]
    title = (
        f"Two steps of {ARCHITECTURE.inputs} elements go in, one per cycle; the two words of the "
        f"result come {outputs[0] - inputs[-1]} cycles after the last element."
    )
    head = _HEAD.format(width=_x(len(shown)) + 8, height=24 + ROW * len(rows), title=title)
    return "\n".join([head.rstrip(), *numbers, *rows, "</svg>", ""])


Shown = list[int | None]


def _x(place: int) -> int:
    return LEFT + WIDTH * place


def _base(row: int) -> int:
    return 24 + ROW * row + HIGH


def _label(row: int, name: str) -> str:
    return f'  <text x="4" y="{_base(row) - 4}">{name}</text>\n'


def _clock(shown: Shown, row: int) -> str:
    base, half = _base(row), WIDTH // 2
    path = "".join(
        f"M{_x(place)} {base} v-{HIGH} h{half} v{HIGH} h{half}"
        for place, cycle in enumerate(shown)
        if cycle is not None
    )
    return f'{_label(row, "clk")}  <path class="clock" d="{path}"/>'


def _line(shown: Shown, row: int, name: str, high: list[int], kind: str) -> str:
    """Draw a signal that is high in some cycles."""
    base, path = _base(row), ""
    for place, cycle in enumerate(shown):
        if cycle is None:
            continue
        level = base - HIGH * (cycle in high)
        new = place == 0 or shown[place - 1] is None
        path += f"{'M' if new else 'L'}{_x(place)} {level} H{_x(place + 1)}"
    return f'{_label(row, name)}  <path class="{kind}" d="{path}"/>'


def _words(shown: Shown, row: int, name: str, words: dict[int, str], kind: str) -> str:
    """Draw a bus: a box per word."""
    base, boxes, texts = _base(row), "", []
    for place, cycle in enumerate(shown):
        if cycle in words:
            left, right, middle = _x(place), _x(place + 1), base - HIGH // 2
            boxes += f"M{left} {middle} l5 -{HIGH // 2} H{right - 5} l5 {HIGH // 2} l-5 {HIGH // 2}"
            boxes += f" H{left + 5} z"
            center = (left + right) // 2
            texts.append(f'  <text class="word" x="{center}" y="{base - 5}">{words[cycle]}</text>')
        elif cycle is not None:
            boxes += f"M{_x(place)} {base - HIGH // 2} H{_x(place + 1)}"
    return "\n".join([f'{_label(row, name)}  <path class="{kind}" d="{boxes}"/>', *texts])


if __name__ == "__main__":
    print(drawn(), end="")
