"""Fuzz one reader without atheris: seeded mutants of good files. See `tests.fuzz.__main__`."""

from __future__ import annotations

import random
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz import corpus
from tests.fuzz.guard import Guard
from tests.fuzz.readers import READERS


def mutants(name: str, seed: int) -> Iterator[bytes]:
    """Yield a reader's good files, then mutants of them without end."""
    good = corpus.make(name)
    yield from good
    rng = random.Random(f"{name} {seed}")
    while True:
        data = rng.choice(good)
        for _ in range(rng.choice((1, 1, 2, 3))):
            data = READERS[name].mutate(data, rng)
        yield data


def warmed_up(name: str, folder: Path) -> Guard:
    """Read a good file, so that all libraries are imported; then make the guard."""
    path = folder / f"file{READERS[name].suffix}"
    path.write_bytes(corpus.make(name)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        READERS[name].read(path)
    return Guard(folder)


def run(name: str, data: bytes, guard: Guard, folder: Path) -> str:
    """Read bytes as a file; return what was wrong, or an empty text."""
    path = folder / f"file{READERS[name].suffix}"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return guard.problem(READERS[name].read, path, memory=READERS[name].memory)


def main(name: str, kept: Path, seconds: float, seed: int) -> int:
    """Fuzz for some seconds of CPU time; return the exit status. A file that fails is kept."""
    with tempfile.TemporaryDirectory() as outer:
        folder = Path(outer) / "inside"
        folder.mkdir()
        guard = warmed_up(name, folder)
        end, count = time.process_time() + seconds, 0
        for data in mutants(name, seed):
            if time.process_time() > end:
                break
            count += 1
            if problem := run(name, data, guard, folder):
                path = kept / f"failed{READERS[name].suffix}"
                path.write_bytes(data)
                print(f"fuzz: file {count} fails: {problem.replace(outer, '')}; kept as {path}")
                return 1
    print(f"fuzz: {count} files, none fails")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
