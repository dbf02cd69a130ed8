"""Benches: build, run and judge simulations of the generated Verilog."""
