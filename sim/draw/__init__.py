"""Draws networks, graphs of layers and steps from seeded random numbers."""
