"""A production release runbook as pytest tests: GO, NO-GO, or HOLD, with evidence."""

__version__ = "0.1.0"
