"""Connections that fail on the way: silence, a byte a second, half an answer, a reset, noise.

Every item that asks anybody outside, against a server of its own that fails in each manner.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.rehearsal import repository
from pytest_chefrelease.runbook.item import Item
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.release import Release
from tests.trust.bad_world import HURRIED_S, Ground, Seen, look_at
from tests.trust.badness import FAILING

# Times are measured.
pytestmark = pytest.mark.alone

ASKS_OUTSIDE = (
    *("alerts.", "backup.automatic", "ci.required", "ci.security", "database.", "deploy.executed"),
    *("deploy.instances", "deploy.maintenance", "health.", "logs.no-5xx", "metrics.", "redis."),
    *("migrations.status", "migrations.tested", "preflight.", "routes.http", "sentry."),
    *("secrets.not-served", "smoke.", "staging.same", "staging.smoke", "world."),
)
MARGIN_S = 2.0


def _asks(item: Item) -> bool:
    return item.id.startswith(ASKS_OUTSIDE)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    folder = tmp_path_factory.mktemp("ground")
    made = repository.build(folder, "chefcloud/chefcloud", datetime.now(UTC))
    release = Release("v1.5.0", made.commit_of("v1.5.0"), "production", "v1.4.2")
    ground = Ground(made.path, release, folder, "")
    return look_at(FAILING, ground, [c for c in catalogue().values() if _asks(c.item)])


def test_no_item_passes_on_a_connection_that_fails(seen: list[Seen]) -> None:
    assert {each.badness for each in seen} == {each.name for each in FAILING}
    wrong = [
        f"{each.badness}: {each.result.label} {each.result.outcome}: {each.result.summary}"
        for each in seen
        if each.result.outcome not in (Outcome.FAILED, Outcome.UNVERIFIED)
    ]
    assert wrong == []


def test_every_item_ends_within_its_time(seen: list[Seen]) -> None:
    late = [
        f"{each.badness}: {each.result.label} {each.result.duration_s:.1f} s"
        for each in seen
        if each.result.duration_s > HURRIED_S + MARGIN_S
    ]
    assert late == []


def test_no_failing_connection_is_a_defect_of_the_check(seen: list[Seen]) -> None:
    assert [
        f"{each.badness}: {each.result.label}: {each.result.summary}"
        for each in seen
        if "a defect in the check" in each.result.summary
    ] == []
