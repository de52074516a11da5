"""Alerts: nothing fires for the application."""

from pytest_chefrelease.plugin import verification

test_alerts_none_firing = verification("alerts.none-firing")
