"""Commands, options, modules, files, goals and pages that docs and figures name all exist."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import click
import pytest

from bench import pages
from bench.figure_list import FIGURES
from litelstm.cli import cli

each_page = pytest.mark.parametrize(
    "page", pages.PAGES, ids=lambda page: str(page.relative_to(pages.ROOT))
)

PATH = r"^`((?:bench|docs|golden|hdl|litelstm|models|sim|tests|tools)/[\w./*-]*)`$"
"""A file or folder of the project in back-ticks."""

CODE_FOLDERS = ("bench", "golden", "hdl", "litelstm", "models", "sim")

OPTION = r"(?<![\w-])--[a-z][\w-]*"
START = r"(?:^|[`\n]) *(?:\$ )?"


def code(page: Path) -> list[str]:
    """Return the code blocks of a page."""
    return pages.code(page.read_text(encoding="utf-8"))


def options(command: click.Command) -> set[str]:
    return {"--help"} | {
        name for option in command.params for name in (*option.opts, *option.secondary_opts)
    }


def check(part: str) -> None:
    """Assert that the commands and modules that a piece of code starts have these options."""
    for name, rest in re.findall(START + r"litelstm ([a-z]+)\b([^\n`#|]*)", part):
        assert name in cli.commands, f"litelstm {name}{rest}"
        assert set(re.findall(OPTION, rest)) <= options(cli.commands[name]), rest
    for name, rest in re.findall(START + r"python -m ([\w.]+)([^\n`#|]*)", part):
        spec = find_spec(
            f"{name}.__main__" if (pages.ROOT / name.replace(".", "/")).is_dir() else name
        )
        assert spec, name
        assert spec.origin, name
        source = Path(spec.origin).read_text(encoding="utf-8").replace("@json_option", '"--json"')
        if "@core_options" in source:
            source += pages.read("sim/jobs/__init__.py")
        for option in re.findall(OPTION, rest):
            assert re.search(f'["/]{option}["/]', source), rest


@each_page
def test_commands_and_their_options(page: Path) -> None:
    for part in code(page):
        check(part)


def test_commands_of_figures_and_their_options() -> None:
    for line in {line for f in FIGURES for line in (*f.command.before, f.command.run)}:
        check(line)
    with pytest.raises(AssertionError):
        check("python -m bench.cycles --never")
    with pytest.raises(AssertionError):
        check("litelstm compare --never")


@each_page
def test_files_and_folders(page: Path) -> None:
    for part in code(page):
        for path in re.findall(PATH, part):
            assert list(pages.ROOT.glob(path)), path


def test_readme_names_every_command() -> None:
    named = re.findall(r"`([a-z]+)`|litelstm ([a-z]+) ", pages.read("README.md"))
    assert set(cli.commands) <= {name for pair in named for name in pair}


@each_page
def test_goals(page: Path) -> None:
    goals = re.findall(
        r"^([a-z]+):", (pages.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for part in code(page):
        for goal in re.findall(START + r"make ([a-z]+)", part):
            assert goal in goals, goal


@each_page
def test_links(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s:#]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_extras_are_installed_from_a_checkout_or_a_wheel() -> None:
    """No page and no message takes litelstm from a package index, where it is not."""
    project = tomllib.loads((pages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wheel = f"litelstm-{project['version']}-py3-none-any.whl"
    sources = [path for name in CODE_FOLDERS for path in (pages.ROOT / name).rglob("*.py")]
    found = 0
    for path in (*pages.PAGES, *sources, pages.ROOT / "tools" / "setup"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"litelstm\[[a-z]|pip install (-\S+ )*'?litelstm\b(?!-)", text), path
        for target, extras in re.findall(r"pip install [^\n`]*?'(\S*?)\[([\w,]+)\]'", text):
            found += 1
            assert target in (".", wheel), path
            assert set(extras.split(",")) <= set(project["optional-dependencies"]), path
    assert found > 5
    listed = re.findall(
        r"^\| (`[^|]+`) \|", (pages.ROOT / "docs" / "install.md").read_text(), re.MULTILINE
    )
    names = {name for cell in listed for name in re.findall(r"`(\w+)`", cell)}
    assert names == set(project["optional-dependencies"])
