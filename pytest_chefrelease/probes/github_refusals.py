"""Why GitHub did not answer: token, permission, repository, or one of its two rate limits.

Source: GitHub's documents "Rate limits for the REST API" and "Troubleshooting the REST API".
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    NotConfigured,
    ProbeError,
    RateLimited,
    Unreachable,
)
from pytest_chefrelease.probes.http_answer import Answer


class Refusal(Struct, frozen=True):
    """An error to raise; ``is_general`` says that it holds for whatever is asked now."""

    error: ProbeError
    is_general: bool


def refusal(answer: Answer, repository: str, token_name: str) -> Refusal:
    """What an answer other than 200 means, and what to do."""
    limited = _rate_limit(answer)
    if limited is not None:
        return Refusal(limited, is_general=True)
    if answer.status == 401:
        error: ProbeError = AccessDenied(
            f"GitHub does not accept the token in {token_name}",
            where=answer.url,
            remedy="Make a new token that may read checks, statuses and contents of "
            f"{repository}; it may have expired or been revoked.",
        )
        return Refusal(error, is_general=True)
    return Refusal(_specific(answer, repository, token_name), is_general=False)


def _specific(answer: Answer, repository: str, token_name: str) -> ProbeError:
    said = message_of(answer)
    if answer.status == 403 and "x-github-sso" in answer.headers:
        return AccessDenied(
            f"the token in {token_name} is not authorized for the organization's single sign-on",
            where=answer.url,
            remedy="Authorize it: GitHub, Settings, Tokens, Configure SSO.",
        )
    if answer.status == 403:
        return AccessDenied(
            f"the token in {token_name} lacks access: {said}",
            where=answer.url,
            remedy=f"Give it checks: read, commit statuses: read and contents: read on "
            f"{repository}.",
        )
    if answer.status == 404:
        return AccessDenied(
            f"GitHub shows no repository {repository} to the token in {token_name}",
            where=answer.url,
            remedy="Check ci.repository and ci.api_url, and that the token may see it: a private "
            "repository does not exist for who may not.",
        )
    if answer.status == 422:
        return NotConfigured(
            f"GitHub does not know the commit: {said}",
            where=answer.url,
            remedy="Push the release commit, and let CI run on it.",
        )
    if answer.status >= 500:
        return Unreachable(
            f"GitHub answered status {answer.status}",
            where=answer.url,
            remedy="Try again; GitHub's status page says whether it is theirs.",
        )
    return Malformed(
        f"GitHub answered status {answer.status}: {said}",
        where=answer.url,
        remedy="Check ci.api_url.",
    )


def _rate_limit(answer: Answer) -> RateLimited | None:
    """The primary limit (requests in an hour) or the secondary one (too many at once)."""
    if answer.status not in (403, 429):
        return None
    wait = answer.headers.get("retry-after", "")
    if wait.isdigit():
        return RateLimited(
            f"GitHub's secondary rate limit stands for {wait} s",
            where=answer.url,
            remedy=f"Run again in {wait} s; ask less at once with this token.",
        )
    if answer.headers.get("x-ratelimit-remaining") == "0":
        return RateLimited(
            f"GitHub's rate limit is used up {_until(answer)}",
            where=answer.url,
            remedy="Run again then, or use a token with a limit of its own.",
        )
    if answer.status == 429 or "secondary rate limit" in message_of(answer).lower():
        return RateLimited(
            "GitHub's secondary rate limit stands",
            where=answer.url,
            remedy="Run again in a minute; ask less at once with this token.",
        )
    return None


def _until(answer: Answer) -> str:
    reset = answer.headers.get("x-ratelimit-reset", "")
    if not (reset.isascii() and reset.isdigit()) or len(reset) > 11:
        return "for up to an hour"
    at = datetime.fromtimestamp(int(reset), UTC)
    minutes = max(1, round((at - answer.observed_at).total_seconds() / 60))
    return f"until {at:%H:%M:%S} UTC, for {minutes} min"


def message_of(answer: Answer) -> str:
    """GitHub's own words, bounded."""
    try:
        document = answer.json()
    except Malformed:
        return answer.excerpt(120)
    said = document.get("message") if isinstance(document, dict) else None
    return said[:200] if isinstance(said, str) else answer.excerpt(120)
