"""What every manual item asks: did somebody sign it off, on exactly the release commit?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from shlex import quote

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import Unverified
from pytest_chefrelease.probes.signoffs import (
    older_signoffs,
    read_signoffs,
    remote_differs,
    writers_of,
)
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Minimum
from pytest_chefrelease.runbook.signoffs import NOTES_REF, SignOff, standing, with_other_eyes

MINIMUM = Minimum(counts={"signatures": 1}, facts=("signed_by",), of_release=True)
"""What a manual item must have seen."""
_SOURCE = f"git notes, {NOTES_REF}"


async def signed_off(look: Context, item: str) -> Evidence:
    """The sign-offs that stand for an item. Raises Unverified where there is none that counts.

    Under ``verdict.four_eyes`` only those count who did not write the release commit's change.
    """
    commit = look.release.commit
    if commit is None:
        raise Unverified(
            look.release.problem or "the release commit is not known",
            expected="a commit to sign",
            remedy="Run in the release's work tree.",
        )
    entries = await asyncio.to_thread(read_signoffs, look.probes.git, commit)
    signed = standing(entries, item, commit)
    counting = await _counting(look, signed, commit)
    if counting:
        return _evidence(counting, entries, item, commit)
    if signed:
        raise _own_eyes(signed, item)
    raise await _missing(look, entries, item, commit)


async def _counting(look: Context, signed: Sequence[SignOff], commit: str) -> tuple[SignOff, ...]:
    if not signed or not look.settings.verdict.four_eyes:
        return tuple(signed)
    writers = await asyncio.to_thread(writers_of, look.probes.git, commit)
    return with_other_eyes(signed, writers)


def _evidence(
    counting: Sequence[SignOff], entries: Sequence[SignOff], item: str, commit: str
) -> Evidence:
    last = max(counting, key=lambda one: one.at)
    people = ", ".join(one.person for one in counting)
    note = f": {last.note}" if last.note else ""
    return Evidence(
        summary=f"signed for {commit[:7]} by {people}{note}",
        source=_SOURCE,
        observed_at=last.at,
        facts={
            "signatures": len(counting),
            "signed_by": people,
            "signed_at": last.at.isoformat(timespec="seconds"),
            "note": last.note or None,
        },
        commit=commit,
        attachments=(_table([one for one in entries if one.item == item], commit),),
    )


def _table(entries: Sequence[SignOff], commit: str) -> Table:
    rows = tuple(
        (
            one.at.isoformat(timespec="seconds"),
            one.person,
            _state(one, commit),
            one.note,
        )
        for one in entries
    )
    return Table("Sign-offs", ("when", "who", "what", "note"), rows)


def _state(one: SignOff, commit: str) -> str:
    if one.is_revocation:
        return "revoked"
    return "signed" if one.commit == commit else f"signed {one.commit[:7]}: void here"


def _own_eyes(signed: Sequence[SignOff], item: str) -> Unverified:
    people = ", ".join(one.person for one in signed)
    return Unverified(
        f"{item} is signed only by who wrote the change: {people}",
        expected="the sign-off of somebody else (verdict.four_eyes)",
        where=_SOURCE,
        remedy=f"Let somebody else look and type: {command(item)}",
    )


async def _missing(look: Context, entries: Sequence[SignOff], item: str, commit: str) -> Unverified:
    own = [one for one in entries if one.item == item]
    seen = f"{item} is not signed off for {commit[:7]}"
    if own and own[-1].is_revocation:
        last = own[-1]
        why = f" ({last.note})" if last.note else ""
        seen = f"{item} was signed off, and revoked by {last.person}{why}"
    elif (other := await _elsewhere(look, own, item, commit)) is not None:
        seen += f"; {other.person} signed it for {other.commit[:7]}, which is another commit: void"
    remedy = f"When it is done, type: {command(item)}"
    remote = look.settings.release.remote
    if await asyncio.to_thread(remote_differs, look.probes.git, remote):
        remedy += (
            f" (or fetch what others signed: git fetch {quote(remote)} {NOTES_REF}:{NOTES_REF})"
        )
    return Unverified(
        seen, expected="a person's word that it was done", where=_SOURCE, remedy=remedy
    )


async def _elsewhere(
    look: Context, own: Sequence[SignOff], item: str, commit: str
) -> SignOff | None:
    """A sign-off of the same item for another commit: carried over, or on an older one."""
    older = await asyncio.to_thread(older_signoffs, look.probes.git, commit)
    others = [one for one in (*own, *older) if one.item == item and one.commit != commit]
    return max(others, key=lambda one: one.at, default=None)


def command(item: str) -> str:
    """What a person types to sign an item."""
    return f'chefrelease sign {item} --note "..."'
