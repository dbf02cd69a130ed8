"""Importers: convert trained networks of other tools to :class:`golden.network.Network`."""
