"""Options of all commands: one name has one meaning, and an old name leads to the new one."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from golden.interface import Interface
from golden.quantized import QuantizedNetwork
from golden.settings import Settings
from hdl.spec.multipliers import Multipliers
from hdl.spec.options import CoreOptions
from hdl.spec.storage import Storage
from litelstm.cli import cli
from litelstm.core_options import CORE_HELP, FIELDS, core_of
from litelstm.options import BITS
from litelstm.usage import RENAMED
from tests.litelstm.conftest import Call, Files


def options() -> Iterator[tuple[str, str, click.Option]]:
    """Yield command, name and option of every name of every option."""
    for command in cli.commands.values():
        for option in command.params:
            if isinstance(option, click.Option):
                for name in option.opts:
                    yield str(command.name), name, option


def old_names() -> list[tuple[str, str, str]]:
    """List command, old name and new name of what is refused."""
    has = defaultdict(set)
    for command, name, _ in options():
        has[command].add(name)
    return [
        (command, old, new)
        for command in has
        for old, names in RENAMED.items()
        for new in names
        if new in has[command] and old not in has[command]
    ]


def meaning(option: click.Option) -> tuple[object, ...]:
    """Return what must agree: flag or value, its type, and its choices.

    An option that can be typed without its value agrees with a flag.
    """
    if option.metavar and option.metavar.startswith("["):
        return True, "boolean", ()
    choices = option.type.choices if isinstance(option.type, click.Choice) else ()
    return option.is_flag, option.type.name, tuple(choices)


def test_a_name_has_the_same_type_and_choices_in_every_command() -> None:
    found: dict[str, dict[tuple[object, ...], list[str]]] = defaultdict(dict)
    for command, name, option in options():
        found[name].setdefault(meaning(option), []).append(command)
    assert {name: by for name, by in found.items() if len(by) > 1} == {}


def test_every_old_name_is_refused_somewhere() -> None:
    refused = {(old, new) for _, old, new in old_names()}
    assert refused == {(old, new) for old, names in RENAMED.items() for new in names}


@pytest.mark.parametrize("value", [[], ["1"]], ids=["alone", "with a value"])
@pytest.mark.parametrize(("command", "old", "new"), old_names(), ids=str)
def test_an_old_name_leads_to_the_new_one(
    command: str, old: str, new: str, value: list[str], call: Call
) -> None:
    done = call(command, old, *value)
    assert (done.status, done.out, done.err) == (2, "", f"litelstm: {old} is now {new}\n")


def test_an_option_that_never_was_is_unknown(call: Call) -> None:
    done = call("compare", "--weightz", 8)
    assert done.status == 2
    assert done.err.startswith("litelstm: No such option '--weightz'")


def test_json_needs_a_place(call: Call, files: Files) -> None:
    line = ("cycles", files.network, "--lanes", 3)
    place = "a path, or - for standard output"
    assert call(*line, "--json").err == f"litelstm: --json needs {place}\n"
    done = call(*line, "--json", "--steps", 3)
    assert (done.status, done.err) == (2, f"litelstm: --json is '--steps', expected {place}\n")
    assert not done.out


def test_json_goes_to_a_file_beside_the_text_or_replaces_it(
    call: Call, files: Files, tmp_path: Path
) -> None:
    line = ("cycles", files.network, "--lanes", 3)
    text, printed = call(*line).out, call(*line, "--json", "-").out
    path = tmp_path / "cycles.json"
    assert call(*line, "--json", path).out == text
    assert json.loads(path.read_text()) == json.loads(printed)
    assert path.read_text() == printed


def test_quantize_prints_its_report(call: Call, files: Files, tmp_path: Path) -> None:
    line = ("quantize", files.floats, "--calibrate", files.samples, "-o", tmp_path / "net.q.npz")
    assert json.loads(call(*line, "--json", "-").out).keys() == {"tensors", "ranking", "cost"}
    assert [path.name for path in tmp_path.iterdir()] == ["net.q.npz"]


def test_every_field_of_a_core_is_an_option() -> None:
    owners = (CoreOptions, Interface, Storage, Multipliers)
    of = {field.name for owner in owners for field in fields(owner)}
    assert set(FIELDS) == of - {"interface", "storage", "multipliers"}
    assert set(CORE_HELP) == set(FIELDS) - {"available"}  # the part says how many
    typed = {name for command, name, _ in options() if command == "generate"}
    assert {"--lanes", "--tail-multipliers", "--storage", "--sums", "--streams"} <= typed
    assert {"--state", "--every-step", "--classes"} <= typed


def test_every_width_is_an_option() -> None:
    widths = {field.name for field in fields(Settings) if field.name.endswith(("_width", "_bits"))}
    assert set(BITS) == widths - {"hidden_width"}


def test_core_of_takes_its_values_out(files: Files) -> None:
    network = QuantizedNetwork.load(files.network)
    given = {"lanes": 2, "weights": "ram", "sums": None, "streams": 3, "classes": True, "name": "n"}
    assert core_of(given, network) == CoreOptions(
        lanes=2, interface=Interface(streams=3, classes=True), storage=Storage(weights="ram")
    )
    assert given == {"name": "n"}
    assert core_of({}, network) == CoreOptions(lanes=network.layers[0].units)
