"""Command line: ``litelstm COMMAND``."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from threading import current_thread, main_thread

import click

from golden.errors import InputError, MissingToolError
from litelstm import commands
from litelstm.driver.errors import DriverError
from litelstm.fpga.errors import SynthesisError
from litelstm.usage import advised, speak_as_typed, usage_line
from sim.tools.errors import SimulationError

BAD_INPUT = 2
FAILED = 1


class InOrder(click.Group):
    """Group whose help lists the commands in the order of a user's work."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder, context_settings={**commands.HELP, "show_default": True})
@click.version_option(version("litelstm"))
def cli() -> None:
    """Turn trained recurrent networks into verified FPGA cores.

    \b
    litelstm import   net.onnx -o net.npz
    litelstm quantize net.npz --calibrate samples.npz -o net.q.npz
    litelstm generate net.q.npz --lanes 16 -o build/
    litelstm simulate net.q.npz --samples samples.npz
    """


for _command in commands.ALL:
    speak_as_typed(_command)
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; print any error as one line on stderr, and return the exit status.

    Status 2 means bad input or a missing tool, 1 a wrong result.
    """
    try:
        with _terminated_as_interrupted():
            status = cli.main(arguments, prog_name="litelstm", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        status = BAD_INPUT
    except click.UsageError as error:
        status = _fail(usage_line(error), BAD_INPUT)
    except click.ClickException as error:
        status = _fail(" ".join(error.format_message().split()), BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        status = _fail("interrupted", 130)
    except (InputError, MissingToolError) as error:
        status = _fail(advised(str(error)), BAD_INPUT)
    except (DriverError, SimulationError, SynthesisError) as error:
        status = _fail(str(error), FAILED)
    sys.exit(status if isinstance(status, int) else 0)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM act like Ctrl-C: stop started processes, leave no half-written file."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fail(message: str, status: int) -> int:
    click.echo(f"litelstm: {message}", err=True)
    return status
