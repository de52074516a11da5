"""Faults: every defect that the rehearsal can be told to have."""
