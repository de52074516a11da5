"""The suite: one thin test per item of the runbook, parametrized from settings."""
