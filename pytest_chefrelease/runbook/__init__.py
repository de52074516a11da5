"""The runbook as plain data and pure rules: items, evidence, outcomes, verdict, response. No I/O."""
