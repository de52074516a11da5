"""GitHub as settings name it."""

from __future__ import annotations

import asyncio

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.probes.github import GitHubProbe, repository_of


async def github_probe(look: Context) -> GitHubProbe:
    """GitHub as settings name it. Raises NotConfigured without a token or a repository."""
    ci = look.settings.ci
    token = look.variable(ci.token_env, "a GitHub token that may read checks (ci.token_env)")
    repository = ci.repository
    if repository is None:
        remote = await asyncio.to_thread(look.probes.git.remote_url, look.settings.release.remote)
        repository = repository_of(remote, ci.api_url)
    return look.probes.github(repository, token)
