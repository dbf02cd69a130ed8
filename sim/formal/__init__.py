"""Unbounded proofs, by ``abc``, of the promises of a core's streams; see docs/formal.md.

python -m sim.formal        all proofs, one line each
"""
