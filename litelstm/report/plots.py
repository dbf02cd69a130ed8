"""Plots of a report, drawn by Plotly; colours suit light and dark pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from golden.losses import TensorLoss
from hdl.cycles.spans import ARRAY, ENTER, READY, WAIT, Timeline

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, OLIVE, BROWN, GREY = (
    *("#3b7dd8", "#e08a1e", "#2a9d78", "#d1495b", "#9a6fc0", "#56a7cf", "#a9a23a", "#9c6b4f"),
    "#8a8f98",
)
"""Colours that colour-blind readers can tell apart, on white and on black."""

CYCLE = (BLUE, GREEN, ORANGE, PURPLE, SKY, OLIVE, RED, BROWN, GREY)

KINDS = {
    ARRAY: ("array at work", BLUE),
    WAIT: ("array waits", RED),
    ENTER: ("units enter the state update", ORANGE),
    READY: ("new values become ready", GREEN),
}

CONFIG = {"displaylogo": False, "responsive": True, "displayModeBar": False}
ZOOM = {**CONFIG, "displayModeBar": True, "scrollZoom": True}
"""Settings of a plot, and of one that can be zoomed."""

SHOWN = 16
"""Most tensors in the picture; the table has all."""


def html(figure: go.Figure, name: str, *, zoom: bool = False) -> str:
    """Return the figure as a part of a page that has Plotly's script."""
    return figure.to_html(
        full_html=False,
        include_plotlyjs=False,
        div_id=f"plot-{name}",
        config=ZOOM if zoom else CONFIG,
    )


def bare_figure(traces: Sequence[Any], *, height: int, **layout: Any) -> go.Figure:
    """Make a figure without background, so that the page's shows through."""
    figure = go.Figure(list(traces))
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13},
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        dragmode=False,
        **layout,
    )
    figure.update_xaxes(automargin=True, zeroline=False, gridcolor="rgba(128,128,128,0.25)")
    # A space keeps the names of bars off the bars.
    figure.update_yaxes(automargin=True, zeroline=False, showgrid=False, ticksuffix=" ")
    return figure


def errors(tensors: Sequence[TensorLoss]) -> go.Figure:
    """Draw the tensors with the largest errors as bars of their SQNR, the worst at the top."""
    worst = [one for one in tensors if np.isfinite(one.sqnr_db)][:SHOWN]
    bar = go.Bar(
        x=[one.sqnr_db for one in worst],
        y=[one.name for one in worst],
        orientation="h",
        marker_color=[ORANGE if one.name == "output" else BLUE for one in worst],
        customdata=[[str(one.format), 100 * one.saturated, one.max_error] for one in worst],
        hovertemplate="%{y}, %{customdata[0]}: %{x:.1f} dB<br>%{customdata[1]:.2f} % saturated, "
        "largest error %{customdata[2]:.2g}<extra></extra>",
    )
    figure = bare_figure([bar], height=60 + 24 * len(worst), showlegend=False)
    figure.update_xaxes(title="signal to quantization noise, dB")
    figure.update_yaxes(autorange="reversed")
    return figure


def confusion(table: NDArray[np.int64]) -> go.Figure:
    """Draw the confusion matrix; a row is a label, its colour the share of the label's samples."""
    shares = table / np.maximum(1, table.sum(axis=1, keepdims=True))
    names = [str(number) for number in range(len(table))]
    heat = go.Heatmap(
        z=shares,
        x=names,
        y=names,
        text=np.where(table > 0, table.astype(str), ""),
        texttemplate="%{text}" if len(table) <= 20 else None,
        colorscale=[[0, "rgba(59,125,216,0)"], [1, BLUE]],
        zmin=0,
        zmax=1,
        showscale=False,
        hovertemplate="label %{y}, answer %{x}: %{text}<extra></extra>",
    )
    figure = bare_figure([heat], height=120 + 30 * min(len(table), 20))
    figure.update_xaxes(title="answer", type="category", showgrid=False)
    figure.update_yaxes(title="label", type="category", autorange="reversed")
    return figure


def schedule(shown: Timeline) -> go.Figure:
    """Draw two steps, a line for each pass and job; it can be zoomed along the cycles."""
    bars = []
    for kind, (title, colour) in KINDS.items():
        rows = [row for row in shown.rows if row.kind == kind]
        spans = [(row.label.strip(), *span) for row in rows for span in row.spans]
        if not spans:
            continue
        bars.append(
            go.Bar(
                name=title,
                orientation="h",
                y=[label for label, *_ in spans],
                base=[begin for _, begin, _ in spans],
                x=[after - begin for _, begin, after in spans],
                marker={"color": colour, "line": {"width": 0}},
                customdata=[after - 1 for *_, after in spans],
                hovertemplate="%{y}: cycles %{base} to %{customdata}<extra></extra>",
            )
        )
    labels = [row.label.strip() for row in shown.rows]
    figure = bare_figure(bars, height=154 + 26 * len(labels), barmode="overlay", bargap=0.25)
    figure.update_layout(dragmode="zoom")
    figure.update_xaxes(title="cycle", range=[0, shown.cycles])
    figure.update_yaxes(categoryorder="array", categoryarray=labels[::-1], fixedrange=True)
    for number, cycle in enumerate(shown.steps):
        figure.add_vline(x=cycle, line={"color": GREY, "dash": "dot", "width": 1})
        figure.add_annotation(
            x=cycle, y=1, yref="paper", yanchor="bottom", xanchor="left", showarrow=False,
            text=f"step {number}",
        )  # fmt: skip
    figure.update_layout(margin={"t": 48})  # the steps' numbers below the buttons
    return figure


def shares(parts: dict[str, float], unit: str) -> go.Figure:
    """Draw what a whole consists of as one bar."""
    bars = [
        go.Bar(
            name=name,
            orientation="h",
            x=[amount],
            y=[""],
            marker_color=CYCLE[number % len(CYCLE)],
            hovertemplate=f"{name}: %{{x:,.10~g}} {unit}<extra></extra>",
        )
        for number, (name, amount) in enumerate(parts.items())
        if amount
    ]
    figure = bare_figure(bars, height=130 + 14 * len(bars), barmode="stack", showlegend=True)
    figure.update_layout(legend={"traceorder": "normal"})
    figure.update_xaxes(title=unit)
    return figure


def resources(report: dict[str, Any]) -> go.Figure:
    """Draw the share of the target's resources that each part of the core takes."""
    parts = report["parts"]
    available = {
        name: have["available"]
        for name, have in report["resources"].items()
        if any(amounts.get(name) for amounts in parts.values())
    }
    bars = [
        go.Bar(
            name=part,
            orientation="h",
            y=list(available),
            x=[100 * amounts.get(name, 0) / have for name, have in available.items()],
            customdata=[amounts.get(name, 0) for name in available],
            marker_color=CYCLE[number % len(CYCLE)],
            hovertemplate=part + ": %{customdata:,} %{y}, %{x:.1f} %<extra></extra>",
        )
        for number, (part, amounts) in enumerate(parts.items())
    ]
    figure = bare_figure(bars, height=130 + 34 * len(available), barmode="stack")
    figure.update_xaxes(title="percent of the part", range=[0, 100])
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(legend={"traceorder": "normal"})
    return figure
