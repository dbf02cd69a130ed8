"""Optional packages: imported at first use; for a missing one, the error says how to install it.

litelstm is on no package index, so the message gives the command for a checkout; docs/install.md
has the command for a wheel.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from golden.errors import MissingToolError


def missing(what: str, *, extra: str = "", how: str = "") -> MissingToolError:
    """Make the error "X is missing".

    Args:
        what: the package or the program.
        extra: extra of litelstm that includes it.
        how: the command that installs it, if no extra does.
    """
    return MissingToolError(f"{what} is missing: {how or in_a_checkout(extra)}")


def in_a_checkout(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install '.[{extra}]' in a checkout of litelstm"


def load(name: str, *, extra: str = "", how: str = "") -> Any:
    """Import an optional package, or a module of one.

    Args:
        name: name of the package or module.
        extra, how: see :func:`missing`.

    Raises:
        MissingToolError: the package is not installed.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise missing(error.name or name, extra=extra, how=how) from None


def require(*names: str, extra: str) -> None:
    """Check that the packages of an extra are installed, without the time of an import.

    Raises:
        MissingToolError: a package is not installed.
    """
    for name in names:
        if find_spec(name) is None:
            raise missing(name, extra=extra)
