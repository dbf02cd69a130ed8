"""Proofs without bound, by ``abc``, of what the streams of a core promise; see docs/formal.md.

python -m sim.formal        all proofs, one line each
"""
