"""secrets.jwt-rotation and secrets.old-is-dead, against an API that verifies tokens for real."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.signed_token import signed_token
from tests.probes.loopback import Request, answer, serving
from tests.secrets.world import JWT, VALUES, verifying

OLD = JWT[::-1]
Decide = Callable[[str], int]


def verifier(
    *secrets: str, sub: str | None = None, checks_expiry: bool = True, takes_none: bool = False
) -> Decide:
    """An API that accepts tokens of these secrets, by its own reading of RFC 7515 and 7519."""

    def decide(token: str) -> int:
        head, _, rest = token.partition(".")
        body, _, signature = rest.partition(".")
        if not signature:
            return 200 if takes_none and body else 401
        if json.loads(unpacked(head))["alg"] != "HS256":
            return 401
        signed = f"{head}.{body}".encode()
        wanted = [hmac.new(s.encode(), signed, hashlib.sha256).digest() for s in secrets]
        if not any(hmac.compare_digest(unpacked(signature), each) for each in wanted):
            return 401
        claims = json.loads(unpacked(body))
        if checks_expiry and claims["exp"] < time.time():
            return 401
        return 200 if sub is None or claims.get("sub") == sub else 401

    return decide


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def look(
    decide: Decide,
    item: str = "secrets.jwt-rotation",
    *,
    parameter: str | None = None,
    started_days_ago: float | None = 2,
    old: str = OLD,
    **test: object,
) -> tuple[Result, Sequence[Request]]:
    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        assert (request.method, request.path) == ("GET", "/auth/me")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        writer.write(answer(decide(token), "{}"))

    async def go() -> tuple[Result, Sequence[Request]]:
        async with serving(reply) as site:
            if started_days_ago is not None:
                started = datetime.now(UTC) - timedelta(days=started_days_ago)
                test["started_on"] = started.date().isoformat()
            result = await verifying(
                item,
                parameter,
                variables=VALUES | {"JWT_SECRET_OLD": old},
                tables={
                    "environments": {"production": {"api": site.url}},
                    "secrets": {"source": "env", "rotation_test": test},
                },
                stage=Stage.POSTRELEASE,
            )
            return result, site.requests

    return asyncio.run(go())


def test_a_token_is_signed_as_the_standard_says() -> None:
    """Against the key and claims of jwt.io's own example, whose signature is published."""
    claims: dict[str, str | int] = {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}

    token = signed_token(claims, Secret("your-256-bit-secret")).reveal()

    assert token.rpartition(".")[2] == "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"


def test_a_rotation_that_accepts_both_secrets_passes_and_counts_the_days() -> None:
    result, requests = look(verifier(JWT, OLD))

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["forged_status"] == 401
    assert "days until the old secret must be gone" in result.summary
    assert len(requests) == 6


@pytest.mark.parametrize(
    ("decide", "said"),
    [
        (verifier(JWT), "a token of the old secret gets 401, with"),
        (verifier(OLD), "a token of the new secret gets 401, one of the old secret is accepted"),
        (lambda _: 200, "a token signed with a secret that nobody has gets status 200"),
        (verifier(JWT, OLD, checks_expiry=False), "a token that has expired gets status 200"),
        (verifier(JWT, OLD, takes_none=True), "without a signature (alg none) gets status 200"),
    ],
)
def test_a_rotation_that_goes_wrong_fails(decide: Decide, said: str) -> None:
    result, _ = look(decide)

    assert result.outcome is Outcome.FAILED
    assert said in result.summary


def test_after_the_sessions_have_ended_the_old_secret_must_be_gone() -> None:
    assert look(verifier(JWT), started_days_ago=9)[0].outcome is Outcome.PASSED
    late, _ = look(verifier(JWT, OLD), started_days_ago=9)
    assert late.outcome is Outcome.FAILED
    assert "a token of the old secret still gets 200" in late.summary


def test_an_api_that_refuses_everything_says_nothing_of_signatures() -> None:
    result, _ = look(verifier(JWT, OLD, sub="7"))

    assert result.outcome is Outcome.UNVERIFIED
    assert "secrets.rotation_test.claims" in result.remedy


def test_claims_of_a_real_account_are_put_into_the_tokens() -> None:
    result, _ = look(verifier(JWT, OLD, sub="7"), claims={"sub": "7"})

    assert result.outcome is Outcome.PASSED


def test_without_a_rotation_there_is_nothing_to_verify() -> None:
    assert look(verifier(JWT), started_days_ago=None)[0].outcome is Outcome.NOT_APPLICABLE


def test_a_rotation_that_changed_nothing_is_told() -> None:
    result, _ = look(verifier(JWT), old=JWT)

    assert result.outcome is Outcome.UNVERIFIED
    assert "nothing was rotated" in result.summary


def dead(decide: Decide, days: float | None) -> Result:
    return look(
        decide, "secrets.old-is-dead", parameter="JWT_SECRET", started_days_ago=days
    )[0]  # fmt: skip


@pytest.mark.parametrize("days", [None, 9])
def test_an_old_secret_that_is_refused_is_dead(days: float | None) -> None:
    assert dead(verifier(JWT), days).outcome is Outcome.PASSED
    assert dead(verifier(JWT, OLD), days).outcome is Outcome.FAILED
    assert dead(lambda _: 401, days).outcome is Outcome.UNVERIFIED


def test_an_old_secret_may_live_as_long_as_its_sessions() -> None:
    result = dead(verifier(JWT, OLD), 2)

    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "days left" in result.summary
