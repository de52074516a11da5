"""Smoke: every endpoint of the runbook's list answers as it should."""

from pytest_chefrelease.plugin import verification

test_smoke_endpoint = verification("smoke.endpoint")
