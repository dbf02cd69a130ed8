"""Phase-locked loops that make a board's clock from its oscillator, a file per family."""
