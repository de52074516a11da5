"""Detectors of text that is shaped like a credential: one Protocol, one detector per module."""
