"""routes.http: the document that a route answers with."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

from pytest_chefrelease.checks.closed import demand_open
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.routes.page import listed, paths
from pytest_chefrelease.checks.routes.page_faults import is_within
from pytest_chefrelease.errors import Failed, Malformed, NoAnswer, ProbeError, Unreachable
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.probes.page_reading import origin_of
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_MOST_NEAR = 8


@check(
    Item(
        id="routes.http",
        title="The route answers with a page",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P2,
        section=Section.ROUTES,
        minimum=Minimum(counts={"answers": 1}, facts=("http_status",)),
        remedy="Roll back, or hotfix within the hour; look at the web front's logs.",
    ),
    each=paths,
)
async def routes_http(look: Context, path: str) -> Evidence:
    """GET: 2xx or a redirect within the site, HTML, not the framework's error page."""
    url = look.web + path
    try:
        answer = await look.probes.http.get(url, follow=True)
    except (Unreachable, NoAnswer, Malformed) as error:
        raise Failed(error.seen, expected="a page", where=url, remedy=error.remedy) from None
    seen = _http_evidence(answer, url)
    demand_open(answer.status, answer.headers, url, seen)
    if answer.status == 404:
        near = await _near_routes(look, path)
        raise Failed(
            f"status 404; {near}",
            expected="a page",
            where=url,
            remedy="Correct routes.paths if the page lives elsewhere; else it is missing.",
            evidence=seen,
        )
    _demand_page(answer, url, look, seen)
    return seen


def _http_evidence(answer: Answer, url: str) -> Evidence:
    way = f" after {len(answer.visited)} redirects, at {answer.url}" if answer.visited else ""
    return Evidence(
        summary=f"status {answer.status} and HTML in {answer.elapsed_ms:.0f} ms{way}",
        source=f"GET {url}",
        observed_at=answer.observed_at,
        facts={
            "answers": 1,
            "http_status": answer.status,
            "address": answer.url,
            "redirects": listed(answer.visited),
            "content_type": answer.content_type,
            "elapsed_ms": round(answer.elapsed_ms, 1),
            "size_bytes": len(answer.body),
        },
    )


def _demand_page(answer: Answer, url: str, look: Context, seen: Evidence) -> None:
    if not 200 <= answer.status < 300:
        text = " ".join(page_text(answer.text()).split())[:120]
        raise Failed(
            f"status {answer.status}: {text or 'no body'}",
            expected="2xx, or a redirect within the site",
            where=url,
            evidence=seen,
        )
    login = look.settings.routes.login_path
    is_login = "://" in login and answer.url.startswith(login)
    if not is_within(answer.url, look.web) and not is_login:
        raise Failed(
            f"redirected to {origin_of(answer.url)}, out of the site",
            expected=f"a page of {origin_of(look.web)}",
            where=url,
            remedy="Where the login is at another site, set routes.login_path to its address.",
            evidence=seen,
        )
    if not answer.is_html:
        raise Failed(
            f"{answer.content_type or 'no content type'} instead of a page: {answer.excerpt(80)}",
            expected="HTML",
            where=url,
            evidence=seen,
        )
    text = page_text(answer.text()).casefold()
    for phrase in look.settings.routes.error_texts:
        if phrase.casefold() in text:
            raise Failed(
                f"status {answer.status}, but the page says “{phrase}”",
                expected="the page, not the framework's error page",
                where=url,
                evidence=seen,
            )


class _Text(HTMLParser):
    """Collects what a visitor would read; frameworks repeat their error pages in scripts."""

    _UNSEEN = frozenset(("script", "style", "template", "noscript"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._inside: str | None = None

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._UNSEEN and self._inside is None:
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            self.parts.append(data)


def page_text(html: str) -> str:
    """The text of a page without its scripts and styles."""
    reader = _Text()
    reader.feed(html)
    return " ".join(reader.parts)


async def _near_routes(look: Context, path: str) -> str:
    answering = []
    for near in near_paths(path, look.settings.routes.paths)[:_MOST_NEAR]:
        try:
            answer = await look.probes.http.get(look.web + near)
        except ProbeError:
            continue  # a hint only: what does not answer is not named
        if answer.status < 400:
            answering.append(near)
    return f"near it answer {', '.join(answering)}" if answering else "no near route answers"


def near_paths(path: str, configured: Sequence[str]) -> tuple[str, ...]:
    """Where a missing route may live: its other number, below other routes, then those."""
    name = path.rstrip("/")
    other_number = name[:-1] if name.endswith("s") else f"{name}s"
    others = [route.rstrip("/") for route in configured if route.rstrip("/") not in ("", name)]
    below = [f"{route}{name}" for route in ("/pos", *others) if route != "/login"]
    return tuple(dict.fromkeys((other_number, *below, *others, "/")))
