"""Build a release into dist/: sdist, wheel, site and SHA256SUMS; the same bytes for one commit.

    python tools/release.py

Times in the files are SOURCE_DATE_EPOCH, by default the time of the commit.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def commit_time() -> int:
    """Return the time of the commit, or SOURCE_DATE_EPOCH if it is set, in seconds."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    show = ["git", "log", "-1", "--format=%ct"]
    return int(subprocess.run(show, cwd=ROOT, capture_output=True, check=True).stdout)


def pack(folder: Path, archive: Path, *, prefix: str, time: int) -> None:
    """Write a folder as .tar.gz: files in order of their names, with one time and no owner."""

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime, member.uid, member.gid, member.uname, member.gname = time, 0, 0, "", ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        return member

    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=time) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as made,
    ):
        for path in sorted(folder.rglob("*")):
            made.add(path, f"{prefix}/{path.relative_to(folder)}", recursive=False, filter=plain)


def packages(source: Path, output: Path, *, time: int) -> tuple[Path, Path]:
    """Build sdist and wheel of a source tree; returns both.

    The wheel is built from the sdist, which is packed again because setuptools writes the files'
    own times and owners.
    """
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(time)}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(work / "built")]
        subprocess.run([*build, str(source)], check=True, env=env, stdout=subprocess.DEVNULL)
        (wheel,), (sdist,) = (work / "built").glob("*.whl"), (work / "built").glob("*.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(work / "unpacked", filter="data")
        (tree,) = (work / "unpacked").iterdir()
        output.mkdir(parents=True, exist_ok=True)
        pack(tree, output / sdist.name, prefix=tree.name, time=time)
        shutil.copy(wheel, output)
    return output / sdist.name, output / wheel.name


def site(output: Path, *, time: int) -> None:
    """Build the site, and pack it."""
    env = {**os.environ, "SOURCE_DATE_EPOCH": str(time), "NO_MKDOCS_2_WARNING": "1"}
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "mkdocs", "build", "-q", "-d", name]
        subprocess.run(command, cwd=ROOT, check=True, env=env)
        pack(Path(name), output / "site.tar.gz", prefix="site", time=time)


def main() -> None:
    """Build everything into an empty dist/."""
    output, time = ROOT / "dist", commit_time()
    shutil.rmtree(output, ignore_errors=True)
    packages(ROOT, output, time=time)
    site(output, time=time)
    names = sorted(path.name for path in output.iterdir())
    sums = [f"{hashlib.sha256((output / name).read_bytes()).hexdigest()}  {name}" for name in names]
    (output / "SHA256SUMS").write_text("".join(f"{line}\n" for line in sums))
    print(*sums, sep="\n")


if __name__ == "__main__":
    main()
