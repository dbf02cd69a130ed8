"""Bins of functional coverage: every hit is in the list, and a case hits what it is."""

from __future__ import annotations

from sim.regress.bins import all_bins, bins_of
from sim.regress.cases import Case

CASES = [Case(7, number) for number in range(8)]


def test_every_hit_is_a_bin() -> None:
    bins = {(group, name) for group, names in all_bins().items() for name in names}
    for case in CASES:
        assert bins_of(case) <= bins


def test_a_case_hits_what_it_is() -> None:
    for case in CASES:
        hits = bins_of(case)
        kinds = {layer.cell.kind for layer in case.network.layers if layer.cell.state}
        for kind in kinds - {"pool"}:
            assert ("core", f"{kind}, state {case.interface.state}") in hits
            assert ("core", f"{kind}, weights {case.storage.weights}") in hits
        assert (("shape", "one lane") in hits) == (case.lanes == 1)
        assert (("length", "cut") in hits) == (0 < case.max_steps < max(map(len, case.sequences)))


def test_no_bin_is_listed_twice() -> None:
    for names in all_bins().values():
        assert len(names) == len(set(names))
