"""The docs as a site: built strictly, complete, and without requests to other hosts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

import litelstm
from litelstm.cli import cli
from tests.litelstm.conftest import Call

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; a broken link or a page outside the navigation is an error."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder))
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return folder


def test_nothing_comes_from_other_hosts(site: Path) -> None:
    loaded = re.compile(
        r'<(?:script|img|iframe)[^>]*src="(https?:[^"]*)|<link[^>]*stylesheet[^>]*href="(https?:[^"]*)'
    )
    for page in site.rglob("*.html"):
        assert not loaded.findall(page.read_text()), page
    assert (site / "search" / "search_index.json").exists()


def test_the_reference_has_every_name_and_command(site: Path) -> None:
    page = (site / "api.html").read_text()
    for name in litelstm.__all__:
        home = litelstm._HOME[name]
        target = f"{home}.{'open_core' if name == 'open' else name}"
        assert f'id="{target}"' in page or re.search(rf'id="[\w.]+\.{name}"', page), name
    page = (site / "commands.html").read_text()
    for name in cli.commands:
        assert f'<h2 id="{name}">' in page, name


@pytest.mark.simulator
@pytest.mark.frameworks
def test_the_tutorial_runs(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "tutorial.md").read_text()
    commands = re.findall(r"^    litelstm (.*)$", text, re.MULTILINE)
    assert [command.split()[0] for command in commands] == [
        *("train", "samples", "quantize", "simulate", "cycles", "synth", "generate", "report"),
    ]
    for command in commands:
        words = shlex.split(command)
        if words[0] == "train":  # fewer epochs: what follows does not need a good network
            words[words.index("--epochs") + 1] = "2"
        if words[0] == "synth":  # tests/litelstm/fpga measures cores
            continue
        done = call(*words)
        assert done.status == 0, (command, done.err)
        if words[0] == "simulate":  # cycles depend on the sizes alone
            counted = re.findall(r"[\d.,]+ cycles(?: per step|(?= in ))", done.out)
            assert len(counted) == 2
            assert all(count in text for count in counted), counted
        if words[0] == "cycles":
            count = re.findall(r"takes (\d+) cycles in a series", done.out)[0]
            assert f"takes {int(count):,} cycles" in text, count
    assert (tmp_path / "report.html").exists()
