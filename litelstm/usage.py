"""Messages about a command line: they name options as they are typed, and suggest what to do."""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import Any

import click

from golden.errors import InputError
from golden.quantized import KIND
from litelstm.importers.files import SUFFIXES
from litelstm.options import JSON_VALUE

RENAMED = {
    "--activations": ("--activation-bits",),
    "--batch": ("--batch-size",),
    "--clock": ("--mhz",),
    "--gate": ("--sigmoid",),
    "--gates": ("--gate-bits",),
    "--inputs": ("--input-bits",),
    "--logits": ("--logit-bits",),
    "--pre": ("--pre-bits",),
    "--state": ("--state-bits",),
    "--weights": ("--weight-bits", "--storage"),
}
"""Old names of options, with their new ones. Some commands use an old name for something else."""


def usage_line(error: click.UsageError) -> str:
    """Say in one line what is wrong with a command line; for an old option, name the new one."""
    has = {name for option in error.ctx.command.params for name in option.opts} if error.ctx else ()
    if isinstance(error, click.NoSuchOption):
        for new in RENAMED.get(error.option_name, ()):
            if new in has:
                return f"{error.option_name} is now {new}"
    if isinstance(error, click.BadOptionUsage) and error.option_name == "--json":
        return f"--json needs {JSON_VALUE}"
    line = " ".join(error.format_message().split())
    if isinstance(error, click.BadParameter) and error.param:
        return line + _nearest(error.param.type, error.message)
    return line


def _nearest(kind: click.ParamType, message: str) -> str:
    """Suggest the choice that is nearest to the value that a message quotes first."""
    value = re.match("'([^']*)' ", message)
    if not isinstance(kind, click.Choice) or not value:
        return ""
    near = get_close_matches(value[1], map(str, kind.choices), n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


ALIASES = {"baud": "uart", "bus": "bus_width"}
"""Names of values in messages, with the parameters that they come from."""


def speak_as_typed(command: click.Command) -> None:
    """Make a command's errors name options as they are typed: ``max_drop is -1`` becomes
    ``--max-drop is -1``."""
    typed = {
        option.name: max(option.opts, key=len)
        for option in command.params
        if isinstance(option, click.Option)
    }
    typed = {word: typed[name] for word, name in ALIASES.items() if name in typed} | typed
    run = command.callback
    assert run

    @wraps(run)
    def speaking(*arguments: Any, **options: Any) -> Any:
        try:
            return run(*arguments, **options)
        except InputError as error:
            name, is_, rest = str(error).partition(" is ")
            if not is_ or name not in typed:
                raise
            raise InputError(f"{typed[name]} is {rest}") from None

    command.callback = speaking


def advised(message: str) -> str:
    """Add to the message of an input error what the user may have meant."""
    path, _, problem = message.partition(": ")
    if problem.startswith("cannot be read: No such file"):
        folder = Path(path).parent
        names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
        near = get_close_matches(Path(path).name, names, n=1)
        return f"{message}. Did you mean '{folder / near[0]}'?" if near else message
    if problem.startswith("is not a readable .npz file"):
        suffix = Path(path).suffix.lower()
        if suffix in SUFFIXES:
            return f"{message}; litelstm import makes one of it"
        if suffix != ".npz":
            return (
                f"{message}; of an array of samples numpy.savez('samples.npz', x=array) makes one"
            )
    if problem.startswith("kind is ") and problem.endswith(f"expected {KIND}"):
        return f"{message}: litelstm quantize makes it"
    return message
