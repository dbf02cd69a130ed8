"""Proofs by ``abc``: from Amaranth by RTLIL and AIGER to a verdict on every claim.

``scorr`` finds, by induction, signals that are always equal and claims that always hold; ``pdr``
decides the rest. Neither has a bound on the number of cycles. Yosys and abc come from the package
pyosys: they are native and start at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from amaranth.back import rtlil  # pyright: ignore[reportAttributeAccessIssue]
from amaranth.hdl import Value

from sim.formal.claims import Claims
from sim.tools.cache import cache_root, cached_folder, content_key
from sim.tools.errors import SimulationError
from sim.tools.yosys import TO_GATES, find_abc, run_script, run_tool

# No claim depends on data: results of multipliers and memories are free signals, except for the
# memories of the two FIFOs. A claim that holds for any data also holds for the right data.
_SCRIPT = (
    """\
read_rtlil design.il
hierarchy -top top
proc -norom
select -set data top.core*/t:$memrd_v2 {data} {kept}
cutpoint @data
flatten -noscopeinfo
delete -input w:probe_*
{probes}
check -assert
chformal -lower
opt_clean -purge
memory_nordff
memory_map
opt -purge
"""
    + TO_GATES
    + """\
setundef -undriven -anyseq
aigmap
opt_clean
write_aiger -I -B -zinit -ywmap design.json design.aig
"""
)

_PROOF = "read_aiger design.aig; strash; scorr -C 100000; dc2; pdr -a -T {seconds}"

LIMIT_S = 600
"""Most claims take a few seconds of CPU time, some of cores that load states a hundred."""

# Finds counter-examples to one claim sooner than pdr, but proves nothing.
_SEARCH = "read_aiger design.aig; cone -O {output}; strash; scorr; dc2; bmc3 -F 60 -T 5"

_RECIPES = (_PROOF, _SEARCH)


@dataclass(frozen=True)
class Verdict:
    """Outcome of proving some claims.

    Attributes:
        proved: claims that hold in every cycle from reset on, for any inputs.
        failed: claims with a counter-example.
        undecided: claims neither proved nor refuted within the time limit.
    """

    proved: tuple[str, ...]
    failed: tuple[str, ...]
    undecided: tuple[str, ...]


def prove(
    claims: Claims,
    *,
    inputs: Sequence[Value],
    data: Sequence[str],
    kept: Sequence[str],
    folder: Path,
    seconds: int = LIMIT_S,
    searched: Collection[str] | None = None,
) -> Verdict:
    """Prove the claims, unless the cache has the verdict on this netlist with these tools.

    Args:
        claims: of a design whose top module is ``claims.m``.
        inputs: of that module; free in every cycle, and so is the reset.
        data: cells, besides memories, whose results are free; each a module's path and a type.
        kept: modules, by their path, whose memories are not free.
        folder: for intermediate files and the tools' logs; must exist.
        seconds: wall time for ``pdr``.
        searched: claims for which, if they are undecided, ``bmc3`` looks for counter-examples; by
            default all.

    Raises:
        MissingToolError: pyosys is missing.
        SimulationError: a tool failed, e.g. because a probed signal no longer exists.
    """
    abc = find_abc()
    ports = [*inputs, *claims.probes.values()]
    netlist = rtlil.convert(claims.m, ports=ports, emit_src=False)
    script = _SCRIPT.format(
        data=" ".join(f"top.{cells} %u" for cells in data),
        kept=" ".join(f"top.{path}/t:$memrd_v2 %d" for path in kept),
        probes="\n".join(
            f"connect -nomap -nounset -set {signal.name} {path}"
            for path, signal in claims.probes.items()
        ),
    )
    (folder / "design.il").write_text(netlist)
    (folder / "design.ys").write_text(script)
    wanted = [name for name in claims.names if searched is None or name in searched]
    key = content_key(netlist, script, claims.names, wanted, seconds, _RECIPES, version("pyosys"))

    def make(kept_in: Path) -> None:
        verdict = _decide(claims, abc, folder, seconds, wanted)
        (kept_in / "verdict.json").write_text(json.dumps(asdict(verdict)))

    def kept_verdict(*, fresh: bool) -> tuple[Verdict, bool]:
        found, cached = cached_folder(cache_root() / "formal", key, make, fresh=fresh)
        parts = json.loads((found / "verdict.json").read_text())
        return Verdict(**{what: tuple(names) for what, names in parts.items()}), cached

    verdict, cached = kept_verdict(fresh=False)
    if cached and set(verdict.undecided) & set(wanted):  # a less busy machine may decide it
        verdict, _ = kept_verdict(fresh=True)
    return verdict


def _decide(
    claims: Claims, abc: str, folder: Path, seconds: int, searched: Collection[str]
) -> Verdict:
    """Run the tools on the netlist and the script in ``folder``."""
    run_script("design.ys", folder, "yosys.log")
    log = run_tool([abc, "-c", _PROOF.format(seconds=seconds)], folder, "pdr.log")
    outputs = json.loads((folder / "design.json").read_text())["asserts"]
    verdict = _verdict(claims, outputs, log)
    names, broken = _names(outputs), set(verdict.failed)
    for name in verdict.undecided:
        if name not in searched:
            continue
        search = _SEARCH.format(output=names.index(name))
        if "was asserted in frame" in run_tool([abc, "-c", search], folder, "bmc3.log"):
            broken.add(name)
    return Verdict(
        proved=verdict.proved,
        failed=tuple(name for name in claims.names if name in broken),
        undecided=tuple(name for name in verdict.undecided if name not in broken),
    )


def _names(outputs: list[list[str]]) -> list[str]:
    """Return the claims of abc's outputs, from the paths of the assertions."""
    return [re.sub(r"[$.].*$", "", path[-1].split("\\")[-1]) for path in outputs]


def _broken(names: list[str], log: str) -> set[str]:
    """Claims that abc found a counter-example for."""
    return {names[int(n)] for n in re.findall(r"[Oo]utput\s+(\d+).*asserted in frame", log)}


def _verdict(claims: Claims, outputs: list[list[str]], log: str) -> Verdict:
    """Sort the claims by what pdr's log says."""
    names = _names(outputs)
    if set(names) - set(claims.names) or len(set(names)) != len(names):
        raise SimulationError(f"abc's outputs are {names}, not the claims")
    summary = re.search(r"All = (\d+)\. Proved = (\d+)\. Disproved = (\d+)\.", log)
    if summary is None or int(summary[1]) != max(1, len(names)):
        raise SimulationError(f"abc gave no verdict: {log.strip().splitlines()[-1:]}")
    broken = _broken(names, log)
    shown = {names[int(n)] for n in re.findall(r"[Pp]roved output\s+(\d+)", log)}
    if len(shown) != int(summary[2]) or len(broken) != int(summary[3]):
        raise SimulationError(f"abc's verdicts do not add up: {summary[0]}")
    # A claim that Yosys itself simplified to true has no output.
    proved = [name for name in claims.names if name in shown or name not in names]
    failed = [name for name in claims.names if name in broken]
    undecided = [name for name in claims.names if name not in proved and name not in broken]
    return Verdict(tuple(proved), tuple(failed), tuple(undecided))
