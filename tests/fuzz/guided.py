"""Fuzz one reader with atheris, which keeps mutants that reach new code. See `tests.fuzz.__main__`.

libFuzzer ends the process itself, also when the time is up.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
import warnings
from pathlib import Path

import atheris  # pyright: ignore[reportMissingImports, reportMissingTypeStubs]

with atheris.instrument_imports(  # pyright: ignore[reportAttributeAccessIssue]
    include=["golden", "litelstm"], enable_loader_override=False
):
    from tests.fuzz import corpus, plain
    from tests.fuzz.readers import READERS


def main(name: str, kept: Path, seconds: int, seed: int) -> None:
    """Fuzz for some seconds. A file that fails is kept, and the corpus too."""
    files = kept / "corpus"
    files.mkdir(exist_ok=True)
    for number, data in enumerate(corpus.make(name)):
        (files / f"good{number}").write_bytes(data)
    folder = Path(tempfile.mkdtemp()) / "inside"
    folder.mkdir()
    guard = plain.warmed_up(name, folder)
    count, told = 0, time.monotonic()
    warnings.simplefilter("ignore")

    def one(data: bytes) -> None:
        nonlocal count, told
        count += 1
        if time.monotonic() > told + 1:
            told = time.monotonic()
            print(f"fuzz: {count} files, none fails", flush=True)
        if problem := plain.run(name, data, guard, folder):
            path = kept / f"failed{READERS[name].suffix}"
            path.write_bytes(data)
            print(f"fuzz: file {count} fails: {problem}; kept as {path}", flush=True)
            os._exit(1)

    def mutate(data: bytes, most: int, number: int) -> bytes:
        rng = random.Random(number)
        if rng.random() < 0.2:
            return atheris.Mutate(data, most)
        return READERS[name].mutate(data, rng)[:most]

    options = [f"-max_total_time={seconds}", f"-seed={seed or 1}", "-rss_limit_mb=1024"]
    options += ["-max_len=100000", f"-artifact_prefix={kept}/", "-verbosity=0"]
    atheris.Setup([sys.argv[0], *options, str(files)], one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
