"""Frame of a page that needs no other file: style, cards, sections, Plotly's script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

TEMPLATE = Path(__file__).with_name("page.html")

Part = dict[str, Any]
"""A part of a section, for the template."""


def render(
    *,
    title: str,
    subtitle: str,
    cards: Sequence[dict[str, str]],
    sections: Iterable[tuple[str, str, Iterable[Part]]],
) -> str:
    """Return the page as HTML.

    Args:
        title, subtitle: at the top.
        cards: figures below them.
        sections: name, title and parts of each; one without parts is left out.
    """
    template = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    ).from_string(TEMPLATE.read_text("utf-8"))
    shown = [
        {"name": name, "title": heading, "parts": found}
        for name, heading, parts in sections
        if (found := list(parts))
    ]
    return template.render(
        title=title,
        subtitle=subtitle,
        cards=cards,
        sections=shown,
        plotly=Markup(get_plotlyjs()),
    )


def card(value: str, what: str) -> dict[str, str]:
    """Make a figure at the top."""
    return {"value": value, "what": what}


def text(text: str, style: str = "") -> Part:
    """Make a paragraph; ``style`` is a class of the page's style sheet."""
    return {"kind": "text", "text": text, "style": style}


def figure(html: str, text: str) -> Part:
    """Make a figure of HTML with a caption."""
    return {"kind": "figure", "html": Markup(html), "text": text}


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    texts: Sequence[str] = (),
    folded: str = "",
) -> Part:
    """Make a table.

    Args:
        head: headings; cells below ``command`` are shown as typed.
        rows: the cells.
        texts: headings of the columns that hold text, besides the first one.
        folded: title of a table that is shown only when the title is clicked.
    """
    return {"kind": "table", "head": head, "rows": rows, "texts": texts, "folded": folded}
