"""The runbook as plain data and pure rules: items, evidence, outcomes, verdict. No I/O."""
