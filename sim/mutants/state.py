"""Verdicts so far in a small JSON file, so that a run can go on later."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from golden import files
from golden.errors import InputError
from sim.mutants.judge import EQUIVALENT, KILLED, SURVIVED, Verdict


@dataclass(kw_only=True)
class State:
    """Verdicts on the mutants of some cores.

    Attributes:
        mutants, seconds: number per core and time for proofs; `load` refuses the state of another.
        cores: verdicts by the core's name.
    """

    mutants: int
    seconds: int
    cores: dict[str, list[Verdict]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the file completely or not at all.

        Raises:
            InputError: it cannot be written.
        """
        files.replace(path, files.content(json.dumps(asdict(self), indent=1) + "\n"))

    @classmethod
    def load(cls, path: Path, *, mutants: int, seconds: int) -> State:
        """Read the state in a file; make a new one if there is no such file.

        Raises:
            InputError: the file is damaged, or of another run.
        """
        if not path.exists():
            return cls(mutants=mutants, seconds=seconds)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            cores = {
                str(name): [Verdict(**verdict) for verdict in verdicts]
                for name, verdicts in found["cores"].items()
            }
            state = cls(mutants=int(found["mutants"]), seconds=int(found["seconds"]), cores=cores)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{path}: is no state of mutants") from None
        wanted = {"mutants": mutants, "seconds": seconds}
        for name, value in wanted.items():
            if getattr(state, name) != value:
                raise InputError(f"{path}: is of --{name} {getattr(state, name)}, not {value}")
        return state

    def table(self) -> str:
        """Count the verdicts by room, one line per room and one for all."""
        every = [verdict for verdicts in self.cores.values() for verdict in verdicts]
        rooms = sorted({verdict.room for verdict in every})
        lines = [f"{'room':12} mutants  killed  equivalent  survived  killed or equivalent"]
        for room in (*rooms, "all"):
            mine = [v.verdict for v in every if room in (v.room, "all")]
            killed, equal, survived = map(mine.count, (KILLED, EQUIVALENT, SURVIVED))
            share = 100 * (killed + equal) / max(1, len(mine))
            lines.append(
                f"{room:12} {len(mine):7}  {killed:6}  {equal:10}  {survived:8}  {share:18.1f} %"
            )
        return "\n".join(lines)
