"""Buses of a core: AXI4-Stream, AXI4-Lite, and the registers behind it."""
