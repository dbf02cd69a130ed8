"""Cached build folders, named by a hash of their inputs and shared between processes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sim.tools.errors import SimulationError

_MARKER = ".finished"
_KEEP_DAYS = 14


def cache_root(cache: Path | None = None) -> Path:
    """Return the cache's folder: `cache`, else $LITELSTM_CACHE, else ~/.cache/litelstm."""
    if cache is not None:
        return cache.absolute()
    if named := os.environ.get("LITELSTM_CACHE"):
        return Path(named).absolute()
    return Path.home() / ".cache" / "litelstm"


def content_key(*parts: object) -> str:
    """Hash everything that a build depends on into a folder name; parts must be JSON values."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def cached_folder(
    root: Path, key: str, make: Callable[[Path], None], *, fresh: bool = False
) -> tuple[Path, bool]:
    """Return the folder `root`/`key`, filled by `make(folder)` unless a process did so before.

    With `fresh`, it is filled again in any case.

    If several processes request one key at once, the first makes the folder and the others wait. A
    folder whose `make` was interrupted is made again. Folders not used for 14 days are deleted.

    Returns:
        The folder, and whether it existed before.

    Raises:
        SimulationError: the cache cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / f"{key}.lock")
        lock.acquire()
    except OSError as error:
        raise SimulationError(
            f"cannot write the build cache {root} ({error.strerror}); LITELSTM_CACHE names another"
        ) from error
    folder = root / key
    marker = folder / _MARKER
    try:
        if marker.exists() and not fresh:
            with suppress(OSError):  # another user's cache
                marker.touch()
            return folder, True
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        make(folder)
        marker.touch()
    finally:
        lock.release()
    _prune(root)
    return folder, False


def _prune(root: Path) -> None:
    oldest = time.time() - _KEEP_DAYS * 86400
    for marker in root.glob(f"*/{_MARKER}"):
        with suppress(OSError, Timeout):
            if marker.stat().st_mtime >= oldest:
                continue
            with FileLock(f"{marker.parent}.lock", timeout=0):
                if marker.stat().st_mtime < oldest:
                    shutil.rmtree(marker.parent, ignore_errors=True)
