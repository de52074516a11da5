"""secrets.jwt-rotation and secrets.old-is-dead: which tokens the API accepts, seen from outside.

Tokens are made with the old and the new secret and shown to a guarded path, with GET. Whether
the API refuses for the signature's sake is told by a token of the current secret, which it must
accept: without that, nothing can be said.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.secrets.stored import production_value
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.runbook.evidence import Evidence, Fact, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom
from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.signed_token import signed_token, unsigned_token
from pytest_chefrelease.settings.model import RotationTest, Settings

_LIFE_S = 300
_REFUSED = (401, 403)


class _Answers(Struct, frozen=True):
    """The status that each kind of token got."""

    statuses: Mapping[str, int]

    def accepted(self, kind: str) -> bool:
        return 200 <= self.statuses[kind] < 300

    def refused(self, kind: str) -> bool:
        return self.statuses[kind] in _REFUSED


@check(
    Item(
        id="secrets.jwt-rotation",
        title="During a rotation, old and new tokens are accepted, and nobody else's",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P1,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(counts={"tokens": 5}),
        remedy="Stop the rotation: let the API accept both secrets again, and deploy that.",
        if_configured=True,
        paces_itself=True,  # one look: refused tokens, again and again, would look like an attack
        symptom=Symptom.LOGIN_BROKEN,
    )
)
async def secrets_jwt_rotation(look: Context) -> Evidence:
    """New accepted; old accepted until its sessions have ended, then not; forged ones never."""
    test = look.settings.secrets.rotation_test
    if test is None or test.started_on is None:
        raise NotApplicable(
            "no dual-secret rotation is under way: secrets.rotation_test.started_on is not set"
        )
    ends = _ends(test)
    is_over = look.now() >= ends
    answers, seen = await _probe(look, test, _days(ends - look.now()))
    _demand_control(answers, test, seen)
    _demand_refusals(answers, ("forged", "expired", "unsigned", "no token"), seen)
    if not is_over and not answers.accepted("old"):
        raise Failed(
            f"a token of the old secret gets {answers.statuses['old']}, with "
            f"{_days(ends - look.now()):.1f} days of sessions left: users are logged out",
            expected="status 200 for old and new tokens",
            where=seen.source,
            evidence=seen,
        )
    if is_over and not answers.refused("old"):
        raise Failed(
            f"a token of the old secret still gets {answers.statuses['old']}, "
            f"{_days(look.now() - ends):.1f} days after the last session has ended",
            expected="status 401",
            where=seen.source,
            remedy="Remove the old secret where production reads it, and restart.",
            evidence=seen,
        )
    return seen


def _rotated(settings: Settings, _stage: Stage) -> Sequence[str]:
    test = settings.secrets.rotation_test
    return (test.secret,) if test is not None else ()


@check(
    Item(
        id="secrets.old-is-dead",
        title="After a rotation, what was signed with the old secret is refused",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P1,
        section=Section.BEYOND,
        minimum=Minimum(counts={"tokens": 5}),
        remedy="Remove the old secret where production reads it, and restart.",
        if_configured=True,
    ),
    each=_rotated,
)
async def secrets_old_is_dead(look: Context, name: str) -> Evidence:
    """A token of the old secret is refused, while one of the current secret is accepted."""
    test = look.settings.secrets.rotation_test
    if test is None:
        raise NotApplicable(f"no rotation of {name} is configured")
    left = _ends(test) - look.now() if test.started_on else timedelta(0)
    if left > timedelta(0):
        raise NotApplicable(
            f"the rotation of {name} lets old sessions end: {_days(left):.1f} days left"
        )
    answers, seen = await _probe(look, test, 0.0)
    _demand_control(answers, test, seen)
    if not answers.refused("old"):
        raise Failed(
            f"a token of the old {name} still gets status {answers.statuses['old']}",
            expected="status 401",
            where=seen.source,
            evidence=seen,
        )
    return seen


async def _probe(look: Context, test: RotationTest, left_days: float) -> tuple[_Answers, Evidence]:
    """Show each kind of token to the guarded path."""
    new, _ = await production_value(look, test.secret)
    old = Secret(look.variable(test.old_env, f"the old {test.secret}"))
    if old == new:
        raise Unverified(
            f"{test.old_env} holds the same value as {test.secret}: nothing was rotated",
            expected="two values",
            remedy=f"Export the value before the rotation as {test.old_env}.",
        )
    url = look.api + test.path
    tokens = _tokens(test, new, old, int(look.now().timestamp()))
    statuses = await asyncio.gather(*(_status(look, url, each) for each in tokens.values()))
    by_kind = dict(zip(tokens, statuses, strict=True))
    facts: dict[str, Fact] = {
        "tokens": len(by_kind),
        "left_days": round(left_days, 1),
        **{f"{kind.replace(' ', '_')}_status": status for kind, status in by_kind.items()},
    }
    rows = tuple((kind, str(status)) for kind, status in by_kind.items())
    told = ", ".join(f"{kind} {status}" for kind, status in by_kind.items())
    until = f"; {left_days:.1f} days until the old secret must be gone" if left_days > 0 else ""
    return _Answers(by_kind), Evidence(
        summary=f"tokens by their answers: {told}{until}",
        source=f"GET {url}",
        observed_at=look.now(),
        facts=facts,
        attachments=(Table("Tokens and the answers to them", ("token", "status"), rows),),
    )


def _tokens(test: RotationTest, new: Secret, old: Secret, now: int) -> dict[str, Secret | None]:
    fresh = {**test.claims, "iat": now, "exp": now + _LIFE_S}
    expired = {**test.claims, "iat": now - 2 * _LIFE_S, "exp": now - _LIFE_S}
    return {
        "new": signed_token(fresh, new),
        "old": signed_token(fresh, old),
        "forged": signed_token(fresh, Secret(secrets.token_urlsafe(32))),
        "expired": signed_token(expired, new),
        "unsigned": unsigned_token(fresh),
        "no token": None,
    }


async def _status(look: Context, url: str, token: Secret | None) -> int:
    headers = {"authorization": f"Bearer {token.reveal()}"} if token is not None else {}
    return (await look.probes.http.get(url, headers=headers)).status


def _demand_control(answers: _Answers, test: RotationTest, seen: Evidence) -> None:
    """The API must tell tokens apart, or it says nothing of their signatures."""
    if answers.accepted("new"):
        return
    status = answers.statuses["new"]
    if answers.refused("new") and answers.accepted("old"):
        raise Failed(
            f"a token of the new secret gets {status}, one of the old secret is accepted",
            expected="the new secret in use",
            where=seen.source,
            remedy="Set the new secret where production reads it, and restart.",
            evidence=seen,
        )
    raise Unverified(
        f"a token of the current {test.secret} gets status {status}",
        expected="status 200, to tell it from refused ones",
        where=seen.source,
        remedy="Set secrets.rotation_test.claims to those of a real test account, and path to a "
        "guarded one.",
        evidence=seen,
    )


def _demand_refusals(answers: _Answers, kinds: Sequence[str], seen: Evidence) -> None:
    for kind in kinds:
        if not answers.refused(kind):
            named = "a request without a token" if kind == "no token" else f"a token {_AS[kind]}"
            raise Failed(
                f"{named} gets status {answers.statuses[kind]}",
                expected="status 401",
                where=seen.source,
                remedy="Roll back now: the API does not verify who is asking.",
                evidence=seen,
            )


_AS = {
    "forged": "signed with a secret that nobody has",
    "expired": "that has expired",
    "unsigned": "without a signature (alg none)",
}


def _ends(test: RotationTest) -> datetime:
    """When the last session of the old secret has ended."""
    started = test.started_on
    if started is None:
        raise NotApplicable("secrets.rotation_test.started_on is not set")
    return datetime.combine(started, time(), UTC) + timedelta(days=1) + test.sessions


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)
