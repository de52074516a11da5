"""The GitHub double's routes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal import repository
from pytest_chefrelease.rehearsal.doubles.github import edge, security
from pytest_chefrelease.rehearsal.doubles.github.documents import Documents
from pytest_chefrelease.rehearsal.doubles.github.state import Document, Entry, healthy
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import Site, changed
from pytest_chefrelease.rehearsal.world import World

if TYPE_CHECKING:
    from aiohttp import web

_REPOSITORY = "/repos/{owner}/{repo}"
_BRANCH = _REPOSITORY + "/branches/{branch}/protection"


def build(world: World) -> Site:
    """The double of the repository that the world names."""
    return GitHub(world)


class GitHub:
    """Answers of one repository, about refs from the real bare origin."""

    name = "github"

    def __init__(self, world: World) -> None:
        self._initial = healthy(world.release_commit)
        self._world = world
        self.slug = world.slug
        self.token = world.github_token
        self.state = self._initial

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of ``State``."""
        self.state = changed(self.state, fields)

    def reset(self) -> None:
        """All green again."""
        self.state = self._initial

    def application(self) -> web.Application:
        """Routes behind authentication, rate limits and conditional requests."""
        from aiohttp import web

        application = web.Application()
        edge.install(application, self)
        add = application.router.add_get
        add(_REPOSITORY, self._repository)
        add(_REPOSITORY + "/commits/{ref:.+}/check-runs", self._check_runs)
        add(_REPOSITORY + "/commits/{ref:.+}/status", self._combined)
        add(_REPOSITORY + "/commits/{ref:.+}/statuses", self._statuses)
        add(_BRANCH, self._protection)
        add(_BRANCH + "/required_status_checks", self._policy)
        add(_REPOSITORY + "/rules/branches/{branch}", self._rules)
        add(_REPOSITORY + "/git/ref/{ref:.+}", self._ref)
        add(_REPOSITORY + "/git/tags/{sha}", self._tag)
        add(_REPOSITORY + "/releases/tags/{tag:.+}", self._release)
        add(_REPOSITORY + "/secret-scanning/alerts", self._secret_alerts)
        add(_REPOSITORY + "/code-scanning/alerts", self._code_alerts)
        add(_REPOSITORY + "/dependabot/alerts", self._dependency_alerts)
        add("/rate_limit", self._rate_limit)
        return application

    def _documents(self) -> Documents:
        return Documents(self._world.urls[self.name], self.slug, self.state.main_branch)

    async def _repository(self, _: web.Request) -> web.Response:
        return edge.answer(self._documents().repository())

    async def _check_runs(self, request: web.Request) -> web.Response:
        sha = await self._commit(request)
        documents = self._documents()
        runs = [
            documents.check_run(run, number)
            for number, run in enumerate(self.state.check_runs)
            if run["sha"] == sha and _asked_for(run, request.query)
        ]
        if request.query.get("filter", "latest") == "latest":
            runs = _latest(runs)
        runs.reverse()
        page, links = edge.paged(request, documents.base, runs)
        return edge.answer({"total_count": len(runs), "check_runs": list(page)}, links)

    async def _combined(self, request: web.Request) -> web.Response:
        sha = await self._commit(request)
        documents = self._documents()
        newest = {entry["context"]: entry for entry in self._statuses_of(sha)}
        page, links = edge.paged(request, documents.base, list(newest.values()))
        shown = [documents.status(entry, number) for number, entry in enumerate(page)]
        state = _combined_state([str(entry["state"]) for entry in newest.values()])
        return edge.answer(documents.combined(sha, state, shown, len(newest)), links)

    async def _statuses(self, request: web.Request) -> web.Response:
        sha = await self._commit(request)
        documents = self._documents()
        newest_first = list(reversed(self._statuses_of(sha)))
        page, links = edge.paged(request, documents.base, newest_first)
        shown = [documents.status_with_creator(entry, n) for n, entry in enumerate(page)]
        return edge.answer(shown, links)

    def _statuses_of(self, sha: str) -> list[Entry]:
        """Statuses of a commit, oldest first."""
        found = [entry for entry in self.state.statuses if entry["sha"] == sha]
        return sorted(found, key=lambda entry: str(entry["created_at"]))

    async def _protection(self, request: web.Request) -> web.Response:
        return edge.answer(self._documents().branch_protection(self._required(request)))

    async def _policy(self, request: web.Request) -> web.Response:
        return edge.answer(self._documents().status_check_policy(self._required(request)))

    def _required(self, request: web.Request) -> Sequence[Entry]:
        """What the branch's protection requires: for administrators only, as on GitHub."""
        if self.state.role != "admin":
            raise edge.refused(403, "Resource not accessible by personal access token")
        is_protected = request.match_info["branch"] == self.state.main_branch
        if self.state.protection is None or not is_protected:
            raise edge.refused(404, "Branch not protected")
        return self.state.protection

    async def _rules(self, request: web.Request) -> web.Response:
        is_main = request.match_info["branch"] == self.state.main_branch
        return edge.answer(self._documents().rules(self.state.rules if is_main else []))

    async def _ref(self, request: web.Request) -> web.Response:
        name = f"refs/{request.match_info['ref']}"
        found = await self._git("for-each-ref", "--format=%(objecttype) %(objectname)", name)
        if not found or "\n" in found:
            raise edge.refused(404, "Not Found")
        kind, _, sha = found.partition(" ")
        return edge.answer(self._documents().ref(name, kind, sha))

    async def _tag(self, request: web.Request) -> web.Response:
        names = {
            "object": "*objectname", "type": "*objecttype", "tag": "tag", "name": "taggername",
            "email": "taggeremail:trim", "date": "taggerdate:iso-strict",
            "message": "contents:subject",
        }  # fmt: skip
        fields = "%00".join(f"%({field})" for field in names.values())
        sha = request.match_info["sha"]
        lines = await self._git("for-each-ref", f"--format=%(objectname) {fields}", "refs/tags")
        for line in lines.splitlines():
            identity, _, values = line.partition(" ")
            if identity == sha and values.split("\0")[0]:
                given = dict(zip(names, values.split("\0"), strict=True))
                return edge.answer(self._documents().tag(sha, given))
        raise edge.refused(404, "Not Found")

    async def _release(self, request: web.Request) -> web.Response:
        for entry in self.state.releases:
            if entry["tag"] == request.match_info["tag"]:
                return edge.answer(security.release(self._documents(), entry))
        raise edge.refused(404, "Not Found")

    async def _secret_alerts(self, request: web.Request) -> web.Response:
        return self._alerts(request, "secret", 404, security.secret_alert)

    async def _code_alerts(self, request: web.Request) -> web.Response:
        return self._alerts(request, "code", 403, security.code_alert)

    async def _dependency_alerts(self, request: web.Request) -> web.Response:
        return self._alerts(request, "dependency", 403, security.dependency_alert)

    def _alerts(
        self,
        request: web.Request,
        kind: str,
        refusal: int,
        document: Callable[[Documents, Entry, int], Document],
    ) -> web.Response:
        """Alerts of one kind in the states and severities that are asked for, page by page."""
        if not self.state.has_security_features:
            raise edge.refused(refusal, "The feature is disabled for this repository.")
        documents = self._documents()
        asked = {name: request.query.get(name) for name in ("state", "severity")}
        shown = [
            document(documents, alert, number)
            for number, alert in enumerate(self.state.alerts, start=1)
            if alert["kind"] == kind
            and all(not text or alert[name] in text.split(",") for name, text in asked.items())
        ]
        page, links = edge.paged(request, documents.base, shown)
        return edge.answer(list(page), links)

    async def _rate_limit(self, _: web.Request) -> web.Response:
        rate = edge.rate(self.state)
        return edge.answer({"resources": {"core": rate, "search": rate}, "rate": rate})

    async def _commit(self, request: web.Request) -> str:
        """The commit that the request's ref stands for (a hash, a branch, a tag)."""
        ref = request.match_info["ref"]
        if re.fullmatch(r"[0-9a-f]{40}", ref):
            return ref
        name = ref.removeprefix("refs/")
        pattern = [f"refs/{name}", f"refs/heads/{name}", f"refs/tags/{name}"]
        form = "--format=%(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)"
        found = await self._git("for-each-ref", form, *pattern)
        if not found:
            raise edge.refused(422, f"No commit found for SHA: {ref}")
        return found.splitlines()[0]

    async def _git(self, *arguments: str) -> str:
        from pathlib import Path

        return await asyncio.to_thread(repository.git, Path(self._world.origin), *arguments)


def _asked_for(run: Entry, query: Mapping[str, str]) -> bool:
    """Whether a run is what check_name, status and app_id ask for."""
    asked = {"name": "check_name", "status": "status", "app": "app_id"}
    return all(query.get(name) in (None, str(run[field])) for field, name in asked.items())


def _latest(runs: Sequence[Document]) -> list[Document]:
    """The newest run of each name for each app and suite, as ``filter=latest`` gives them."""
    newest: dict[tuple[str, str, str], Document] = {}
    for run in sorted(runs, key=lambda run: str(run["started_at"])):
        newest[str(run["name"]), str(run["app"]), str(run["check_suite"])] = run
    return [run for run in runs if any(run is kept for kept in newest.values())]


def _combined_state(states: Sequence[str]) -> str:
    """GitHub's rule: any failure or error fails, none at all or any pending is pending."""
    if any(state in {"failure", "error"} for state in states):
        return "failure"
    return "success" if states and all(state == "success" for state in states) else "pending"
