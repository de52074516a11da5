"""Intercepts: what a site is told to do with some of its requests instead of the right thing.

Most faults seen over HTTP need no code in the site: a status, a body, a delay, a cut
connection or a small change to the true answer says it all.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler, Middleware

_RULE = "rehearsal.intercept"

Scalar = str | int | float | bool | None
Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Intercept:
    """A rule for requests of one site; the first rule that matches a request holds.

    ``path`` and ``method`` are shell patterns. With ``status`` or ``body`` the site is not
    asked at all; else its own answer is sent with ``merge`` merged into its JSON,
    ``replace`` (old, new) done in its text and ``headers`` set (None removes one).
    ``delay_s`` comes before the answer. ``stall`` is (period, length) in seconds: whoever
    asks within the first ``length`` of a period waits for its end. ``every`` picks each
    n-th request only, ``times`` the first n. ``drop`` closes the connection unanswered.
    """

    site: str
    path: str = "*"
    method: str = "*"
    status: int | None = None
    body: str | None = None
    content_type: str = "text/plain"
    headers: Mapping[str, str | None] = field(default_factory=dict)
    merge: Mapping[str, Scalar | dict[str, Scalar]] | None = None
    replace: tuple[str, str] | None = None
    delay_s: float = 0.0
    stall: tuple[float, float] | None = None
    every: int = 1
    times: int | None = None
    drop: bool = False

    def document(self) -> dict[str, Json]:
        """The rule as plain JSON, as the control endpoint takes it."""
        return asdict(self)


class Interceptor:
    """The rules of one site, with how often each has matched."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._rules: list[Intercept] = []
        self._seen: dict[int, int] = {}

    def add(self, rule: Intercept) -> None:
        """Add a rule behind those that stand."""
        self._rules.append(rule)

    def clear(self) -> None:
        """Forget all rules: every request is answered truly again."""
        self._rules.clear()
        self._seen.clear()

    def rule_for(self, method: str, path: str) -> Intercept | None:
        """The rule that holds for this request, if any."""
        for number, rule in enumerate(self._rules):
            if fnmatchcase(method, rule.method) and fnmatchcase(path, rule.path):
                count = self._seen[number] = self._seen.get(number, 0) + 1
                exhausted = rule.times is not None and count > rule.times
                if not exhausted and count % rule.every == 0:
                    return rule
        return None

    def install(self, application: web.Application) -> None:
        """Let the rules hold for an application whose own parts are all in place.

        Innermost of the middlewares, so that a made-up 500 is logged and gets the headers
        that a true one gets; its changes of headers come last of all.
        """
        application.middlewares.append(self._middleware())
        application.on_response_prepare.append(_set_headers)

    def _middleware(self) -> Middleware:
        from aiohttp import web

        @web.middleware
        async def intercept(request: web.Request, handler: Handler) -> web.StreamResponse:
            rule = self.rule_for(request.method, request.path)
            if rule is None:
                return await handler(request)
            request[_RULE] = rule
            await asyncio.sleep(_wait(rule, time.monotonic()))
            if rule.drop:
                if request.transport:
                    request.transport.abort()
                raise ConnectionResetError(f"{self._site} was told to drop this connection")
            return _changed(await _answer(rule, request, handler), rule)

        return intercept


def _wait(rule: Intercept, now: float) -> float:
    if rule.stall is None:
        return rule.delay_s
    period, length = rule.stall
    return rule.delay_s + max(0.0, length - now % period)


async def _answer(rule: Intercept, request: web.Request, handler: Handler) -> web.StreamResponse:
    from aiohttp import web

    if rule.status is None and rule.body is None:
        return await handler(request)
    return web.Response(
        status=rule.status or 200,
        text=rule.body or "",
        content_type=rule.content_type,
        charset="utf-8",
    )


def _changed(answer: web.StreamResponse, rule: Intercept) -> web.StreamResponse:
    from aiohttp import web

    if isinstance(answer, web.Response) and isinstance(answer.body, bytes):
        if rule.merge is not None:
            answer.text = json.dumps(merged(json.loads(answer.body), rule.merge))
        if rule.replace is not None:
            old, new = rule.replace
            answer.text = answer.body.decode().replace(old, new)
    return answer


async def _set_headers(request: web.Request, answer: web.StreamResponse) -> None:
    rule = request.get(_RULE)
    for name, value in rule.headers.items() if isinstance(rule, Intercept) else ():
        answer.headers.popall(name, None)
        if value is not None:
            answer.headers[name] = value


def merged(target: Json, patch: Json) -> Json:
    """JSON merge patch (RFC 7396): objects are merged, null removes, all else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
