"""What CI said about a commit, and whether that is what is required of it.

Source: CATALOG.md, ci.required-checks; GitHub's documents on check runs and required
status checks: for a required check GitHub itself lets success, neutral and skipped pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Standing(StrEnum):
    """What a required check is worth for the release."""

    SUCCEEDED = "succeeded"
    PASSED_OVER = "passed over"  # skipped or neutral, and that is accepted
    UNSUCCESSFUL = "unsuccessful"
    PENDING = "pending"
    MISSING = "missing"

    @property
    def is_good(self) -> bool:
        """Whether the release may go on with it."""
        return self in (Standing.SUCCEEDED, Standing.PASSED_OVER)


class CheckResult(Struct, frozen=True):
    """One run of a check, or one commit status, on a commit.

    ``state`` is ``completed`` or what it waits for; ``conclusion`` is the vendor's word
    (success, failure, error, cancelled …) once it is completed. ``app_id`` is the
    application that ran it, None where the vendor does not say; ``number`` grows with time.
    """

    name: str
    state: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    app_id: int | None
    app: str
    link: str
    number: int
    is_status: bool = False

    @property
    def when(self) -> datetime | None:
        """When it concluded, or began where it has not."""
        return self.completed_at or self.started_at

    @property
    def order(self) -> tuple[bool, float, int]:
        """Sorts runs of one name by age, the newest last."""
        # A run that has not begun yet was asked for after those that have.
        begun = self.started_at.timestamp() if self.started_at else 0.0
        return (self.started_at is None and self.state != "completed", begun, self.number)


class Required(Struct, frozen=True):
    """A check that must succeed; ``app_id`` restricts it to one application's runs."""

    name: str
    app_id: int | None = None


class Judged(Struct, frozen=True):
    """A required check, its standing, the result that counts, and what to say of it."""

    required: Required
    standing: Standing
    result: CheckResult | None
    text: str


_SAID = {
    "failure": "failed",
    "error": "ended in an error",
    "cancelled": "was cancelled",
    "timed_out": "timed out",
    "action_required": "waits for somebody's action",
    "stale": "was given up by GitHub as stale",
    "startup_failure": "could not start",
    "skipped": "was skipped, which settings do not accept",
    "neutral": "concluded neutral, which settings do not accept",
}


def judge(
    required: Required,
    results: Iterable[CheckResult],
    *,
    accept_skipped: bool,
    accept_neutral: bool,
) -> Judged:
    """What stands of a required check among all results of the release commit.

    Of several runs of one name the newest counts, for each application; where several
    applications report the name, the worst of them does.
    """
    newest = _newest_by_app(r for r in results if _fits(required, r))
    if not newest:
        return Judged(required, Standing.MISSING, None, f"{required.name} has not run")
    accepted = {"skipped": accept_skipped, "neutral": accept_neutral}
    judged = [_judge_result(required, result, accepted) for result in newest]
    worst = (Standing.UNSUCCESSFUL, Standing.PENDING, Standing.PASSED_OVER, Standing.SUCCEEDED)
    return min(judged, key=lambda one: worst.index(one.standing))


def _judge_result(required: Required, result: CheckResult, accepted: dict[str, bool]) -> Judged:
    if result.state != "completed" or result.conclusion is None:
        said = result.state.replace("_", " ")
        return Judged(required, Standing.PENDING, result, f"{required.name} is {said}")
    if result.conclusion == "success":
        return Judged(required, Standing.SUCCEEDED, result, f"{required.name} succeeded")
    if accepted.get(result.conclusion, False):
        text = f"{required.name} was {result.conclusion}"
        return Judged(required, Standing.PASSED_OVER, result, text)
    said = _SAID.get(result.conclusion, f"concluded {result.conclusion[:40]!r}")
    return Judged(required, Standing.UNSUCCESSFUL, result, f"{required.name} {said}")


def _fits(required: Required, result: CheckResult) -> bool:
    """Whether a result is of this name and application.

    A commit status does not say which application set it: it fits any.
    """
    is_of_app = required.app_id is None or result.is_status or result.app_id == required.app_id
    return result.name == required.name and is_of_app


def _newest_by_app(results: Iterable[CheckResult]) -> Sequence[CheckResult]:
    newest: dict[tuple[bool, int | None], CheckResult] = {}
    for result in results:
        key = (result.is_status, result.app_id)
        if key not in newest or result.order > newest[key].order:
            newest[key] = result
    return list(newest.values())
