"""The rehearsal's release.toml with every source at one bad place, and checks run against it."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Never, get_args

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import Check, catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.errors import MissingExtra, NotApplicable, NotConfigured
from pytest_chefrelease.probes.browser import BrowserProbe
from pytest_chefrelease.probes.chromium import no_library
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.rehearsal import variables
from pytest_chefrelease.rehearsal.variables import Places, Secrets
from pytest_chefrelease.rehearsal.world import Build
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import PreflightRule, Settings
from tests.trust.badness import Badness, serving

SITES = (
    *("status", "github", "fly", "sentry", "alertmanager", "prometheus"),
    *("production-api", "production-web", "staging-api", "staging-web"),
)
_QUICK = {
    "http": {"timeout": "2s"},
    "deploy": {"settle": "1ms", "every": "100ms"},
    "latency": {"requests": 60, "rate": 100, "max_rate": 1000, "budget": 1, "calibration": 120},
}
TIMEOUT_S = 20.0
HURRIED_S = 6.0
_DEAR = ("latency.", "staging.command", "ci.command")
_ENOUGH = ("unreachable", "broken")
"""Items that start programs see these kinds of badness only."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What is on this machine: work tree, its release, backups, logs, variables."""

    repository: Path
    release: Release
    backups: Path
    logs: str
    environment: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one check, and what kept its function from looking, if anything did."""

    result: Result
    badness: str
    asked: int
    kept_from: str | None

    @property
    def item(self) -> str:
        return self.result.item.id


def toml_at(url: str, ground: Ground) -> str:
    """The rehearsal's release.toml, all of it at one address."""
    return variables.release_toml(
        Places(
            version="v1.5.0",
            repository=ground.repository,
            slug="chefcloud/chefcloud",
            logs=ground.logs or f"file:{ground.backups / 'no.json'}",
            backups=ground.backups,
            locust=ground.backups / "no.json",
            latency_source="probe",
            urls=dict.fromkeys(SITES, url),
            rotated_on=(datetime.now(UTC) - timedelta(days=30)).date(),
        )
    )


def settings_at(url: str, ground: Ground) -> Settings:
    """Everything that can be configured is, all of it at one address."""
    tables = tomllib.loads(toml_at(url, ground))
    for name, table in _QUICK.items():
        tables[name] = tables.get(name, {}) | table
    return Settings.model_validate(tables)


def environment_at(port: int, url: str) -> dict[str, str]:
    """Good secrets, with a database and a Redis at a port."""
    made_up = Secrets()
    database = f"postgresql://app:{made_up.jwt[:24]}@127.0.0.1:{port}/chefcloud"
    staging = f"postgresql://app:{made_up.staging_jwt[:24]}@127.0.0.1:{port}/staging"
    build = Build("v1.5.0", "c0ffee5" + "0" * 33, "2026-11-20T10:00:00+00:00")
    return {
        **variables.environment(made_up, database, staging),
        **variables.matrix(url, url, build),
        "REDIS_URL": f"redis://:{made_up.redis}@127.0.0.1:{port}/0",
        "CHEFRELEASE_STAGING_LOGIN_USER": "smoke@chefcloud.example",
        "CHEFRELEASE_STAGING_LOGIN_PASSWORD": made_up.smoke_password,
    }


_DEPLOYED = Stage.POSTRELEASE


def _without_preview(settings: Settings) -> Settings:
    """Without a preview the maintenance page is not known by its text."""
    maintenance = settings.maintenance.model_copy(update={"preview": None})
    return settings.model_copy(update={"maintenance": maintenance})


class _NoBrowser(BrowserProbe):
    """What a machine without a Chromium has; a real one is given bad pages in tests/probes."""

    async def work(self, *_: object, **__: object) -> Never:
        raise no_library()


def _telling(parameters: tuple[str | None, ...]) -> tuple[str | None, ...]:
    """All rules; of endpoints, pages and variables, which are judged alike, some."""
    if len(parameters) <= len(get_args(PreflightRule)):
        return parameters
    return (*parameters[:2], *parameters[-1:])


async def _one_item(check: Check, badness: Badness, ground: Ground, http: HttpProbe) -> list[Seen]:
    async with serving(badness) as place:
        settings = settings_at(place.url, ground)
        probes = Probes(settings, ground.repository)
        probes._http = probes._fresh_http = http
        probes._browser = _NoBrowser()
        environment = ground.environment
        if environment is None:
            environment = environment_at(place.port, place.url)
        seen: list[Seen] = []
        try:
            for stage in check.item.stages:
                look = Context(
                    settings=_without_preview(settings) if stage is _DEPLOYED else settings,
                    release=ground.release,
                    stage=stage,
                    repository=ground.repository,
                    probes=probes,
                    once=Once(),
                    environment=environment,
                )
                for parameter in _telling(check.parameters_for(settings, stage)):
                    before = place.asked
                    kept: list[str] = []
                    limit_s = TIMEOUT_S if badness.manner == "whole" else HURRIED_S
                    task = Task(_observed(check, kept), parameter, limit_s)
                    result = await run(task, look)
                    why = kept[0] if kept else None
                    seen.append(Seen(result, badness.name, place.asked - before, why))
        finally:
            await probes.close()
        return seen


def _observed(check: Check, kept_from: list[str]) -> Check:
    """The same check, telling what kept its function from looking."""
    kept_from.append("never called")

    async def verify(look: Context, *parameter: str) -> Evidence:
        kept_from.clear()
        try:
            return await check.verify(look, *parameter)
        except (NotConfigured, MissingExtra, NotApplicable) as error:
            kept_from.append(f"{type(error).__name__}: {error.seen}")
            raise

    return Check(check.item, verify, check.parameters)


async def _whole(
    badnesses: Sequence[Badness], ground: Ground, checks: Iterable[Check]
) -> list[Seen]:
    http = HttpProbe(timeout_s=2, keeps_connections=False)
    limit = asyncio.Semaphore(16 if badnesses[0].manner == "whole" else 64)

    async def limited(check: Check, badness: Badness) -> list[Seen]:
        async with limit:
            return await _one_item(check, badness, ground, http)

    try:
        every = [
            limited(check, badness)
            for badness in badnesses
            for check in checks
            if not check.item.id.startswith(_DEAR) or badness.name in _ENOUGH
        ]
        return [seen for some in await asyncio.gather(*every) for seen in some]
    finally:
        await http.close()


def look_at(
    badnesses: Sequence[Badness],
    ground: Ground,
    checks: Iterable[Check] | None = None,
    name: str | None = None,
) -> list[Seen]:
    """Every check of every stage, against a server of its own of each badness.

    ``name`` is the ground's, where that is what is bad.
    """
    seen = asyncio.run(_whole(badnesses, ground, list(checks or catalogue().values())))
    return [replace(each, badness=name) for each in seen] if name else seen
