"""The command line on a terminal: help, suggestions, completion and progress."""

from __future__ import annotations

import inspect
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from rich.console import Console

from litelstm import commands, console
from litelstm.usage import usage_line
from tests.litelstm.conftest import Call

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("command", commands.ALL, ids=lambda command: command.name)
def test_examples_in_the_help_parse(command: click.Command) -> None:
    examples = re.findall(rf"^ *litelstm {command.name} +(.*)$", command.help or "", re.MULTILINE)
    assert examples
    for example in examples:
        command.make_context(command.name, shlex.split(example))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("quantise net.npz", "No such command 'quantise'. Did you mean 'quantize'?"),
        ("synth net.q.npz --lane 4", "No such option '--lane'."),
        ("synth net.q.npz --target ecp5-25", "Did you mean 'ecp5-25f'?"),
        ("generate net.q.npz -o x --state loaded", "Did you mean 'load'?"),
    ],
)
def test_errors_suggest_what_was_meant(line: str, says: str, call: Call) -> None:
    done = call(*line.split())
    assert done.status == 2
    assert says in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [c for c in commands.ALL if not c.context_settings.get("ignore_unknown_options")],
    ids=lambda command: command.name,
)
def test_each_mistyped_option_of_each_command_is_answered_with_the_right_one(
    command: click.Command,
) -> None:
    long = [max(param.opts, key=len) for param in command.params if param.opts[0][0] == "-"]
    assert long
    for option in long:
        typed = f"{option[:-1]}{option[-2:]}"  # a letter twice
        with pytest.raises(click.NoSuchOption) as error:
            command.make_context(command.name, [typed])
        assert f"'{option}'" in usage_line(error.value)


QUICK = {"pack"}
"""Commands that take no longer than it takes to start them."""


@pytest.mark.parametrize("command", commands.ALL, ids=lambda command: command.name)
def test_each_long_command_shows_progress_in_the_shared_way(command: click.Command) -> None:
    run = inspect.unwrap(command.callback)  # pyright: ignore[reportArgumentType]
    module = sys.modules[run.__module__]
    assert getattr(module, "progress", None) is (
        None if command.name in QUICK else console.progress
    )


def test_only_the_shared_progress_draws() -> None:
    for folder in ("golden", "hdl", "sim", "litelstm", "bench"):
        for path in (ROOT / folder).rglob("*.py"):
            draws = re.search(r"rich\.progress|tqdm|\\r\"", path.read_text())
            assert not draws or path.name == "console.py", path


def test_no_progress_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress("working", 3) as tell:
        tell(1)
    assert capsys.readouterr() == ("", "")


def test_progress_is_one_line_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.StringIO()
    terminal = Console(file=text, force_terminal=True, width=80)
    monkeypatch.setattr(console, "err", terminal)
    with console.progress("working", 3) as tell:
        tell(1)
    shown = text.getvalue()
    assert "working" in shown
    assert shown.endswith("\x1b[1A\x1b[2K")  # up and erased: nothing stays


@pytest.mark.parametrize(("typed", "found"), [("qua", "quantize"), ("build --boa", "--board")])
def test_completion(typed: str, found: str) -> None:
    words = f"litelstm {typed}"
    env = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    program = "from litelstm.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **env, "_LITELSTM_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"plain,{found}" in done.stdout.splitlines(), done.stderr
