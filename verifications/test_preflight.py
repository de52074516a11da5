"""Preflight: the API lets nobody in and tells nothing that is not for the public."""

from pytest_chefrelease.plugin import verification

test_preflight_rule = verification("preflight.rule")
