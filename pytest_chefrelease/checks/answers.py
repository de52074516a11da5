"""What checks of the API share: how they ask, what they show of an answer, why it went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import (
    Failed,
    Malformed,
    NoAnswer,
    RateLimited,
    Unreachable,
)
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.runbook.evidence import Text

REQUEST_ID = "x-request-id"
LONGEST_WAIT_S = 10.0
"""How long a 429's Retry-After is waited for; a longer one ends the look."""

_TELLING = (
    *("content-type", "location", "retry-after", "www-authenticate", "allow", REQUEST_ID),
    *("server", "via", "x-powered-by", "cf-ray", "age", "vary", "strict-transport-security"),
    *("content-security-policy", "x-content-type-options", "x-frame-options"),
    *("access-control-allow-origin", "access-control-allow-credentials"),
    "access-control-allow-methods",
)
_BODY_LINES, _BODY_CHARS = 12, 1_000


async def ask(
    look: Context,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_s: float | None = None,
) -> Answer:
    """One request, redirects not followed; a 429 is asked again once after its Retry-After.

    A POST is a login probe. Raises Failed where nothing usable answers, since a system that
    is silent after a deploy is not well, and RateLimited where the wait would be too long.
    """

    async def once() -> Answer:
        try:
            return await look.probes.http.request(
                method,
                url,
                headers=headers,
                body=body,
                timeout_s=timeout_s,
                login_probe=method == "POST",
            )
        except (Unreachable, NoAnswer, Malformed) as error:
            raise Failed(
                error.seen,
                expected="an answer",
                where=f"{method} {url}",
                remedy=error.remedy,
            ) from None

    answer = await once()
    wait_s = retry_after_s(answer, look.now()) if answer.status == 429 else None
    if wait_s is not None and wait_s <= LONGEST_WAIT_S:
        look.say(f"{method} {url}: too many requests, asking again in {wait_s:.0f} s")
        await asyncio.sleep(wait_s)
        answer = await once()
    if answer.status == 429:
        raise RateLimited(
            f"status 429, Retry-After {answer.headers.get('retry-after', 'missing')[:40]}",
            expected="an answer within the rate limit",
            where=f"{method} {url}",
            remedy="Wait, then verify again; or let the rate limit know this client.",
        )
    return answer


def retry_after_s(answer: Answer, now: datetime) -> float | None:
    """Seconds that the answer asks to wait: delta or date (RFC 9110, 10.2.3); else None."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isascii() and told.isdigit():
        return float(told[:9])
    try:
        return max(0.0, (parsedate_to_datetime(told) - now).total_seconds())
    except (ValueError, TypeError, OverflowError):  # no date, or one without its zone
        return None


def transcript(answer: Answer, method: str = "GET", sent: Mapping[str, str] | None = None) -> Text:
    """Request, status, the headers that tell something, and the body's first lines."""
    lines = [f"{method} {answer.url}", *(f"{k}: {v}" for k, v in (sent or {}).items()), ""]
    lines.append(f"{answer.http_version} {answer.status} in {answer.elapsed_ms:.0f} ms")
    told = ((name, answer.headers[name]) for name in _TELLING if name in answer.headers)
    lines += [f"{name}: {value[:200]}" for name, value in told]
    body = answer.text()[:_BODY_CHARS].splitlines()[:_BODY_LINES]
    return Text(f"{method} {answer.url}", "\n".join([*lines, "", *(body or ["(no body)"])]))


_CAUSES = {
    401: "The route demands a login now: a guard was added, or the wrong service answers.",
    403: "The route demands a login now: a guard was added, or the wrong service answers.",
    404: "The route is not deployed: check the running version and the address's prefix.",
    405: "The route is there, but not for this method: the address may be another service's.",
}


def likely_cause(answer: Answer) -> str:
    """What most often lies behind a status that was not expected, and what to do."""
    status, headers = answer.status, answer.headers
    if answer.is_html:
        by = headers.get("server") or headers.get("via")
        return (
            f"An HTML page answers{f' (from {by[:40]})' if by else ''}: a proxy, a login wall or "
            "the web front, not the API. Check the address and the routing before it."
        )
    if status >= 500:
        return _cause_of_error(status, headers.get(REQUEST_ID))
    if 300 <= status < 400:
        to = headers.get("location", "nowhere")[:200]
        return f"It redirects to {to}: use the final address, or correct the redirect."
    other = "The route answers differently from before: compare with the release's changes."
    return _CAUSES.get(status, other)


def _cause_of_error(status: int, request_id: str | None) -> str:
    if request_id:  # the application itself has answered, or has passed the id on
        return f"The server fails: look into its logs at request id {request_id[:80]}."
    if status in (502, 503, 504):
        return "Nothing healthy is behind the proxy: look at the instances and their start."
    return "The server fails with an exception: look into its logs."
