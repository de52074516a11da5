"""Health: the application says of itself that it is well."""

from pytest_chefrelease.plugin import verification

test_health_endpoint = verification("health.endpoint")
test_health_readiness = verification("health.readiness")
