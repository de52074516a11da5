"""Whether what an attestation says is what a policy asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from pytest_chefrelease.attestation.policy import Policy
from pytest_chefrelease.attestation.statement import Statement, image_digest
from pytest_chefrelease.report.readable import duration

_CLOCK_TOLERANCE = timedelta(minutes=5)


def refusals(statement: Statement, policy: Policy, now: datetime) -> Iterator[str]:
    """Everything for which the attestation is refused, each reason in a sentence."""
    stage = statement.stage
    if stage.stage != policy.stage:
        yield f"re-used: it attests the stage {stage.stage}, not {policy.stage}"
    yield from foreign(statement, policy)
    yield from not_go(statement, policy)
    yield from _stale(stage.finished_at, policy.max_age, now)


def foreign(statement: Statement, policy: Policy) -> Iterator[str]:
    """Of another release: environment, commit, image."""
    environment = statement.stage.environment
    if environment != policy.environment:
        yield f"re-used: it attests the environment {environment}, not {policy.environment}"
    commits = statement.digests("gitCommit")
    if commits != {policy.commit}:
        seen = ", ".join(sorted(commits)) or "none"
        yield f"other commit: it attests {seen}, not {policy.commit}"
    images = statement.digests("sha256")
    if policy.image is not None and images != {image_digest(policy.image)}:
        seen = ", ".join(f"sha256:{digest}" for digest in sorted(images)) or "none"
        yield f"other image: it attests {seen}, not {policy.image}"


def not_go(statement: Statement, policy: Policy) -> Iterator[str]:
    """The verdict is not GO, not a GO that is accepted, or contradicts itself."""
    predicate, stage = statement.predicate, statement.stage
    if predicate.result == "FAILED" or stage.verdict != "GO":
        yield f"verdict: {stage.stage} ended with {stage.verdict}: {stage.sentence}"
    elif predicate.failed:
        yield f"verdict: it says GO although {', '.join(predicate.failed[:3])} failed"
    elif predicate.result == "WARNED" and not policy.accept_warned:
        names = ", ".join(predicate.warned[:5])
        yield f"verdict: {stage.stage} is GO with warnings ({names}), which are not accepted"


def _stale(finished_at: str, max_age: timedelta, now: datetime) -> Iterator[str]:
    try:
        age = now - datetime.fromisoformat(finished_at)
    except (ValueError, TypeError):
        yield "expired: it does not say when the stage ended"
        return
    if age > max_age:
        seen, most = duration(age.total_seconds()), duration(max_age.total_seconds())
        yield f"expired: the stage ended {seen} ago, at most {most} are allowed"
    elif age < -_CLOCK_TOLERANCE:
        yield "expired: it is dated in the future; one of the clocks is wrong"
