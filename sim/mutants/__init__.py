"""Mutants of cores' netlists: how much do the benches see? ``python -m sim.mutants``."""
