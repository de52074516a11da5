"""What vendors say of the release: the provider's deploy and images, Sentry's releases.

A vendor that is not configured, or has nothing to tell, is a missing witness and shown as such.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from pytest_chefrelease.checks import identity
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.identity import Clue
from pytest_chefrelease.checks.provider_access import applications, provider_of
from pytest_chefrelease.checks.sentry_access import environment_name, release_names, sentry_of
from pytest_chefrelease.checks.version.environments import why
from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.providers.provider import Deployed, State
from pytest_chefrelease.probes.sentry import Release as SentryRelease
from pytest_chefrelease.runbook.coherence import Cell
from pytest_chefrelease.runbook.item import Stage

_TITLES = {"api": "API", "web": "web front"}


async def ask_vendors(look: Context, environments: Sequence[str], release: str) -> list[Cell]:
    """The rows that vendors fill: none of a vendor that settings do not name.

    ``release`` names the release for people; the deploys of the environment that has to be the
    release are compared with it. Never raises a ProbeError.
    """
    provider, sentry = await asyncio.gather(
        _provider(look, release), _sentry(look, environments, release)
    )
    return [*provider, *sentry]


async def _provider(look: Context, release: str) -> list[Cell]:
    apps = applications(look)
    rows = await asyncio.gather(*(_application(look, apps, part, release) for part in apps))
    return [cell for row in rows for cell in row]


async def _application(
    look: Context, apps: Mapping[str, str], part: str, release: str
) -> list[Cell]:
    """An application's newest deploy, and the images that its instances run."""
    column = look.settings.release.environment
    deploy, image = f"deploy of {_TITLES[part]}", f"image of {_TITLES[part]}"
    try:
        provider = provider_of(look)
        if provider is None:
            return []
        deployed = await provider.deployed(apps[part])
    except ProbeError as error:
        return [Cell(deploy, column, "", why(error)), Cell(image, column, "", why(error))]
    # Before the deployment production runs what was there before: nothing to differ from.
    expected = release if look.stage is not Stage.PRERELEASE else None
    said = [
        _cell(look, deploy, deployed.marks, expected, "keeps no deploys"),
        _cell(look, image, _marks_of_images(deployed), expected, "tells no version"),
    ]
    return [cell for cell in said if cell.said or cell.witness == image]


def _marks_of_images(deployed: Deployed) -> Mapping[str, str]:
    """What the running instances' images tell; instances may differ from each other."""
    found: dict[str, str] = {}
    for instance in deployed.instances:
        if instance.state in (State.RUNNING, State.CHANGING):
            found |= {f"{instance.name} {place}": mark for place, mark in instance.marks.items()}
    return found


def _cell(
    look: Context, witness: str, marks: Mapping[str, str], expected: str | None, missing: str
) -> Cell:
    clues = [Clue(place, value) for place, value in marks.items()]
    values = dict.fromkeys(c.value[:12] if c.is_commit else c.value for c in clues)
    prefix = look.settings.release.tag_prefix
    is_other = any(identity.same(clue, look.release, prefix) is False for clue in clues)
    differs_from = f"the release is {expected}" if expected and is_other else None
    column = look.settings.release.environment
    return Cell(witness, column, ", ".join(values), "" if values else missing, differs_from)


async def _sentry(look: Context, environments: Sequence[str], release: str) -> list[Cell]:
    """The release that Sentry was last told of, by environment."""
    try:
        api = sentry_of(look)
        if api is None:
            return []
        names = release_names(look)
        told = {environment_name(look, name): name for name in environments}
        newest = await asyncio.gather(*(api.releases(name) for name in told))
    except ProbeError as error:
        target = look.settings.release.environment
        return [Cell("Sentry release", target, "", why(error))]
    return [
        _newest(look, column, sentry_name, list(found), names, release)
        for (sentry_name, column), found in zip(told.items(), newest, strict=True)
    ]


def _newest(
    look: Context,
    column: str,
    sentry_name: str,
    found: list[SentryRelease],
    names: Sequence[str],
    release: str,
) -> Cell:
    """The release of the newest deploy that Sentry was told of; events alone prove no order."""
    deploys = [
        (each.last_deploy.date_finished, each.version)
        for each in found
        if each.last_deploy is not None and each.last_deploy.environment == sentry_name
    ]
    if not deploys:
        return Cell("Sentry release", column, "", "no deploy was told")
    _, version = max(deploys)
    target = look.settings.release.environment
    has_to_be = "staging" if look.stage is Stage.PRERELEASE else target
    is_other = column == has_to_be and version not in names
    return Cell(
        "Sentry release", column, version, "", f"the release is {release}" if is_other else None
    )
