"""Checks and surroundings that tests make up: the engine runs them as it runs real ones."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import Check
from pytest_chefrelease.checks.engine import Task
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.load import validate

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
ITEM = Item(
    id="made.up",
    title="It is well",
    stages=tuple(Stage),
    severity=Severity.P2,
    section=Section.AUTOMATED,
    minimum=Minimum(counts={"n": 1}),
    remedy="Mend it.",
)
WELL = Evidence("all is well", "here", NOW, {"n": 1})


def item(**changes: object) -> Item:
    return replace(ITEM, **changes)


def task(
    verify: Callable[..., Awaitable[Evidence]],
    of: Item = ITEM,
    parameter: str | None = None,
    *,
    is_parametrized: bool = False,
    timeout_s: float = 5.0,
) -> Task:
    """One check to run; with a parameter, or parametrized by settings that name none."""
    each = (lambda _settings, _stage: ()) if parameter or is_parametrized else None
    return Task(Check(of, verify, each), parameter, timeout_s, "verifications/test_made.py::x")


def surroundings(
    settings: Mapping[str, object] | None = None,
    *,
    watch: Watch | None = None,
    say: Callable[[str], None] = lambda _line: None,
) -> Context:
    """What a check may look at; ``settings`` are the tables of release.toml."""
    typed = validate(dict(settings or {}))
    here = Path()
    return Context(
        settings=typed,
        release=Release("v1.5.0", "3f2a91c", "production"),
        stage=Stage.MONITORING if watch else Stage.POSTRELEASE,
        repository=here,
        probes=Probes(typed, here),
        once=Once(),
        environment={},
        now=lambda: NOW,
        say=say,
        watch=watch,
    )
