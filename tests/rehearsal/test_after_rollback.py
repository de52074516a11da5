"""After a rollback: the fallback has to run and be well, and what the rolled-back left is named."""

from __future__ import annotations

import pytest

from pytest_chefrelease.probes.git import GitProbe, identify_release
from pytest_chefrelease.probes.rolled_back import as_fallback
from pytest_chefrelease.rehearsal import people
from pytest_chefrelease.rehearsal.repository import PREVIOUS, RELEASE
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Item, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.rehearsal.looking import looked_at

TOLD = ("rollback.team-notified", "rollback.incident-documented")
LOOKED_AT = (
    *("deploy.executed", "deploy.announced", "health.endpoint", "migrations.status"),
    *("version.coherence", "sentry.no-new-issues", "rollback.fix-retested", *TOLD),
)


def is_of_these(item: Item) -> bool:
    return item.id in LOOKED_AT


def fallback(stack: Stack, version: str = PREVIOUS) -> Release:
    """As ``pytest -m postrelease --release VERSION`` identifies it."""
    settings = Settings.model_validate({"release": {"version": version}})
    found = identify_release(settings, stack.repository.path)
    return as_fallback(found, GitProbe(stack.repository.path))


def seen(stack: Stack) -> dict[str, Result]:
    results = looked_at(stack, Stage.POSTRELEASE, is_of_these, release=fallback(stack))
    return {result.label: result for result in results}


def by_outcome(found: dict[str, Result], outcome: Outcome) -> list[str]:
    return sorted(label for label, result in found.items() if result.outcome is outcome)


def test_the_fallback_is_its_own_tags_commit_and_only_an_older_one(released: Stack) -> None:
    before = fallback(released)

    assert before.commit == released.repository.commit_of(PREVIOUS)
    assert (before.rolled_back_from, before.previous_version) == (RELEASE, "v1.4.0")
    assert fallback(released, RELEASE).rolled_back_from is None
    assert fallback(released, "v9.9.9").commit == released.repository.commit_of(RELEASE)


def test_after_a_rollback_the_fallback_is_verified_and_its_steps_are_signed(
    released: Stack,
) -> None:
    released.roll_back()
    unsigned = seen(released)
    for item in TOLD:
        released.sign(people.Duty(item, people.ANNOUNCED.person, "told everybody"))
    signed = seen(released)

    assert by_outcome(unsigned, Outcome.FAILED) == []
    assert by_outcome(unsigned, Outcome.UNVERIFIED) == sorted((*TOLD, "rollback.fix-retested"))
    assert by_outcome(signed, Outcome.UNVERIFIED) == ["rollback.fix-retested"]
    assert signed["rollback.fix-retested"].blocking is False
    assert signed["deploy.announced"].outcome is Outcome.NOT_APPLICABLE
    status = signed["migrations.status"]
    assert f"; of {RELEASE}, rolled back, stay: " in status.summary
    assert status.evidence is not None
    assert status.evidence.facts["left_behind"]


def test_a_rollback_that_did_not_happen_is_red(released: Stack) -> None:
    found = seen(released)

    assert by_outcome(found, Outcome.FAILED) == [
        *("deploy.executed[api]", "deploy.executed[web]", "health.endpoint")
    ]
    assert "version.coherence" in by_outcome(found, Outcome.UNVERIFIED)


def test_a_failed_migration_of_the_rolled_back_release_is_not_expected(released: Stack) -> None:
    released.roll_back()
    released.production.execute(
        "UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = "
        "(SELECT max(migration_name) FROM _prisma_migrations)"
    )

    assert seen(released)["migrations.status"].outcome is Outcome.FAILED


def test_without_a_rollback_nothing_of_it_is_asked(released: Stack) -> None:
    results = looked_at(released, Stage.POSTRELEASE, lambda item: item.id in TOLD)

    assert {result.outcome for result in results} == {Outcome.NOT_APPLICABLE}


@pytest.mark.parametrize("version", ["v1.4.2-rc.1", "not-a-version"])
def test_a_name_that_no_tag_has_leaves_the_release_as_it_is(released: Stack, version: str) -> None:
    assert fallback(released, version).rolled_back_from is None
