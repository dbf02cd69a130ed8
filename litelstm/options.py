"""Options that several commands share."""

from __future__ import annotations

import click

lanes_option = click.option(
    "--lanes", default=16, show_default=True, help="Multipliers in the array, at most the units."
)

tail_multipliers_option = click.option(
    "--tail-multipliers",
    default=2,
    show_default=True,
    help="Multipliers of the state update; fewer make it slower.",
)
