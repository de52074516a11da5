"""Deployment: announced, executed on every instance, well afterwards, and open to the public."""

from pytest_chefrelease.plugin import verification

test_deploy_announced = verification("deploy.announced")
test_deploy_executed = verification("deploy.executed")
test_deploy_instances = verification("deploy.instances")
test_deploy_maintenance_on = verification("deploy.maintenance-on")
test_deploy_maintenance_off = verification("deploy.maintenance-off")
