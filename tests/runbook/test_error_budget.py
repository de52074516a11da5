from __future__ import annotations

import pytest

from pytest_chefrelease.runbook.error_budget import burn
from pytest_chefrelease.runbook.item import Severity
from pytest_chefrelease.runbook.log_tally import Minute

NOW = 29_000_000


def minutes(*errors: int, requests: int = 100) -> dict[int, Minute]:
    """The last minutes, the newest last."""
    return {NOW - n: Minute(requests, bad) for n, bad in enumerate(reversed(errors))}


@pytest.mark.parametrize(
    ("seen", "severity"),
    [
        (minutes(*[0] * 10, *[2] * 5), Severity.P2),  # 20 times over 5 min, 6.7 over 15
        (minutes(*[2] * 15), Severity.P1),
        (minutes(*[2] * 10, *[0] * 5), None),  # it is over
        (minutes(*[0] * 14, 5), None),  # a moment, not a stretch
        (minutes(*[1] * 2, requests=20), None),  # 50 times, of too few requests
        ({}, None),
    ],
)
def test_both_windows_must_burn(seen: dict[int, Minute], severity: Severity | None) -> None:
    assert burn(seen, NOW, 0.999).severity == severity


def test_what_is_older_than_both_windows_does_not_count() -> None:
    old = {NOW - 20: Minute(10_000, 10_000)}

    assert burn(old | minutes(*[0] * 5), NOW, 0.999).long == 0
