"""Faults of Redis."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, refusing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

_ITEM = ("redis.ping",)


def _fault(name: str, title: str, apply: Effect, stage: Stage = Stage.POSTRELEASE) -> Fault:
    return Fault(name, title, stage, apply, red=_ITEM, action=Action.ROLL_BACK_OR_HOTFIX)


FAULTS = (
    _fault("redis-down", "Redis' port refuses connections", refusing("redis")),
    _fault("redis-full", "Redis holds as much as it may", changing("redis", used_bytes=99_000_000)),
    _fault(
        "redis-evicting",
        "Redis begins to throw keys out while the release is watched",
        changing("redis", evicted_per_s=25.0),
        Stage.MONITORING,
    ),
)
