"""Probes: one module per outside system, async, reading only, without knowledge of items."""
