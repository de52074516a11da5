"""The world: what the release depends on and nobody here runs."""

from pytest_chefrelease.plugin import verification

test_world_status = verification("world.status")
