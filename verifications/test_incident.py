"""Incident: what an emergency needs is there before it begins."""

from pytest_chefrelease.plugin import verification

test_incident_flags = verification("incident.flags")
