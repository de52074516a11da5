"""The preflight rules: what each asks of the API, and what is wrong with the answers.

A rule is one row of ``RULES``: requests made from settings, and a pure function that names
every answer that is not right. Source: CATALOG.md, ``preflight.rule``; the product's own
staging preflight; OWASP Secure Headers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from msgspec import Struct, field

from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.settings.model import PreflightTable

_METRIC = re.compile(
    r"^# (?:HELP|TYPE) \w|^(?:[a-zA-Z_:][\w:]*\{[^}\n]*\}|[a-zA-Z:]+_[\w:]+) [-+]?(?:\d|Inf|NaN)",
    re.MULTILINE,
)
_TRACE = re.compile(
    r"(?:\\n|\n|^)\s*at (?:async )?[\w.$<>\[\] ]* ?\(?(?:file://|node:|/|[A-Z]:\\|webpack)[^\s)]*:\d+"
    r"|\bat [\w.$]+\([\w$]+\.(?:java|kt|scala):\d+\)"
    r"|Traceback \(most recent call last\)|goroutine \d+ \[running\]"
    r'|"stack(?:Trace)?"\s*:\s*["\[]|node_modules/|Stack trace:\s*(?:\\n|\n|#0)'
    r"|Invalid `prisma\."
)
_BANNERS = ("x-powered-by", "x-aspnet-version", "x-aspnetmvc-version", "x-generator", "x-runtime")


class Ask(Struct, frozen=True):
    """A request: path below the API's address, and headers; ``body`` makes it a login probe."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def text(self) -> str:
        """``GET /docs``, with the origin where it carries one."""
        origin = self.headers.get("origin")
        return f"{self.method} {self.path}" + (f" from {origin}" if origin else "")


class Exchange(Struct, frozen=True):
    """A request and the answer to it."""

    ask: Ask
    answer: Answer


class Scope(Struct, frozen=True):
    """What the rules are asked with: the table, the allowed origin, and the login probes."""

    table: PreflightTable
    allowed_origin: str
    login_paths: tuple[str, ...] = ()


Requests = Callable[[Scope], Sequence[Ask]]
Judge = Callable[[Sequence[Exchange], Scope], Iterator[str]]


class Rule(Struct, frozen=True):
    """A rule: what must hold, what is asked, what is wrong with the answers, what to do.

    ``needs_presence``: the rule holds where something is absent, which proves nothing
    unless the API itself is there.
    """

    promise: str
    requests: Requests
    problems: Judge
    remedy: str
    needs_presence: bool = False


def _get(paths: Callable[[PreflightTable], Sequence[str]]) -> Requests:
    return lambda scope: [Ask(path) for path in paths(scope.table)]


def _each(wrong: Callable[[Answer, Scope], str | None]) -> Judge:
    """Judge each answer for itself: ``wrong`` says what is, or None."""

    def judge(seen: Sequence[Exchange], scope: Scope) -> Iterator[str]:
        for exchange in seen:
            problem = wrong(exchange.answer, scope)
            if problem:
                yield f"{exchange.ask.text}: {problem}"

    return judge


def _guard(answer: Answer, _scope: Scope) -> str | None:
    if answer.status == 401 and not answer.is_html:
        return None
    kind = " with an HTML page" if answer.is_html else ""
    return f"status {answer.status}{kind} without a token"


def _docs(answer: Answer, _scope: Scope) -> str | None:
    if answer.status in (403, 404) or answer.status in (301, 302, 303, 307, 308):
        return None
    return f"status {answer.status}"


def _dev_portal(answer: Answer, _scope: Scope) -> str | None:
    if answer.status == 404:
        return None
    loaded = ", so the module is loaded" if answer.status in (401, 403) else ""
    return f"status {answer.status}{loaded}"


def _metrics(answer: Answer, _scope: Scope) -> str | None:
    if answer.status >= 500:
        return f"status {answer.status} does not tell"
    told = answer.headers.get("content-type", "")
    if answer.status < 300 and ("openmetrics" in told or _METRIC.search(answer.text())):
        return "metrics in Prometheus' format"
    return None


def _cors_requests(scope: Scope) -> list[Ask]:
    allowed, foreign = scope.allowed_origin, scope.table.foreign_origin
    host = urlsplit(foreign).hostname or "foreign.invalid"
    # A comparison by prefix, a frequent mistake, lets the third one in.
    origins = (allowed, foreign, f"{allowed}.{host}", "null")
    asked = {"access-control-request-method": "GET"}
    return [
        Ask(path, method, {"origin": origin} | (asked if method == "OPTIONS" else {}))
        for path in scope.table.cors_paths
        for origin in origins
        for method in ("OPTIONS", "GET")
    ]


def _cors(seen: Sequence[Exchange], scope: Scope) -> Iterator[str]:
    for exchange in seen:
        origin = exchange.ask.headers["origin"]
        wrong = _allowed if origin == scope.allowed_origin else _foreign
        for problem in wrong(exchange.answer, origin):
            yield f"{exchange.ask.text}: {problem}"


def _allowed(answer: Answer, origin: str) -> Iterator[str]:
    echoed = answer.headers.get("access-control-allow-origin")
    if echoed != origin:
        yield f"Access-Control-Allow-Origin {echoed or 'missing'}"
    if "origin" not in [v.strip().lower() for v in answer.headers.get("vary", "").split(",")]:
        yield "Vary: Origin missing, so a cache mixes origins"


