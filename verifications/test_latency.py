"""Latency: answers come within the limit, and not later than before the release."""

from pytest_chefrelease.plugin import verification

test_latency_calibration = verification("latency.calibration")
test_latency_p95 = verification("latency.p95")
test_latency_regression = verification("latency.regression")
