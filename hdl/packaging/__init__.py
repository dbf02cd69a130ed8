"""Files beside the Verilog of a core with a bus, for other tools and for software."""
