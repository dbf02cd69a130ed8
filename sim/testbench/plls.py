"""Simulation models of PLLs."""

from __future__ import annotations

from importlib.resources import files


def with_plls(verilog: str) -> str:
    """Add models of PLLs to a board's Verilog: they pass on the clock, and lock after 8 cycles."""
    models = (files("sim.testbench") / "plls.v").read_text(encoding="utf-8")
    return f"{verilog}\n{models}"
