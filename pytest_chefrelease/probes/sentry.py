"""Sentry's API, as far as a release gate reads it.

Source: Sentry's API document: "List an Organization's Issues", "Retrieve Release Health Session
Statistics", "Retrieve an Organization's Release", "List a Project's Releases"; "Paginating
Results" for the Link header. Regions and self-hosted servers speak the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from pytest_chefrelease.errors import AccessDenied, Malformed, NotConfigured, RateLimited
from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.probes.vendor_answers import Moment, malformed, refuse

VENDOR = "Sentry"
SCOPES = "event:read, org:read and project:read"
_PER_PAGE = 100
_PAGES = 10
_NEXT = re.compile(r'<[^>]*>;[^,]*rel="next"[^,]*')
_CURSOR = re.compile(r'cursor="([^"]+)"')
_SESSIONS, _CRASH_FREE = "sum(session)", "crash_free_rate(session)"
_BODY_BYTES = 20_000_000
_MOMENT_DIGITS = 11

Document = TypeVar("Document")
Query = tuple[tuple[str, str], ...]


class Issue(msgspec.Struct, rename="camel"):
    """A group of events; ``count`` is a number as text."""

    id: str
    short_id: str
    title: str
    level: str
    status: str
    permalink: str = ""
    culprit: str | None = None
    count: str = ""
    user_count: int = 0
    first_seen: Moment | None = None
    last_seen: Moment | None = None


class Deploy(msgspec.Struct, rename="camel"):
    """When a release went to an environment, as somebody told Sentry."""

    environment: str
    date_finished: Moment


class _Project(msgspec.Struct):
    slug: str


class Release(msgspec.Struct, rename="camel"):
    """A release that Sentry knows, by events or because CI made it there."""

    version: str
    projects: list[_Project]
    date_created: Moment | None = None
    last_deploy: Deploy | None = None
    last_event: Moment | None = None

    def is_of(self, project: str) -> bool:
        """Whether it is one of the project's."""
        return any(each.slug == project for each in self.projects)


class _Group(msgspec.Struct):
    totals: dict[str, float | None]


class _Sessions(msgspec.Struct):
    groups: list[_Group]


class Issues(Struct, frozen=True):
    """What a query found; ``is_more`` where it found more than was read."""

    found: tuple[Issue, ...]
    is_more: bool = False


class Sessions(Struct, frozen=True):
    """How many sessions there were, and which share (0 to 1) of them did not crash."""

    total: int
    crash_free: float | None


