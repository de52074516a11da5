"""secrets.no-credentials-in-release: nothing that the release adds is shaped like a credential."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.secrets.stored import known_values
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.added_text import Added, read_added
from pytest_chefrelease.probes.credentials.choose import choose_detector
from pytest_chefrelease.probes.credentials.detector import Detected
from pytest_chefrelease.probes.needles import Needles
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import AllowedCredential

_TIMEOUT_S = 120.0
_READ_S = 30.0
_DETECT_S = 80.0
_SHOWN = 50


@check(
    Item(
        id="secrets.no-credentials-in-release",
        title="The release adds no text that is shaped like a credential",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P1,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(counts={"files": 1}, facts=("detector", "compared_with")),
        remedy="Revoke it at its service now, then take it out; what is harmless goes into "
        "[[secrets.allowed]] with a reason.",
        timeout_s=_TIMEOUT_S,
    )
)
async def secrets_no_credentials_in_release(look: Context) -> Evidence:
    """Detectors see each line that the release adds; allowances are audited in settings."""
    commit = look.release.commit
    if commit is None:
        commit = await asyncio.to_thread(look.probes.git.head)
    previous, base = await _previous(look)
    detector = await asyncio.to_thread(choose_detector)
    git = look.probes.git
    added = await asyncio.to_thread(read_added, git, commit, previous, limit_s=_READ_S)
    found = await asyncio.to_thread(detector.detect, added.lines, limit_s=_DETECT_S)
    allowances = look.settings.secrets.allowed
    certain = [each for each in found if each.is_certain and not _is_allowed(each, allowances)]
    allowed = [each for each in found if each.is_certain and _is_allowed(each, allowances)]
    hints = [each for each in found if not each.is_certain]
    shown = Needles(await known_values(look)).cleaned
    seen = Evidence(
        summary=f"no credential in {len(added.lines):,} lines added since {base}",
        source=f"{detector.name} on {base}..{commit[:7]}",
        observed_at=look.now(),
        facts={
            "detector": detector.name,
            "compared_with": base,
            "files": added.files,
            "lines": len(added.lines),
            "binary_files": added.binary,
            "finds": len(certain),
            "allowed": len(allowed),
            "hints": len(hints),
        },
        commit=commit,
        attachments=tuple(_tables(certain, allowed, hints, shown)),
    )
    if certain:
        first = certain[0]
        more = f", and {len(certain) - 1} more" if len(certain) > 1 else ""
        raise Failed(
            f"{first.rule} in {shown(first.path)}, line {first.line}{more}",
            expected="no credential in what the release adds",
            where=seen.source,
            evidence=seen,
        )
    _demand_all_seen(look, added, seen, shown)
    return seen


async def _previous(look: Context) -> tuple[str | None, str]:
    """The commit that the release is compared with, and its name."""
    name = look.settings.release.previous_version or look.release.previous_version
    if name is None:
        return None, "the beginning"
    commit = await asyncio.to_thread(look.probes.git.resolve, name)
    if commit is None:
        raise Unverified(
            f"the previous release {name} is not in this clone",
            expected="its tag, to see what this release adds",
            remedy="Run git fetch --tags, or set release.previous_version.",
        )
    return commit, name


def _is_allowed(found: Detected, allowances: Sequence[AllowedCredential]) -> bool:
    return any(
        fnmatchcase(found.path, each.path) and each.fingerprint in (None, found.fingerprint)
        for each in allowances
    )


def _demand_all_seen(
    look: Context, added: Added, seen: Evidence, shown: Callable[[str], str]
) -> None:
    allowances = look.settings.secrets.allowed
    left = [p for p in added.skipped if not any(fnmatchcase(p, each.path) for each in allowances)]
    if left:
        raise Unverified(
            f"{len(left)} added files are over 5 MB and were not looked at: {shown(left[0])}",
            expected="every added file",
            where=seen.source,
            remedy="Look at them, and name them under [[secrets.allowed]] with a reason.",
            evidence=seen,
        )


def _tables(
    certain: Sequence[Detected],
    allowed: Sequence[Detected],
    hints: Sequence[Detected],
    shown: Callable[[str], str],
) -> Iterator[Table]:
    named = (
        ("Credentials", certain),
        ("Allowed in settings", allowed),
        ("Only looks like one: a name beside it, or an example", hints),
    )
    for title, found in named:
        rows = tuple(
            (shown(each.path), str(each.line), each.rule, each.fingerprint)
            for each in found[:_SHOWN]
        )
        if rows:
            yield Table(title, ("file", "line", "kind", "fingerprint"), rows)