def _foreign(answer: Answer, origin: str) -> Iterator[str]:
    echoed = answer.headers.get("access-control-allow-origin")
    if echoed in (origin, "*"):
        yield f"let in (Access-Control-Allow-Origin {echoed})"


def _header_requests(scope: Scope) -> list[Ask]:
    # Each path twice: an id that repeats shows only on a second look.
    return [Ask(path) for path in scope.table.header_paths for _ in range(2)]


def _request_id(seen: Sequence[Exchange], scope: Scope) -> Iterator[str]:
    name, least = scope.table.request_id_header, scope.table.request_id_length
    earlier: dict[str, str] = {}
    for exchange in seen:
        told = exchange.answer.headers.get(name.lower(), "")
        if len(told) < least:
            yield f"{exchange.ask.text}: {name} {told or 'missing'}"
        elif told in earlier:
            yield f"{exchange.ask.text}: {name} {told[:40]} as for {earlier[told]}"
        earlier.setdefault(told, exchange.ask.text)


def _security(answer: Answer, _scope: Scope) -> str | None:
    told = answer.headers
    missing = []
    if told.get("x-content-type-options", "").strip().lower() != "nosniff":
        missing.append("X-Content-Type-Options: nosniff")
    framing = told.get("x-frame-options", "").strip().lower() in ("deny", "sameorigin")
    if not framing and "frame-ancestors" not in told.get("content-security-policy", "").lower():
        missing.append("X-Frame-Options or a CSP with frame-ancestors")
    age = re.search(r"max-age\s*=\s*\"?(\d+)", told.get("strict-transport-security", ""))
    if answer.url.startswith("https:") and (age is None or int(age.group(1)[:12]) == 0):
        missing.append("Strict-Transport-Security")
    return f"{', '.join(missing)} missing" if missing else None


def _error_requests(scope: Scope) -> list[Ask]:
    table = scope.table
    posted = {"content-type": "application/json"}
    return [
        *(Ask(path) for path in (*table.error_paths, *table.protected_paths)),
        *(Ask(path, "POST", posted, b"{}") for path in scope.login_paths),
    ]


def _traces(answer: Answer, _scope: Scope) -> str | None:
    found = _TRACE.search(answer.text())
    if found is None:
        return None
    return f"a stack trace in the body: {' '.join(found.group()[:80].split())}"


def _banner(answer: Answer, scope: Scope) -> str | None:
    told = [f"{name}: {answer.headers[name][:60]}" for name in _BANNERS if name in answer.headers]
    server = answer.headers.get("server", "")
    if server and not any(fnmatchcase(server, known) for known in scope.table.edge_servers):
        told.append(f"server: {server[:60]}")
    return ", ".join(told) or None


RULES: Mapping[str, Rule] = {
    "auth-guard": Rule(
        promise="status 401 without a token",
        requests=_get(lambda table: table.protected_paths),
        problems=_each(_guard),
        remedy="Check that the guard is registered and JWT_SECRET is set; close it at once.",
    ),
    "docs-hidden": Rule(
        promise="status 404, 403 or a redirect elsewhere",
        requests=_get(lambda table: table.docs_paths),
        problems=_each(_docs),
        remedy="Set DOCS_ENABLED=0 and restart.",
        needs_presence=True,
    ),
    "dev-portal-absent": Rule(
        promise="status 404: not loaded",
        requests=_get(lambda table: table.dev_portal_paths),
        problems=_each(_dev_portal),
        remedy="Set DEVPORTAL_ENABLED=0 and restart.",
        needs_presence=True,
    ),
    "metrics-hidden": Rule(
        promise="no metrics for the public",
        requests=_get(lambda table: table.metrics_paths),
        problems=_each(_metrics),
        remedy="Set METRICS_ENABLED=0 and restart, or guard the path.",
        needs_presence=True,
    ),
    "cors": Rule(
        promise="the allowed origin echoed, with Vary: Origin, and no other",
        requests=_cors_requests,
        problems=_cors,
        remedy="Set CORS_ORIGINS to the web front's address, without *, and restart.",
    ),
    "request-id": Rule(
        promise="a request id on every answer, long enough, never the same",
        requests=_header_requests,
        problems=_request_id,
        remedy="Let the edge of the API give each request an id, errors included.",
    ),
    "security-headers": Rule(
        promise="nosniff, framing forbidden, and HSTS on https",
        requests=_get(lambda table: table.header_paths),
        problems=_each(_security),
        remedy="Register the middleware (helmet) before the routes.",
    ),
    "stack-traces-absent": Rule(
        promise="errors without stack traces",
        requests=_error_requests,
        problems=_each(_traces),
        remedy="Set ERROR_INCLUDE_STACKS=0 and NODE_ENV=production, and restart.",
        needs_presence=True,
    ),
    "server-banner-absent": Rule(
        promise="no header that names the server's software",
        requests=_get(lambda table: table.header_paths),
        problems=_each(_banner),
        remedy="Disable X-Powered-By and Server; list a platform's edge in edge_servers.",
        needs_presence=True,
    ),
}
