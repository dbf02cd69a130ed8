"""bench.figures: figures are found on their pages, made anew and compared."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench import figures, pages
from bench.figure import Command, Figure
from bench.figure_list import FIGURES
from bench.figure_list.cycles import COUNTED, MNIST_CYCLES, RELOADED

PRINTED = "{'cells': [{'luts': 2917.4}], 'block RAM': 17, 'a.b': 0.25, 'mhz': 150.0}"
REPORT = Command(run=f'python -c "import json; print(json.dumps({PRINTED}))"')


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.label[:50])
def test_every_figure_stands_on_its_page_once(figure: Figure) -> None:
    assert pages.numbers(pages.read(figure.page), figure.shows), figure.shows


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.label[:50])
def test_every_page_names_the_command_of_its_figures(figure: Figure) -> None:
    code = " ".join(pages.code(pages.read(figure.page)))
    assert figure.command.told in code


def test_a_figure_is_the_same_on_all_pages() -> None:
    shown = defaultdict[tuple[Command, str, str], dict[str, str]](dict)
    for figure in FIGURES:
        numbers = pages.numbers(pages.read(figure.page), figure.shows) or []
        for hole, number in zip(pages.holes(figure.shows), numbers, strict=True):
            value = figure.command, figure.at, re.sub(r" ~\d+%$", "", hole)
            shown[value][f"{figure.page}: {figure.label}"] = number.replace(",", "")
    assert sum(len(places) > 1 for places in shown.values()) > 40
    for (command, _, hole), places in shown.items():
        assert len(set(places.values())) == 1, (command.run, hole, places)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of its own in place of the project's."""
    (tmp_path / "models").mkdir()
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    return tmp_path / "page.md"


def said(shows: str, command: Command = REPORT) -> tuple[tuple[str, str], ...]:
    (verdict,) = figures.check([Figure(page="page.md", shows=shows, command=command)])
    return verdict.said


@pytest.mark.parametrize(
    ("text", "shows", "differ"),
    [
        ("it has\n2,917 LUTs", "it has {cells.0.luts} LUTs", ()),
        ("it has 2,918 LUTs", "it has {cells.0.luts} LUTs", (("2,918", "2,917"),)),
        ("| 25.0 % | 17 |", "| {a.b * 100} % | {block RAM} |", ()),
        ("| 24.9 % | 18 |", "| {a.b * 100} % | {block RAM} |", (("24.9", "25.0"), ("18", "17"))),
        ("at 155.0 MHz", "at {mhz ~5%} MHz", ()),
        ("at 159.0 MHz", "at {mhz ~5%} MHz", (("159.0", "150.0"),)),
        ("at 140 to 151 MHz", "at {mhz} MHz", ()),
        ("at 151 to 160 MHz", "at {mhz} MHz", (("151 to 160", "150"),)),
        ("133 without", "{mhz - block RAM} without", ()),
        ("at 150 MHz", "at {speed} MHz", (("", "the command's JSON has no speed"),)),
        ("at 150 GHz", "at {mhz} MHz", (("", "the page does not show this"),)),
        ("3 3", "{mhz}", (("", "shown 2 times: {mhz}"),)),
    ],
)
def test_what_is_printed_is_compared(
    page: Path, text: str, shows: str, differ: tuple[tuple[str, str], ...]
) -> None:
    page.write_text(text)
    assert said(shows) == differ


def test_commands_that_print_text_or_fail(page: Path) -> None:
    page.write_text("1,000 operations")
    prints = Command(run="echo did 1000 operations, seed 1", prints="did {done} operations")
    assert said("{done} operations", prints) == ()
    assert said("{done} operations", Command(run="echo 3; exit 5")) == (("", "status 5: 3"),)
    assert said("{done} operations", Command(run="echo done")) == (("", "it gave no JSON"),)


def test_commands_share_trained_networks_and_nothing_else(page: Path) -> None:
    page.write_text("it has 1 network")
    line = "touch build/other build/paper_tables/kept; ls build/paper_tables | wc -l"
    assert said("{kept} network", Command(run=line, prints="{kept}")) == ()
    kept = [str(path.relative_to(page.parent)) for path in (page.parent / "build").rglob("*")]
    assert sorted(kept) == ["build/paper_tables", "build/paper_tables/kept"]


def run(monkeypatch: pytest.MonkeyPatch, chosen: list[Figure]) -> Result:
    monkeypatch.setattr(figures, "FIGURES", tuple(chosen))
    return CliRunner().invoke(figures.main, ["--quick"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no figure has 'nowhere' in its text or command"),
        (["--all", "bench.cycles", "nowhere"], "no figure has 'nowhere' in its text or command"),
        (["ulx3s-85f"], "take longer: --all"),
        (["--all", "bench.mnist_accuracy"], "need data sets: --data-dir"),
    ],
)
def test_words_that_leave_no_figure_are_an_error(arguments: list[str], message: str) -> None:
    found = CliRunner().invoke(figures.main, arguments)
    assert found.exit_code == 2
    assert message in found.output
    assert "differ" not in found.output


@pytest.mark.slow
def test_quick_figures_are_right_and_a_wrong_one_is_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cycles of every core in docs/results.md, the shipped network's, and an image's words."""
    chosen = [f for f in FIGURES if f.command in (COUNTED, MNIST_CYCLES, RELOADED)]
    assert len(chosen) > 15
    assert run(monkeypatch, chosen).exit_code == 0
    original = pages.read
    planted = "| LSTM, 28 in, 64 units, 32 lanes | 736 | 736 |"
    assert planted in original("docs/results.md")
    wrong = planted.replace("736", "735", 1)
    monkeypatch.setattr(pages, "read", lambda page: original(page).replace(planted, wrong))
    found = run(monkeypatch, chosen)
    assert found.exit_code == 1
    assert "LSTM, 28 in, 64" in found.output
    assert "735" in found.output
    assert "1 differ" in found.output
