"""The benches: what builds, runs and judges simulations of the generated Verilog."""
