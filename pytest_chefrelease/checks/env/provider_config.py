"""env.provider-config: render.yaml and fly.toml run the release as production must be run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.env.matrix import matrix
from pytest_chefrelease.checks.env.reading import named
from pytest_chefrelease.errors import Failed, Malformed, NotApplicable, Unverified
from pytest_chefrelease.probes.provider_files import Service, read_services
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.provider_config import Mistake, Wanted, mistakes
from pytest_chefrelease.settings.model import Settings

_READ_S = 20.0
_SHOWN = 3
_FILES = {"fly": ("fly.toml",), "render": ("render.yaml",), "docker": ()}


def _files(settings: Settings, _stage: Stage) -> Sequence[str]:
    """The files that count: those settings name, else the provider's, else both."""
    configured = settings.provider.files
    if configured is not None:
        return configured
    return _FILES.get(settings.provider.name or "", ("render.yaml", "fly.toml"))


@check(
    Item(
        id="env.provider-config",
        title="The provider's file runs the release as production must be run",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P3,
        section=Section.ENVIRONMENT,
        minimum=Minimum(counts={"services": 1}, of_release=True),
        remedy="Correct the file, and release it.",
        if_configured=True,
    ),
    each=_files,
)
async def env_provider_config(look: Context, file: str) -> Evidence:
    """Every file of that name, or at that path, in the release commit, against its schema.

    Health endpoint, region, release command, machines that sleep, instances where settings ask,
    the branch that deploys by itself, and the variables that the file gives values to.
    """
    commit = look.release.commit
    if commit is None:
        raise Unverified(look.release.problem or "the release commit is not known")
    try:
        services = await asyncio.to_thread(read_services, look.probes.git, commit, limit_s=_READ_S)
    except Malformed as error:
        raise Failed(error.seen, expected="a file that parses", where=error.where) from None
    here = tuple(s for s in services if s.path == file) or named(services, file)
    if not here:
        raise NotApplicable(f"{commit[:7]} holds no {file}")
    found = mistakes(here, await _wanted(look, commit))
    seen = _evidence(look, here, found, commit)
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise Failed(
            "; ".join(each.what for each in found[:_SHOWN]) + more,
            expected="a file that fits production",
            where=here[0].path,
            remedy=found[0].remedy,
            evidence=seen,
        )
    return seen


async def _wanted(look: Context, commit: str) -> Wanted:
    settings = look.settings
    directory = settings.migrations.directory.strip("/")
    files = await asyncio.to_thread(look.probes.git.files, commit, directory)
    return Wanted(
        main_branch=settings.release.main_branch,
        min_instances=settings.provider.min_instances,
        has_migrations=bool(files),
        variables=matrix(settings),
    )


def _evidence(
    look: Context, services: Sequence[Service], found: Sequence[Mistake], commit: str
) -> Evidence:
    rows = tuple(
        (
            each.label,
            each.kind,
            each.health_path or "",
            each.region or "",
            "" if each.instances is None else str(each.instances),
            each.release_command or "",
        )
        for each in services
    )
    columns = ("service", "kind", "health", "region", "instances", "release command")
    attachments = [Table("Services", columns, rows)]
    if found:
        listed = tuple((str(each.line or ""), each.what, each.remedy) for each in found)
        attachments.insert(0, Table("Mistakes", ("line", "what", "instead"), listed))
    paths = ", ".join(dict.fromkeys(service.path for service in services))
    return Evidence(
        summary=f"{len(services)} service{'s' * (len(services) != 1)} in {paths}, as production "
        "must be",
        source=paths,
        observed_at=look.now(),
        facts={"services": len(services), "mistakes": len(found)},
        commit=commit,
        attachments=tuple(attachments),
    )
