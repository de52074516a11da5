"""When a block was right, when it was wrong, and when nobody can say."""

from __future__ import annotations

import pytest

from pytest_chefrelease.runbook.track_record import Became, Heard, Tally, tallies


def heard(run: int, state: str = "", version: str = "v1", label: str = "a.item") -> Heard:
    return Heard(
        run=run,
        version=version,
        stage="prerelease",
        item="a.item",
        label=label,
        passed=state == "passed",
        blocked=state == "blocked",
        would_block=state == "shadow",
    )


GOOD, BAD = {"v1": Became.GOOD}, {"v1": Became.INCIDENT}


@pytest.mark.parametrize(
    ("states", "became", "expected"),
    [
        (["blocked"], {}, (1, 0, 0, 0)),
        (["blocked"], GOOD, (1, 0, 1, 0)),
        (["blocked"], BAD, (1, 1, 0, 0)),
        (["blocked"], {"v1": Became.ROLLED_BACK}, (1, 1, 0, 0)),
        (["blocked", "passed"], GOOD, (1, 1, 0, 0)),
        (["passed", "blocked"], GOOD, (1, 0, 1, 0)),
        (["blocked", "blocked", "passed"], {}, (1, 1, 0, 0)),
        (["shadow"], BAD, (0, 1, 0, 1)),
        (["shadow"], GOOD, (0, 0, 1, 1)),
        (["shadow"], {}, (0, 0, 0, 1)),
    ],
)
def test_a_block_is_right_when_it_was_mended_or_went_wrong(
    states: list[str], became: dict[str, Became], expected: tuple[int, int, int, int]
) -> None:
    (tally,) = tallies([heard(n, state) for n, state in enumerate(states)], became)
    assert (tally.blocked, tally.rightly, tally.wrongly, tally.shadow) == expected


def test_what_never_blocked_has_no_tally() -> None:
    assert tallies([heard(1, "passed"), heard(2)], GOOD) == []


def test_all_checks_of_an_item_must_be_mended() -> None:
    runs = [
        heard(1, "blocked", label="a.item[x]"),
        heard(1, "blocked", label="a.item[y]"),
        heard(2, "passed", label="a.item[x]"),
    ]
    assert tallies(runs, GOOD) == [Tally("a.item", blocked=1, wrongly=1)]


def test_an_item_cries_wolf_only_on_enough_releases() -> None:
    versions = ["v1", "v2", "v3"]
    became = dict.fromkeys(versions, Became.GOOD)
    runs = [heard(n, "blocked", version) for n, version in enumerate(versions)]
    assert [tally.cries_wolf for tally in tallies(runs, became)] == [True]
    assert [tally.cries_wolf for tally in tallies(runs[:2], became)] == [False]
    assert not Tally("a.item", blocked=4, rightly=2, wrongly=2).cries_wolf
    assert Tally("a.item", blocked=4, rightly=1, wrongly=2).undecided == 1
