"""Metrics: what Prometheus counts of the application."""

from pytest_chefrelease.plugin import verification

test_metrics_signal = verification("metrics.signal")