@dataclass(frozen=True, slots=True)
class SentryApi:
    """A project at a Sentry, as whoever holds the token may see it."""

    http: HttpProbe
    api_url: str
    organization: str
    project: str
    token: str = field(repr=False)
    token_name: str

    @property
    def place(self) -> str:
        """``chefcloud/api at https://sentry.io``."""
        return f"{self.organization}/{self.project} at {self.api_url}"

    async def release(self, version: str) -> Release | None:
        """A release by its name; None where Sentry has none. Raises ProbeErrors."""
        answer = await self._get(f"{self._in_organization}/releases/{quote(version, safe='')}/", ())
        return None if answer.status == 404 else self._read(answer, Release)

    async def demand_project(self) -> None:
        """Raises NotConfigured where the token's holder sees no such project."""
        answer = await self._get(f"{self._in_project}/releases/", (("per_page", "1"),))
        _known(answer, f"project {self.project}")

    async def issues(self, query: str, environment: str) -> Issues:
        """The issues that a search finds, newest first. Raises ProbeErrors."""
        asked = (
            *(("project", self.project), ("environment", environment), ("query", query)),
            *(("sort", "new"), ("limit", str(_PER_PAGE)), ("statsPeriod", "14d")),
        )
        found: list[Issue] = []
        cursor: Query = ()
        for _ in range(_PAGES):
            answer = await self._get(f"{self._in_organization}/issues/", (*asked, *cursor))
            _known(answer, f"organization, project or environment {environment}")
            found += self._read(answer, list[Issue])
            following = _next_page(answer.headers)
            if following is None:
                return Issues(tuple(found))
            cursor = (("cursor", following),)
        return Issues(tuple(found), is_more=True)

    async def sessions(self, version: str, environment: str) -> Sessions:
        """The sessions of a release in the last 24 hours. Raises ProbeErrors."""
        asked = (
            *(("field", _SESSIONS), ("field", _CRASH_FREE), ("project", self.project)),
            *(("environment", environment), ("query", f'release:"{version}"')),
            *(("statsPeriod", "24h"), ("interval", "1h"), ("includeSeries", "0")),
        )
        answer = await self._get(f"{self._in_organization}/sessions/", asked)
        _known(answer, f"organization, project or environment {environment}")
        # Without a groupBy there is one group, or none where there is nothing to tell.
        groups = self._read(answer, _Sessions).groups
        totals = groups[0].totals if groups else {}
        count = totals.get(_SESSIONS) or 0
        if not isfinite(count):
            raise Malformed(f"{VENDOR} tells no number of sessions", where=answer.url)
        return Sessions(int(count), totals.get(_CRASH_FREE))

    async def releases(self, environment: str) -> list[Release]:
        """The project's newest releases in an environment. Raises ProbeErrors."""
        asked = (("environment", environment), ("per_page", "20"))
        answer = await self._get(f"{self._in_project}/releases/", asked)
        _known(answer, f"project {self.project} or environment {environment}")
        return self._read(answer, list[Release])

    @property
    def _in_organization(self) -> str:
        return f"/organizations/{quote(self.organization, safe='')}"

    @property
    def _in_project(self) -> str:
        return f"/projects/{quote(self.organization, safe='')}/{quote(self.project, safe='')}"

    async def _get(self, path: str, query: Query) -> Answer:
        """The answer to a GET: a success or a 404. Raises ProbeErrors."""
        target = f"{self.api_url}/api/0{path}" + (f"?{urlencode(query)}" if query else "")
        answer = await self.http.request(
            "GET",
            target,
            headers={"authorization": f"Bearer {self.token}", "accept": "application/json"},
            max_body_bytes=_BODY_BYTES,
        )
        _refuse(answer, self.token_name)
        return answer

    def _read(self, answer: Answer, kind: type[Document]) -> Document:
        try:
            return msgspec.convert(answer.json(), kind, strict=False)
        except msgspec.ValidationError as error:
            raise malformed(answer, VENDOR, error) from None


def _refuse(answer: Answer, token_name: str) -> None:
    """What Sentry means by a refusal: each of its own kind, with what to do."""
    if answer.status == 401:
        raise AccessDenied(
            f"{VENDOR} answers 401: the token in {token_name} is not known there, or has expired",
            where=answer.url,
            remedy=f"Make a token with {SCOPES}, and export it as {token_name}.",
        )
    if answer.status == 403:
        raise AccessDenied(
            f"{VENDOR} answers 403: the token in {token_name} may not read this",
            where=answer.url,
            remedy=f"Give it {SCOPES}, in the organization and the project's team.",
        )
    if answer.status == 429:
        raise RateLimited(
            f"{VENDOR} was asked too often",
            where=answer.url,
            remedy=f"{_until(answer.headers)}, or raise sentry.every.",
        )
    refuse(answer, VENDOR, token_name)


def _until(headers: Mapping[str, str]) -> str:
    """When Sentry may be asked again, by the headers it documents under "Rate Limits"."""
    wait = headers.get("retry-after", "")
    if wait.isdigit():
        return f"Run again in {wait} s"
    reset = headers.get("x-sentry-rate-limit-reset", "")
    if reset.isascii() and reset.isdigit() and len(reset) <= _MOMENT_DIGITS:
        at = datetime.fromtimestamp(int(reset)).astimezone().isoformat(timespec="seconds")
        return f"Run again after {at}"
    return "Run again later"


def _known(answer: Answer, what: str) -> None:
    if answer.status == 404:
        raise NotConfigured(
            f"{VENDOR} shows the token no such {what}",
            where=answer.url,
            remedy="Correct [sentry] in release.toml (organization, project, environment).",
        )


def _next_page(headers: Mapping[str, str]) -> str | None:
    """The cursor of the next page; Sentry names one also where that page is empty."""
    link = _NEXT.search(headers.get("link", ""))
    if link is None or 'results="true"' not in link.group():
        return None
    cursor = _CURSOR.search(link.group())
    return cursor.group(1) if cursor else None
