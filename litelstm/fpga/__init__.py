"""From a core's Verilog to area, clock and bitstream, with open tools."""
