"""Rollback: there is a release to fall back to, and its code survives what is migrated now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from pytest_chefrelease.checks.after_rollback import (
    fix_retested,
    incident_documented,
    team_notified,
)
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.fallback import Fallback, demand_fallbacks, table, targets
from pytest_chefrelease.checks.version.history import Since, since_last
from pytest_chefrelease.errors import Failed, MissingExtra, NotApplicable, Unverified
from pytest_chefrelease.probes.breaking_changes import (
    BreakingChange,
    breaking_changes,
    new_scripts,
)
from pytest_chefrelease.runbook.commands import Deployment, rollback_commands
from pytest_chefrelease.runbook.evidence import Attachment, Evidence, Table, Text
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

__all__ = ["fix_retested", "incident_documented", "rollback_previous_release", "team_notified"]

_SHOWN = 3
_MOST_ROWS = 50


@check(
    Item(
        id="rollback.previous-release",
        title="The release to fall back to exists, and its code survives the migrations",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P1,
        section=Section.ROLLBACK,
        minimum=Minimum(facts=("previous", "previous_commit"), of_release=True),
        remedy="Make sure of a way back before you deploy.",
    )
)
async def rollback_previous_release(look: Context) -> Evidence:
    """The previous release's tag is in the history and at the remote; new migrations only add.

    Where a provider is configured, it has something to go back to, which is that release.

    What takes away is a point of no return: the code before it would not work any more. That
    is P2, so that somebody can take it on by a waiver; without a release to go back to it is P1.
    """
    since = await _previous(look)
    await _demand_pushed(look, since)
    fallbacks = await demand_fallbacks(look, since)
    directory = look.settings.migrations.directory
    git = look.probes.git
    scripts = await asyncio.to_thread(
        new_scripts, git, since.previous_commit, since.commit, directory
    )
    try:
        changes = await asyncio.to_thread(breaking_changes, scripts)
    except MissingExtra as missing:
        raise Unverified(
            f"whether {since.previous_tag} survives {len(scripts)} new migrations is not known: "
            f"{missing.seen}",
            expected="squawk, to read them",
            remedy=missing.remedy,
        ) from None
    seen = _evidence(look, since, tuple(scripts), changes, fallbacks)
    if changes:
        raise Failed(
            f"code rollback to {since.previous_tag} is not safe: {_listed(changes)}",
            expected="migrations that only add (expand), and take away a release later (contract)",
            where=f"{changes[0].migration}, line {changes[0].line}",
            remedy="Split it: release what stops using it first. Or take it on: waive "
            f"rollback.previous-release, and know that from {changes[0].migration} on the way back "
            "is the backup.",
            evidence=seen,
            severity=Severity.P2,
        )
    return seen


async def _previous(look: Context) -> Since:
    try:
        return await since_last(look)
    except NotApplicable as none:
        if look.release.previous_version is not None or look.release.version is None:
            raise Unverified(
                none.seen,
                expected="a version, and the one before it",
                remedy="Tag the release (see version.tag).",
            ) from None
        raise Failed(
            "there is no release to fall back to: none before this one is in its history",
            expected="a tag of the release before",
            remedy="Set release.previous_version to what runs in production now. For a first "
            'release, write "rollback.previous-release" = "first release" under [not_applicable].',
        ) from None


async def _demand_pushed(look: Context, since: Since) -> None:
    """Who rolls back may do it from another machine: the remote has to hold the tag too."""
    remote, ref = look.settings.release.remote, f"refs/tags/{since.previous_tag}"
    refs = await asyncio.to_thread(look.probes.git.remote_refs, remote, f"{ref}*")
    commit = refs.get(f"{ref}^{{}}", refs.get(ref))
    if commit is None:
        raise Failed(
            f"{remote} does not hold {since.previous_tag}, the release to fall back to",
            expected="its tag at the remote",
            where=remote,
            remedy=f"git push {remote} {ref}",
        )
    if commit != since.previous_commit:
        raise Failed(
            f"{since.previous_tag} is {commit[:7]} at {remote} and {since.previous_commit[:7]} "
            "here: which one would be deployed is not known",
            expected="one commit",
            where=remote,
            remedy=f"Compare the two; then git fetch --force {remote} {ref}:{ref}.",
        )


def _evidence(
    look: Context,
    since: Since,
    scripts: Sequence[str],
    changes: Sequence[BreakingChange],
    fallbacks: tuple[Fallback, ...],
) -> Evidence:
    provider = look.settings.provider
    commands = rollback_commands(
        Deployment(
            provider=provider.name,
            apps=tuple(app for app in (provider.app, provider.web_app) if app),
            previous_version=since.previous_tag,
            image=provider.previous_image,
            targets=targets(fallbacks),
        )
    )
    what = f"its code survives {len(scripts)} new migrations" if scripts else "no new migrations"
    attachments: list[Attachment] = [Text("How to roll back", "\n".join(commands))]
    if fallbacks:
        attachments.append(table(fallbacks))
    if changes:
        rows = tuple(
            (each.migration, str(each.line), each.what, each.statement)
            for each in changes[:_MOST_ROWS]
        )
        columns = ("migration", "line", "what", "statement")
        attachments.insert(0, Table("Point of no return", columns, rows))
    return Evidence(
        summary=f"{since.previous_tag} ({since.previous_commit[:7]}) is there to fall back to"
        f"{_at_provider(fallbacks)}; {what}",
        source=f"git tags and migrations since {since.previous_tag}",
        observed_at=look.now(),
        facts={
            "previous": since.previous_tag,
            "previous_commit": since.previous_commit,
            "new_migrations": len(scripts),
            "point_of_no_return": changes[0].migration if changes else None,
            "commands": "\n".join(commands),
            "targets": {**targets(fallbacks)},
        },
        commit=since.commit,
        attachments=tuple(attachments),
    )


def _at_provider(fallbacks: tuple[Fallback, ...]) -> str:
    return f", with {', '.join(one.reference for one in fallbacks)}" if fallbacks else ""


def _listed(changes: Sequence[BreakingChange]) -> str:
    shown = "; ".join(
        f"{each.migration} {each.what} (line {each.line})" for each in changes[:_SHOWN]
    )
    return f"{shown}; and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else shown
