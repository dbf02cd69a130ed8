"""Guard around a reader: what it must not do, besides raising anything but InputError."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from golden.errors import InputError, MissingToolError

MEMORY = 1 << 30
"""Most bytes of memory of the whole process."""

SECONDS = 20

_FORBIDDEN = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect")
_CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.chmod", "shutil.")


class Guard:
    """Watches readers in this process; make only one.

    Args:
        folder: the only folder in which a reader may write. What lies beside it must not be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._around = f"{self._folder.parent}{os.sep}"
        self._seen: list[str] = []
        self._watching = False
        sys.addaudithook(self._audit)
        signal.signal(signal.SIGALRM, _too_slow)

    def problem(self, read: Callable[[Path], object], path: Path, *, memory: int = MEMORY) -> str:
        """Read a file; return what was wrong, or an empty text."""
        self._seen.clear()
        self._watching = True
        signal.alarm(SECONDS)
        try:
            read(path)
        except MissingToolError:
            raise
        except InputError as error:
            if len(str(error).splitlines()) != 1:
                self._seen.append(f"message of several lines: {str(error)!r}")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._seen.append(f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})")
        finally:
            self._watching = False
            signal.alarm(0)
        if _most_memory() > memory:
            self._seen.append(f"takes more than {memory >> 30} GiB of memory")
        return "; ".join(self._seen)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if event.startswith(_FORBIDDEN):
            self._seen.append(f"{event} {args[:2]!r}")
        elif event.startswith(_CHANGES):
            self._check(event, args[0], writes=True)
        elif event == "open" and isinstance(args[0], (str, bytes)):
            flags = args[2] if isinstance(args[2], int) else 0
            self._check(event, args[0], writes=bool(flags & (os.O_WRONLY | os.O_RDWR)))

    def _check(self, event: str, name: Any, *, writes: bool) -> None:
        path = os.path.realpath(os.fsdecode(name)) if not isinstance(name, int) else ""
        inside = path == str(self._folder) or path.startswith(f"{self._folder}{os.sep}")
        if not inside and (path.startswith(self._around) or (writes and path != os.devnull)):
            self._seen.append(f"{event} {path}{' to write' if writes else ''}")


def _too_slow(_number: int, _frame: object) -> None:
    raise TimeoutError(f"took more than {SECONDS} s")


def _most_memory() -> int:
    """Most bytes of memory since this program began; ``getrusage`` counts its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])
