"""The release's work tree, its remote, and GitHub."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from pytest_chefrelease.doctor.looks.around import Around
from pytest_chefrelease.doctor.looks.clock import clock_of
from pytest_chefrelease.doctor.source import Source
from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.git import GitProbe, identify_release
from pytest_chefrelease.probes.github import repository_of
from pytest_chefrelease.probes.github_refusals import refusal
from pytest_chefrelease.probes.http_answer import Answer


async def repository(_source: Source, around: Around) -> str:
    """The work tree with its commit and version, whole."""
    return await asyncio.to_thread(_repository, around)


def _repository(around: Around) -> str:
    git = GitProbe(around.repository)
    head = git.head()
    if git.is_shallow():
        raise NotConfigured(
            "the clone is shallow: tags and history are missing",
            remedy="git fetch --unshallow --tags (GitHub Actions: fetch-depth: 0).",
        )
    version = identify_release(around.settings, around.repository).version
    return f"commit {head[:12]}, {version or 'no version: HEAD carries no tag'}"


async def remote(source: Source, around: Around) -> str:
    """The remote, reachable without asking anybody."""
    git, name = GitProbe(around.repository), str(source.place)
    refs = await asyncio.to_thread(git.remote_refs, name, "refs/heads/*")
    branch = around.settings.release.main_branch
    if f"refs/heads/{branch}" not in refs:
        raise NotConfigured(
            f"it has no branch {branch}", remedy="Correct release.main_branch in release.toml."
        )
    return f"{await asyncio.to_thread(git.remote_url, name)} has {branch}"


async def github(source: Source, around: Around) -> str:
    """The token: accepted, its scopes and expiry, and what it may read."""
    settings = around.settings
    token = around.variable(settings.ci.token_env, source.remedy)
    slug = settings.ci.repository or await _slug(around)
    owner, _, name = slug.partition("/")
    base = f"{settings.ci.api_url}/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
    branch = quote(settings.release.main_branch, safe="")
    known = await _get(around, base, token, slug)
    await _get(around, f"{base}/commits/{branch}/check-runs?per_page=1", token, slug)
    await _get(around, f"{base}/commits/{branch}/status?per_page=1", token, slug)
    return ", ".join(filter(None, [f"{slug} is readable", *_told(known), clock_of(known)]))


async def _slug(around: Around) -> str:
    remote_name = around.settings.release.remote
    url = await asyncio.to_thread(GitProbe(around.repository).remote_url, remote_name)
    return repository_of(url, around.settings.ci.api_url)


async def _get(around: Around, url: str, token: str, slug: str) -> Answer:
    headers = {
        "accept": "application/vnd.github+json",
        "authorization": f"Bearer {token}",
        "x-github-api-version": "2022-11-28",
    }
    answer = await around.probes.http.get(url, headers=headers)
    if answer.status != 200:
        raise refusal(answer, slug, around.settings.ci.token_env).error
    return answer


def _told(answer: Answer) -> list[str]:
    """What GitHub says of the token. Source: GitHub's "Authenticating to the REST API"."""
    scopes = answer.headers.get("x-oauth-scopes", "").strip()
    expiry = answer.headers.get("github-authentication-token-expiration", "").strip()
    return [
        f"scopes {scopes}" if scopes else "",
        f"the token expires {expiry[:30]}" if expiry else "",
    ]
