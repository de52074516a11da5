"""Latency: what P95 is, whether it grew with the release, and how steady it was before."""

from pytest_chefrelease.checks.latency.calibration import latency_calibration
from pytest_chefrelease.checks.latency.p95 import latency_p95
from pytest_chefrelease.checks.latency.regression import latency_regression

__all__ = ["latency_calibration", "latency_p95", "latency_regression"]
