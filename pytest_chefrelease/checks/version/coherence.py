"""version.coherence: tag, manifests, and what every environment runs are one release."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from pytest_chefrelease.checks.after_rollback import left_behind
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.version.deployments import ask_vendors
from pytest_chefrelease.checks.version.environments import (
    NOT_CONFIGURED,
    Told,
    ask_environment,
)
from pytest_chefrelease.checks.version.history import release_commit
from pytest_chefrelease.errors import ProbeError, Unverified
from pytest_chefrelease.probes.manifests import manifest_versions
from pytest_chefrelease.probes.prisma import read_release_migrations
from pytest_chefrelease.runbook.coherence import Cell, compare_sets, differing, rows, witnesses
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_SHOWN = 3
_RELEASE = "release"


class _Release(Struct, frozen=True):
    """What everything is compared with: name, bare version, and migrations.

    ``left_behind`` are migrations of a rolled-back release, which stay in the databases.
    """

    name: str
    version: str | None
    migrations: tuple[str, ...] | None
    left_behind: frozenset[str] = frozenset()


@check(
    Item(
        id="version.coherence",
        title="Tag, manifests and environments are one release",
        stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
        severity=Severity.P2,
        section=Section.BEYOND,
        minimum=Minimum(counts={"witnesses": 2}, facts=("tag",), of_release=True),
        remedy="Find out which of the two is right, and bring the other one to it.",
        timeout_s=60,
    )
)
async def version_coherence(look: Context) -> Evidence:
    """All witnesses in one table; the one that differs is shown with what it differs from.

    Before the deployment staging has to be the release, after it production. The environment
    that need not be has to agree with itself: API and web front of one version.
    """
    commit = release_commit(look)
    release, cells = await asyncio.to_thread(_in_repository, look, commit)
    others = [name for name in look.settings.environments if name != _target(look)]
    names = [_target(look), *(name for name in others if name == "staging")]
    vendors, told = await asyncio.gather(
        ask_vendors(look, names, release.name),
        asyncio.gather(*(ask_environment(look, name) for name in names)),
    )
    for name, one in zip(names, told, strict=True):
        cells += _of_environment(look, release, name, one)
    cells += vendors
    seen = _evidence(look, release, cells, [_RELEASE, *reversed(names)], commit)
    wrong = differing(cells)
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise Unverified(
            "; ".join(cell.sentence for cell in wrong[:_SHOWN]) + more,
            expected=f"one release, {release.name}",
            remedy=version_coherence.item.remedy,
            evidence=seen,
        )
    _demand_witness(cells, seen)
    return seen


def _demand_witness(cells: Sequence[Cell], seen: Evidence) -> None:
    """Raise Unverified where environments were asked and none told: the repository agrees alone."""
    asked = [cell for cell in cells if cell.column != _RELEASE and cell.missing != NOT_CONFIGURED]
    if asked and not any(cell.said for cell in asked):
        raise Unverified(
            "nothing that runs says which release it is: "
            + ", ".join(
                f"{cell.witness} of {cell.column} {cell.missing}" for cell in asked[:_SHOWN]
            )
            + (f", and {len(asked) - _SHOWN} more" if len(asked) > _SHOWN else ""),
            expected="at least one witness beside the repository",
            remedy="Make the environments' addresses, databases or providers readable from here.",
            evidence=seen,
        )


def _target(look: Context) -> str:
    return look.settings.release.environment


def _in_repository(look: Context, commit: str) -> tuple[_Release, list[Cell]]:
    """The release itself: its tag, its manifests, its migrations. Blocks."""
    table, git = look.settings.release, look.probes.git
    version = look.release.version
    bare = _bare(version, table.tag_prefix) if version else None
    cells = [Cell("tag", _RELEASE, version or "", "no tag")]
    for path, said in manifest_versions(git, commit, table.manifests).items():
        is_other = bare is not None and said is not None and _bare(said, "") != bare
        differs_from = f"the tag is {version}" if is_other else None
        cells.append(Cell(path, _RELEASE, said or "", "no version", differs_from))
    try:
        directory = look.settings.migrations.directory
        held = read_release_migrations(git, commit, directory)
        migrations = tuple(script.name for script in held.scripts)
        cells.append(Cell("migrations", _RELEASE, _counted(migrations)))
    except ProbeError:
        migrations = None  # a product without a database, or another tool
    name = " at ".join(filter(None, (version, commit[:7])))
    return _Release(name, bare, migrations, left_behind(look)), cells


def _of_environment(look: Context, release: _Release, name: str, told: Told) -> list[Cell]:
    must_be_release = name == ("staging" if look.stage is Stage.PRERELEASE else _target(look))
    prefix = look.settings.release.tag_prefix
    cells = []
    for witness, part in (("API", told.api), ("web front", told.web)):
        differs_from = None
        if must_be_release:
            if part.contradicts(look.release, prefix):
                differs_from = f"the release is {release.name}"
        elif witness == "web front" and told.api.version and part.version:
            mine, theirs = (_bare(v, prefix) for v in (part.version, told.api.version))
            if mine != theirs:
                differs_from = f"its API is {told.api.said}"
        cells.append(Cell(witness, name, part.said, part.missing, differs_from))
    applied = told.migrations
    if applied is None:
        cells.append(Cell("migrations", name, "", told.no_migrations))
        return cells
    applied = tuple(each for each in applied if each not in release.left_behind)
    difference = compare_sets(release.migrations or (), applied)
    is_wrong = must_be_release and release.migrations is not None and difference is not None
    said = _counted(applied) + (f" ({difference})" if difference and release.migrations else "")
    differs_from = f"the release holds {_counted(release.migrations or ())}" if is_wrong else None
    cells.append(Cell("migrations", name, said, "", differs_from))
    return cells


def _evidence(
    look: Context, release: _Release, cells: Sequence[Cell], columns: Sequence[str], commit: str
) -> Evidence:
    missing = [f"{cell.witness} of {cell.column}" for cell in cells if not cell.said]
    without = f"; without {', '.join(missing)}" if missing else ""
    count = witnesses(cells)
    table = Table("One release", ("witness", *columns), rows(cells, columns))
    return Evidence(
        summary=f"{count} witnesses agree on {release.name}{without}",
        source="repository, " + ", ".join(columns[1:]),
        observed_at=look.now(),
        facts={
            "witnesses": count,
            "differing": len(differing(cells)),
            "missing": ", ".join(missing),
            "tag": look.release.version,
        },
        commit=commit,
        attachments=(table,),
    )


def _counted(migrations: Sequence[str]) -> str:
    newest = f", newest {max(migrations)}" if migrations else ""
    return f"{len(migrations)}{newest}"


def _bare(version: str, prefix: str) -> str:
    return version.strip().removeprefix(prefix).removeprefix("v")
