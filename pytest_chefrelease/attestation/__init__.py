"""Signed release evidence: in-toto statements in DSSE envelopes, made and verified offline.

All cryptography is securesystemslib's (extra ``attest``), which comes in at ``envelope`` and
``keys``. A statement speaks of one stage; each carries the digest of the stage's before it.
"""
