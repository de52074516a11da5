"""Properties of the comparison of a release's migrations with a database's history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.runbook.migration_history import (
    Checksums,
    DatabaseHistory,
    Problem,
    ReleaseMigrations,
    Row,
    Script,
    compare,
)

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
NAMES = [f"2026010{n}000000_step" for n in range(1, 6)]
CHECKSUMS = Checksums("a" * 64, "b" * 64, "c" * 64, "d" * 60)


def row(name: str, state: str, checksum: str, minute: int) -> Row:
    begun = NOON + timedelta(minutes=minute)
    return Row(
        name=name,
        checksum=checksum,
        started_at=begun,
        finished_at=begun if state in ("applied", "finished, then rolled back") else None,
        rolled_back_at=begun if "rolled back" in state else None,
        logs="",
    )


rows = st.lists(
    st.builds(
        row,
        st.sampled_from([*NAMES, "20260201000000_elsewhere"]),
        st.sampled_from(["applied", "failed", "rolled back", "finished, then rolled back"]),
        st.sampled_from(["a" * 64, "b" * 64, "c" * 64, "d" * 60, "e" * 64]),
        st.integers(0, 59),
    ),
    max_size=8,
    unique_by=lambda one: (one.name, one.started_at),
)
releases = st.lists(st.sampled_from(NAMES), min_size=1, unique=True).map(
    lambda names: ReleaseMigrations(tuple(Script(name, 1, CHECKSUMS) for name in sorted(names)))
)


@given(releases, rows, st.randoms(use_true_random=False))
def test_the_order_in_which_rows_come_does_not_matter(
    release: ReleaseMigrations, given_rows: list[Row], random: Random
) -> None:
    shuffled = random.sample(given_rows, len(given_rows))

    there = compare(release, DatabaseHistory(tuple(given_rows), 1))
    here = compare(release, DatabaseHistory(tuple(shuffled), 1))

    assert sorted(f.text for f in there.findings) == sorted(f.text for f in here.findings)


@given(releases, rows)
def test_a_failed_try_is_always_found_and_first(
    release: ReleaseMigrations, given_rows: list[Row]
) -> None:
    found = compare(release, DatabaseHistory(tuple(given_rows), 1)).findings

    if any(one.is_failed for one in given_rows):
        assert found[0].problem is Problem.FAILED


@given(releases, rows)
def test_without_a_finding_everything_in_the_release_is_applied_as_it_is(
    release: ReleaseMigrations, given_rows: list[Row]
) -> None:
    compared = compare(release, DatabaseHistory(tuple(given_rows), 0))

    if not compared.findings:
        assert {one.name for one in compared.applied} == {one.name for one in release.scripts}
        assert all(one.checksum != "e" * 64 for one in compared.applied)


@given(releases, rows)
def test_each_migration_of_the_release_is_applied_pending_or_failed(
    release: ReleaseMigrations, given_rows: list[Row]
) -> None:
    compared = compare(release, DatabaseHistory(tuple(given_rows), 1))

    told = {one.name for group in (compared.applied, compared.failed) for one in group}
    told |= {one.name for one in compared.pending}
    assert {one.name for one in release.scripts} <= told


@given(releases)
def test_a_history_of_the_release_itself_has_no_finding(release: ReleaseMigrations) -> None:
    applied = [row(s.name, "applied", "a" * 64, n) for n, s in enumerate(release.scripts)]

    assert compare(release, DatabaseHistory(tuple(applied), 1)).findings == ()
