"""Latency: answers come within the limit."""

from pytest_chefrelease.plugin import verification

test_latency_p95 = verification("latency.p95")
