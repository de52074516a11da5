"""Where production's and staging's variables are read: where secrets are, and in provider files.

The values are wrapped: somebody may have put a secret under a harmless name.
"""

from __future__ import annotations

import asyncio

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.secrets.stored import store_at
from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.provider_files import Service, read_services
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.runbook.secret import Secret

WEB_PREFIX = "NEXT_PUBLIC_"
_READ_S = 20.0


def source_of(look: Context) -> str:
    """Where production's variables are read."""
    return look.settings.environment_matrix.source or look.settings.secrets.source


def is_source_configured(look: Context) -> bool:
    """Whether somebody said where production's variables are, or it is just the default."""
    settings = look.settings
    return settings.environment_matrix.source is not None or (
        "source" in settings.secrets.model_fields_set
    )


async def production_variable(look: Context, name: str) -> Stored | None:
    """A variable as production has it; None where it has none of that name.

    From the provider's own files too, where its store gives no values (Fly.io) or does not
    hold what the files set. Raises ProbeErrors.
    """
    source = _with_web_app(look, source_of(look), name)
    found = await store_at(look, source).find(name)
    if found is not None and found.value is not None:
        return found
    second = look.settings.secrets.values
    if found is not None and second is not None:
        return await store_at(look, second).find(name) or found
    if source.startswith(("fly", "render")):
        return await _from_files(look, source, name) or found
    return found


async def staging_variable(look: Context, name: str) -> Stored | None:
    """A variable as staging has it; None where it cannot be read."""
    source = look.settings.environment_matrix.staging_source
    try:
        return await store_at(look, source or look.settings.secrets.staging_source).find(name)
    except ProbeError:
        return None  # the table of differences then has a gap


def _with_web_app(look: Context, source: str, name: str) -> str:
    """The web front is an application of its own at the provider, and its variables are there."""
    web = look.settings.provider.web_app
    is_bare = source in ("fly", "render")
    return f"{source}:{web}" if is_bare and web and name.startswith(WEB_PREFIX) else source


async def _from_files(look: Context, source: str, name: str) -> Stored | None:
    """What fly.toml or render.yaml of the release sets for the application."""
    commit = look.release.commit
    provider, _, app = source.partition(":")
    app = app or look.settings.provider.app or ""
    if commit is None:
        return None
    services = await asyncio.to_thread(read_services, look.probes.git, commit, limit_s=_READ_S)
    for service in services:
        if service.provider == provider and service.name == app and name in service.variables:
            return Stored(name, f"{name} in {service.path}", Secret(service.variables[name]))
    return None


def named(services: tuple[Service, ...], name: str) -> tuple[Service, ...]:
    """The services of a file name (``fly.toml``), wherever the file stands."""
    return tuple(service for service in services if service.file == name)
