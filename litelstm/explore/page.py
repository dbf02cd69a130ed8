"""The front as one HTML page, in the frame of ``litelstm report``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import plotly.graph_objects as go

from litelstm.energy.model import shown
from litelstm.explore.results import Row, described
from litelstm.report import frame, plots

AXES = {
    "accuracy": "accuracy, %",
    "rate": "inferences per second",
    "luts": "LUTs",
    "nj": "nJ per inference",
}


def page(found: Sequence[Row], *, title: str, subtitle: str, facts: Sequence[str]) -> str:
    """Return the page as HTML.

    Args:
        found: the front.
        title, subtitle: at the top.
        facts: sentences about how the points were found.
    """
    return frame.render(
        title=title,
        subtitle=subtitle,
        cards=list(_cards(found)),
        sections=(
            ("front", "The front", _plots(found)),
            ("points", "Points", _table(found)),
            ("commands", "Commands", _commands(found)),
            ("how", "How they were found", [frame.text(fact) for fact in facts]),
        ),
    )


def _cards(found: Sequence[Row]) -> Iterator[dict[str, str]]:
    shown_rows = [row for row in found if row.measured] or found
    if not shown_rows:
        return
    kind = "measured" if shown_rows[0].measured else "estimated"
    yield frame.card(f"{len(found)}", "points of the front")
    yield frame.card(f"{max(row.values['accuracy'] for row in shown_rows):.2%}", f"best, {kind}")
    yield frame.card(f"{max(row.values['rate'] for row in shown_rows):,.0f}", f"per second, {kind}")
    yield frame.card(f"{min(row.values['luts'] for row in shown_rows):,.0f}", f"LUTs, least {kind}")
    least = min(row.values["nj"] for row in shown_rows)
    yield frame.card(f"{shown(least)} nJ", f"per inference, least {kind}")


def _plots(found: Sequence[Row]) -> Iterator[frame.Part]:
    for x, y, text in (
        ("luts", "accuracy", "Accuracy against area; on the left and high is better."),
        ("luts", "rate", "Speed against area; on the left and high is better."),
        ("nj", "accuracy", "Accuracy against energy; on the left and high is better."),
    ):
        yield frame.figure(plots.html(_scatter(found, x, y), f"{x}-{y}"), text)


def _scatter(found: Sequence[Row], x: str, y: str) -> go.Figure:
    """Draw the points: filled ones are measured."""
    clouds = []
    for name, measured, colour in (
        ("estimate", False, plots.GREY),
        ("measured", True, plots.BLUE),
    ):
        mine = [row for row in found if row.measured is measured]
        clouds.append(
            go.Scatter(
                name=name,
                mode="markers",
                x=[_value(row, x) for row in mine],
                y=[_value(row, y) for row in mine],
                marker={
                    "size": 11 if measured else 8,
                    "color": colour,
                    "symbol": "circle" if measured else "circle-open",
                },
                customdata=[[row.number, described(row.choice)] for row in mine],
                hovertemplate="point %{customdata[0]}, %{customdata[1]}<br>"
                f"{AXES[x]} %{{x:,.4~g}}<br>{AXES[y]} %{{y:,.4~g}}<extra></extra>",
            )
        )
    figure = plots.bare_figure(clouds, height=340, showlegend=True)
    figure.update_xaxes(title=AXES[x], rangemode="tozero")
    figure.update_yaxes(title=AXES[y], showgrid=True, gridcolor="rgba(128,128,128,0.25)")
    if y == "rate":
        figure.update_yaxes(type="log", dtick="D2")
    return figure


def _value(row: Row, name: str) -> float:
    return 100 * row.values[name] if name == "accuracy" else row.values[name]


def _table(found: Sequence[Row]) -> Iterator[frame.Part]:
    head = ("point", "network", "accuracy", "per second", "LUTs", "multipliers", "block RAMs")
    rows = [
        (
            f"{row.number}",
            described(row.choice),
            f"{row.values['accuracy']:.2%}",
            f"{row.values['rate']:,.0f}",
            f"{row.values['luts']:,.0f}",
            f"{row.values['multipliers']:.0f}",
            f"{row.values['rams']:.0f}",
            shown(row.values["nj"]),
            f"{row.mhz:.1f} MHz" if row.mhz else "estimate",
        )
        for row in found
    ]
    yield frame.table((*head, "nJ", "clock"), rows, texts=("network",))


def _commands(found: Sequence[Row]) -> Iterator[frame.Part]:
    rows = [(f"{row.number}", row.command) for row in found]
    yield frame.table(("point", "command"), rows, texts=("command",))
