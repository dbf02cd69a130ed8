"""Hooks of the docs' site: the commands' help, and cross-references in docstrings as code."""

from __future__ import annotations

import re
from typing import Any

import click

from litelstm.cli import cli

ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):(?=<code)")


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Add what each command prints with --help to the page of the commands."""
    if page.file.src_uri != "commands.md":
        return markdown
    parts = [markdown]
    for name, command in cli.commands.items():
        context = click.Context(command, info_name=f"litelstm {name}", max_content_width=100)
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def on_page_content(html: str, **_: Any) -> str:
    """Drop the roles of cross-references, which are written for Sphinx."""
    return ROLE.sub("", html)
