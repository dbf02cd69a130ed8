"""Importers: trained networks of other tools become :class:`golden.network.Network`."""
