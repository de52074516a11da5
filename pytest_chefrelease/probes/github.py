"""GitHub's REST API, as far as a release gate reads it.

Speaks only what GitHub's published description of API version 2022-11-28 documents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

from pytest_chefrelease.errors import Malformed, NotConfigured
from pytest_chefrelease.probes.github_refusals import message_of, refusal
from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.runbook.ci_results import CheckResult, Required

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_NEXT_PAGE = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?', re.IGNORECASE)
_SAYS_NONE = re.compile("Branch not protected|Required status checks not enabled")
# "Secret scanning is disabled …", "Code scanning is not enabled …", "no analysis found",
# "Advanced Security must be enabled …", "Dependabot alerts are not available for archived …".
_SAYS_OFF = re.compile("(?i)disabled|not enabled|must be enabled|no analysis|not available")
_MAX_PAGES = 50
# A page of 100 check runs may carry their whole summaries.
_MAX_PAGE_BYTES = 32_000_000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _App:
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class _CheckRun:
    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    started_at: datetime | None
    completed_at: datetime | None
    html_url: str | None
    app: _App | None


@dataclass(frozen=True, slots=True)
class _CheckRuns:
    check_runs: list[_CheckRun]


@dataclass(frozen=True, slots=True)
class _Status:
    id: int
    context: str
    state: str
    target_url: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class _Demand:
    context: str
    app_id: int | None = None
    integration_id: int | None = None

    @property
    def required(self) -> Required:
        # GitHub says -1 for "any application".
        app = self.app_id if self.app_id is not None else self.integration_id
        return Required(self.context, None if app == -1 else app)


@dataclass(frozen=True, slots=True)
class _Policy:
    checks: list[_Demand]


@dataclass(frozen=True, slots=True)
class _Protection:
    required_status_checks: _Policy | None = None


@dataclass(frozen=True, slots=True)
class _Branch:
    protection: _Protection


@dataclass(frozen=True, slots=True)
class _RuleParameters:
    required_status_checks: list[_Demand] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Rule:
    type: str
    parameters: _RuleParameters | None = None


@dataclass(frozen=True, slots=True)
class BranchDemands:
    """The checks that a branch requires, and what of it this token could not read."""

    required: tuple[Required, ...]
    unreadable: tuple[str, ...]


@dataclass(slots=True)
class GitHubProbe:
    """One repository on github.com or an Enterprise server.

    ``api_url`` is ``https://api.github.com`` or ``https://HOST/api/v3``; ``token_name`` is
    the variable that the token came from, for messages. All methods raise ProbeErrors:
    AccessDenied, RateLimited with the time to wait, Unreachable, NoAnswer, Malformed.
    """

    http: HttpProbe
    api_url: str
    repository: str
    token: str = field(repr=False)
    token_name: str = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
    _known: dict[str, tuple[str, Answer]] = field(default_factory=dict, repr=False)

    async def results(self, commit: str, names: Sequence[str] = ()) -> list[CheckResult]:
        """Check runs (the latest of each application) and statuses of a commit; all, or some.

        Raises NotConfigured where GitHub does not know the commit.
        """
        runs = [
            _from_run(run)
            async for page in self._pages(f"commits/{commit}/check-runs?filter=latest&per_page=100")
            for run in self._read(page, _CheckRuns).check_runs
            if run.head_sha == commit
        ]
        statuses = [
            _from_status(status)
            async for page in self._pages(f"commits/{commit}/statuses?per_page=100")
            for status in self._read(page, list[_Status])
        ]
        return [result for result in runs + statuses if not names or result.name in names]

    async def branch_demands(self, branch: str) -> BranchDemands:
        """What branch protection and rulesets require of a branch.

        Raises NotConfigured where there is no such branch. What this token may not read is
        named in ``unreadable``: protection is for administrators in the first place.
        """
        protection = await self._protection(quote(branch, safe=""))
        rules = await self._rules(quote(branch, safe=""))
        unreadable = []
        if protection is None:
            unreadable.append("branch protection (needs administration: read)")
        if rules is None:
            unreadable.append("rulesets (needs metadata: read)")
        required = [demand.required for demand in (protection or []) + (rules or [])]
        return BranchDemands(tuple(dict.fromkeys(required)), tuple(unreadable))

    async def document(self, path: str, form: type[T]) -> T | None:
        """One document below the repository, in its form; None where GitHub has none (404)."""
        answer = await self._ask(path)
        if answer.status == 404:
            return None
        self._demand_readable(answer)
        return self._read(answer, form)

    async def entries(self, path: str, form: type[T]) -> list[T] | None:
        """The entries of all pages of a list; None where GitHub says that there is no such list.

        Raises AccessDenied where this token may not see it (403, 404), and other ProbeErrors.
        """
        first = await self._ask(path)
        if first.status in (403, 404) and _SAYS_OFF.search(message_of(first)):
            return None
        self._demand_readable(first)
        found: list[T] = []
        async for page in self._pages_from(first):
            found += self._read(page, list[form])  # type: ignore[valid-type]
        return found

    async def _protection(self, branch: str) -> list[_Demand] | None:
        """What branch protection requires, or None where the token may not see it."""
        policy = await self._ask(f"branches/{branch}/protection/required_status_checks")
        if policy.status == 200:
            return self._read(policy, _Policy).checks
        if policy.status == 404 and "Branch not found" in policy.text():
            raise NotConfigured(
                f"{self.repository} has no branch {branch} at GitHub",
                where=policy.url,
                remedy="Correct release.main_branch.",
            )
        if policy.status == 404 and _SAYS_NONE.search(policy.text()):
            return []
        if policy.status not in (403, 404):
            self._demand_readable(policy)
        return await self._protection_for_readers(branch)

    async def _protection_for_readers(self, branch: str) -> list[_Demand] | None:
        """The same from the branch itself, which shows it to who may only read."""
        answer = await self._ask(f"branches/{branch}")
        if answer.status != 200:
            return None
        policy = self._read(answer, _Branch).protection.required_status_checks
        return None if policy is None else policy.checks

    async def _rules(self, branch: str) -> list[_Demand] | None:
        """What rulesets require, or None where the token may not see them."""
        first = await self._ask(f"rules/branches/{branch}?per_page=100")
        if first.status in (403, 404):
            return None
        return [
            demand
            async for page in self._pages_from(first)
            for rule in self._read(page, list[_Rule])
            if rule.type == "required_status_checks" and rule.parameters is not None
            for demand in rule.parameters.required_status_checks
        ]

    async def _pages(self, path: str) -> AsyncIterator[Answer]:
        async for page in self._pages_from(await self._ask(path)):
            yield page

    async def _pages_from(self, answer: Answer) -> AsyncIterator[Answer]:
        """This answer and the pages that its Link header leads to."""
        for _ in range(_MAX_PAGES):
            self._demand_readable(answer)
            yield answer
            following = _NEXT_PAGE.search(answer.headers.get("link", ""))
            if following is None:
                return
            answer = await self._fetch(following.group(1))
        raise Malformed(f"over {_MAX_PAGES} pages of 100 entries", where=answer.url)

    async def _ask(self, path: str) -> Answer:
        owner, _, name = self.repository.partition("/")
        return await self._fetch(
            f"{self.api_url}/repos/{quote(owner, safe='')}/{quote(name, safe='')}/{path}"
        )

    async def _fetch(self, url: str) -> Answer:
        """One answer, not modified ones from memory: those do not count for the rate limit."""
        if urlsplit(url)[:2] != urlsplit(self.api_url)[:2]:
            # The token goes to the configured API and nowhere else.
            raise Malformed(f"GitHub's next page is at another host: {url[:200]}")
        headers = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {self.token}",
            "x-github-api-version": "2022-11-28",
        }
        etag, known = self._known.get(url, ("", None))
        if known is not None:
            headers["if-none-match"] = etag
        answer = await self.http.request(
            "GET", url, headers=headers, follow=True, max_body_bytes=_MAX_PAGE_BYTES
        )
        if answer.status == 304 and known is not None:
            return known
        if answer.status == 200 and "etag" in answer.headers:
            self._known[url] = (answer.headers["etag"], answer)
        if answer.status in (401, 403, 404, 422, 429):
            # These may come for any path; what only says "not for you" is the caller's to judge.
            refused = refusal(answer, self.repository, self.token_name)
            if refused.is_general:
                raise refused.error
        return answer

    def _demand_readable(self, answer: Answer) -> None:
        if answer.status != 200:
            raise refusal(answer, self.repository, self.token_name).error

    def _read(self, answer: Answer, form: type[T]) -> T:
        """The answer in its documented form. Raises Malformed."""
        import msgspec

        try:
            return msgspec.convert(answer.json(), form)
        except msgspec.ValidationError as error:
            raise Malformed(
                f"GitHub's answer is not in its documented form ({error})",
                where=answer.url,
                remedy="Check ci.api_url.",
            ) from None


def repository_of(remote_url: str, api_url: str) -> str:
    """``owner/name`` from a remote's address, ssh or https. Raises NotConfigured."""
    scp = re.fullmatch(r"(?:[^@/\s]+@)?([^:/\s]{2,}):(?!//)(.+)", remote_url)
    host, path = scp.groups() if scp else (urlsplit(remote_url).hostname, urlsplit(remote_url).path)
    parts = path.strip("/").removesuffix(".git").split("/")
    api_host = urlsplit(api_url).hostname or ""
    is_there = host is not None and (
        host == api_host or api_host == f"api.{host.removeprefix('ssh.')}"
    )
    if not is_there or len(parts) != 2 or not all(parts):
        raise NotConfigured(
            "the remote's address does not say which GitHub repository this is",
            where=remote_url,
            remedy='Set repository = "owner/name" in [ci] of release.toml.',
        )
    return "/".join(parts)


def _from_run(run: _CheckRun) -> CheckResult:
    return CheckResult(
        name=run.name,
        state=run.status,
        conclusion=run.conclusion,
        started_at=run.started_at,
        completed_at=run.completed_at,
        app_id=run.app.id if run.app else None,
        app=run.app.name if run.app else "",
        link=run.html_url or "",
        number=run.id,
    )


def _from_status(status: _Status) -> CheckResult:
    is_pending = status.state == "pending"
    return CheckResult(
        name=status.context,
        state="pending" if is_pending else "completed",
        conclusion=None if is_pending else status.state,
        started_at=status.created_at,
        completed_at=None if is_pending else status.updated_at,
        app_id=None,
        app="commit status",
        link=status.target_url or "",
        number=status.id,
        is_status=True,
    )
