"""Deployment: announced to who is affected by it."""

from pytest_chefrelease.plugin import verification

test_deploy_announced = verification("deploy.announced")
