"""Proves all claims about all cases, and prints one line per case.

python -m sim.formal [NAME ...] [--folder FOLDER]
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from golden.errors import InputError, MissingToolError
from sim.formal.buses import BUS_PROOFS
from sim.formal.cases import CASES, DELTA, Case
from sim.formal.harness import prove_core, prove_delta_core
from sim.formal.prover import Verdict
from sim.tools.errors import SimulationError

Proof = Callable[..., Verdict]


def _cpu() -> float:
    """Seconds of CPU time of this process and of those that it started."""
    used = [resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _chosen(names: tuple[str, ...]) -> dict[str, Proof]:
    """Return the chosen proofs by name: of whole cores, and of the parts between core and buses."""
    known: dict[str, Proof] = {case.name: partial(_prove_case, case) for case in CASES}
    known |= {case.name: partial(_prove_delta, case) for case in DELTA}
    known |= BUS_PROOFS
    for name in names:
        if name not in known:
            raise InputError(f"case is {name!r}, expected one of {', '.join(map(repr, known))}")
    return {name: proof for name, proof in known.items() if not names or name in names}


def _prove_case(case: Case, *, folder: Path) -> Verdict:
    return prove_core(case.core(), folder=folder)


def _prove_delta(case: Case, *, folder: Path) -> Verdict:
    return prove_delta_core(case.core(), folder=folder)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--folder", type=click.Path(path_type=Path), help="Keep designs and logs here.")
def main(names: tuple[str, ...], folder: Path | None) -> None:
    """Prove the claims about the cases NAMES, or about all of them."""
    try:
        cases = _chosen(names)
        all_proved = True
        print(f"{'case':40} claims  proved  CPU s")
        for number, (name, proof) in enumerate(cases.items()):
            start = _cpu()
            with tempfile.TemporaryDirectory() as scratch:
                os.environ["LITELSTM_CACHE"] = scratch  # prove anew what tests have proved
                here = (folder or Path(scratch)) / str(number)
                here.mkdir(parents=True, exist_ok=True)
                verdict = proof(folder=here)
            open_claims = [f"{claim} fails" for claim in verdict.failed]
            open_claims += [f"{claim} is undecided" for claim in verdict.undecided]
            total = len(verdict.proved) + len(open_claims)
            print(f"{name:40} {total:6}  {len(verdict.proved):6}  {_cpu() - start:5.1f}")
            for line in open_claims:
                print(f"    {line}")
            all_proved &= not open_claims
    except (InputError, MissingToolError, SimulationError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        sys.exit(2)
    sys.exit(0 if all_proved else 1)


if __name__ == "__main__":
    main()
