"""Deployment: announced, executed on every instance, well afterwards, and open to the public."""

from __future__ import annotations

from pytest_chefrelease.checks.deploy.announced import deploy_announced
from pytest_chefrelease.checks.deploy.executed import deploy_executed
from pytest_chefrelease.checks.deploy.instances import deploy_instances
from pytest_chefrelease.checks.deploy.maintenance import (
    deploy_maintenance_off,
    deploy_maintenance_on,
)

__all__ = [
    "deploy_announced",
    "deploy_executed",
    "deploy_instances",
    "deploy_maintenance_off",
    "deploy_maintenance_on",
]
