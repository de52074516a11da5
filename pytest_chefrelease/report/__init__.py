"""Renders the record of a stage: page, JUnit, JSON, CI summaries, terminal. Judges nothing."""
