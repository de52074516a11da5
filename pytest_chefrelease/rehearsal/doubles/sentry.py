"""Sentry with ChefCloud's API project, as far as a release gate reads it.

Its answers hold what Sentry's document demands of them, and of the rest what a gate may read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from pytest_chefrelease.rehearsal.doubles import sentry_documents as documents
from pytest_chefrelease.rehearsal.doubles.double import Double, Token, json_answer
from pytest_chefrelease.rehearsal.doubles.sentry_documents import ORGANIZATION, PROJECT, Entry
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site
from pytest_chefrelease.rehearsal.world import Build, World

if TYPE_CHECKING:
    from aiohttp import web

_ENVIRONMENTS = ("production", "staging")
_TERM = re.compile(r'(\w+):(?:"((?:[^"\\]|\\.)*)"|(\S+))')


def issue(number: int, title: str, brought_by: str, **changes: str | int) -> Entry:
    """An unresolved issue that a release brought, with changes."""
    usual: Entry = {
        "number": number,
        "title": title,
        "level": "error",
        "status": "unresolved",
        "substatus": "new",
        "first_release": brought_by,
        "release": brought_by,
        "count": 3,
    }
    return usual | changes


def deployed(*builds: Build) -> dict[str, Json]:
    """The fields of ``State`` after builds were deployed to production, one after the other."""
    return {"deployed": [build.version for build in builds]}


class State(Struct, frozen=True):
    """What Sentry knows: releases, which were deployed to production, issues, sessions.

    The newest of ``deployed`` comes last; staging runs the last of ``releases``. ``sessions``
    and ``crashed`` count those of each release.
    """

    releases: list[str]
    deployed: list[str]
    issues: list[Entry] = field(default_factory=list)
    sessions: int = 1_840
    crashed: int = 2
    page_size: int = 100


def build(world: World) -> Site:
    """The double of the organization that ChefCloud reports to."""
    before = world.plants["production"].build.version
    there = world.plants.get("staging")
    named = [before, *([there.build.version] if there else [])]
    old = issue(7, "ReceiptPrinter: out of paper", before, substatus="ongoing", count=41)
    organization = "/api/0/organizations/{organization}"
    routes = {
        f"{organization}/releases/{{version}}/": _release,
        f"{organization}/issues/": _issues,
        f"{organization}/sessions/": _sessions,
        "/api/0/projects/{organization}/{project}/releases/": _releases,
    }
    initial = State(named, [before], [old])
    return Double("sentry", initial, routes, Token(world.sentry_token, "detail"))


def _release(state: State, request: web.Request) -> web.Response:
    _of_organization(request)
    version = request.match_info["version"]
    if version not in state.releases:
        raise _unknown()
    return json_answer(_described(state, version))


def _releases(state: State, request: web.Request) -> web.Response:
    _of_project(request)
    limit = int(request.query.get("per_page", "100"))
    newest = state.releases[::-1][:limit]
    if request.query.get("environment") == "production":
        newest = [version for version in newest if version in state.deployed]
    return json_answer([_described(state, version) for version in newest])


def _issues(state: State, request: web.Request) -> web.Response:
    _of_organization(request)
    _of_environment(request)
    found = [entry for entry in state.issues if _fits(entry, request.query["query"])]
    size = min(state.page_size, int(request.query.get("limit", "100")))
    start = int(request.query.get("cursor", "0:0:0").split(":")[1])
    page = [documents.issue(entry) for entry in found[start : start + size]]
    return json_answer(page, headers={"Link": _link(request, start, size, len(found))})


def _sessions(state: State, request: web.Request) -> web.Response:
    _of_organization(request)
    _of_environment(request)
    version = _terms(request.query.get("query", "")).get("release")
    is_known = version in state.releases and state.sessions > 0
    share = 1 - state.crashed / state.sessions if is_known else None
    totals = {
        "sum(session)": state.sessions if is_known else 0,
        "crash_free_rate(session)": share,
    }
    return json_answer(documents.sessions(totals, request.query.get("query", "")))


def _described(state: State, version: str) -> Json:
    number = state.releases.index(version)
    environment = "production" if version in state.deployed else "staging"
    brought = sum(entry["first_release"] == version for entry in state.issues)
    deploys = state.deployed
    last = max((n for n, each in enumerate(deploys) if each == version), default=-1)
    ago_s = 60.0 * (len(deploys) - last)
    return documents.release(number, version, environment, ago_s, brought)


def _fits(entry: Entry, query: str) -> bool:
    """Whether an issue is what a search asks for: is, release, firstRelease, regressed_in."""
    for key, value in _terms(query).items():
        is_so = {
            "is": value in (entry["status"], entry["substatus"]),
            "release": value == entry["release"],
            "firstRelease": value == entry["first_release"],
            "regressed_in_release": value == entry["release"] and entry["substatus"] == "regressed",
        }
        if not is_so[key]:
            return False
    return True


def _terms(query: str) -> dict[str, str]:
    return {key: quoted or bare for key, quoted, bare in _TERM.findall(query)}


def _of_organization(request: web.Request) -> None:
    if request.match_info["organization"] != ORGANIZATION:
        raise _unknown()


def _of_project(request: web.Request) -> None:
    _of_organization(request)
    if request.match_info["project"] != PROJECT:
        raise _unknown()


def _of_environment(request: web.Request) -> None:
    if request.query.get("environment", _ENVIRONMENTS[0]) not in _ENVIRONMENTS:
        raise _unknown()
    if request.query.get("project", PROJECT) != PROJECT:
        raise _unknown()


def _unknown() -> web.HTTPNotFound:
    from aiohttp import web

    text = '{"detail": "The requested resource does not exist"}'
    return web.HTTPNotFound(text=text, content_type="application/json")


def _link(request: web.Request, start: int, size: int, count: int) -> str:
    """The page before and the page after: Sentry names both always, and says which has results."""
    sides: Sequence[tuple[str, int, bool]] = (
        ("previous", max(0, start - size), start > 0),
        ("next", start + size, start + size < count),
    )
    address = request.url.with_query(None)
    return ", ".join(
        f'<{address}?cursor=0:{at}:0>; rel="{side}"; results="{str(has).lower()}"; '
        f'cursor="0:{at}:0"'
        for side, at, has in sides
    )
