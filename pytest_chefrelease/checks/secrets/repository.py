"""secrets.not-in-repository: no value stands in the history, its tags and notes, or the work tree.

The values are known, so they are looked for exactly, in their usual encodings, in every object.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.checks.secrets.stored import (
    known_values,
    names,
    production_value,
    rule_of,
)
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.exposure import HistorySearch, search_history
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.needles import Needles
from pytest_chefrelease.probes.work_tree import TreeSearch, search_work_tree
from pytest_chefrelease.runbook.connection_secret import read_connection
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.secret_forms import SHORTEST, searched_texts

_TIMEOUT_S = 150.0
_SEARCH_S = 120.0
_SHOWN = 50
_KINDS = {"commit": "the message of commit", "tag": "the message of tag", "tree": "a name in tree"}


class Find(Struct, frozen=True):
    """One place where a secret stands, told without its value."""

    name: str
    form: str
    where: str
    commit: str | None
    line: int | None

    @property
    def place(self) -> str:
        """``src/config.ts, line 12, since commit 3f2a91c``."""
        line = f", line {self.line}" if self.line else ""
        since = f", since commit {self.commit[:7]}" if self.commit else ""
        return f"{self.where}{line}{since}"


class Searched(Struct, frozen=True):
    """What one search for all secrets covered, and what it found."""

    facts: dict[str, int]
    finds: tuple[Find, ...]


@check(
    Item(
        id="secrets.not-in-repository",
        title="The secret's value is nowhere in the repository",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P1,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(counts={"objects": 1, "reachable_objects": 1, "files": 1}),
        remedy="Rotate it now: whoever has cloned has it. Rewriting history alone does not help.",
        timeout_s=_TIMEOUT_S,
    ),
    each=names,
)
async def secrets_not_in_repository(look: Context, name: str) -> Evidence:
    """No form of the value in any object that the release contains, nor in the work tree."""
    secret, _ = await production_value(look, name)
    _demand_searchable(look, name, secret)
    found = await _search(look)
    finds = [find for find in found.finds if find.name == name]
    seen = Evidence(
        summary=f"{name} is in none of {found.facts['reachable_objects']:,} objects and "
        f"{found.facts['files']:,} files",
        source=f"history and work tree of {look.repository.name}",
        observed_at=look.now(),
        facts={**found.facts, "finds": len(finds)},
        commit=look.release.commit,
        attachments=(_table(finds),) if finds else (),
    )
    if finds:
        more = f", and in {len(finds) - 1} more places" if len(finds) > 1 else ""
        raise Failed(
            f"{name} stands {finds[0].form} in {finds[0].place}{more}",
            expected="the value nowhere in the repository",
            where=seen.source,
            evidence=replace(seen, summary=f"{name} stands in {len(finds)} places"),
        )
    if found.facts["unread_files"]:
        raise Unverified(
            f"{found.facts['unread_files']} files of the work tree cannot be read",
            expected="every file",
            where=seen.source,
            remedy="Run as a user who may read the whole work tree.",
            evidence=seen,
        )
    return seen


def _demand_searchable(look: Context, name: str, secret: Secret) -> None:
    """Raise where a search for the value would say nothing."""
    is_connection = rule_of(look, name).kind == "connection"
    if is_connection and read_connection(name, secret.reveal().strip()).password is None:
        raise NotApplicable(f"{name} carries no password: the address alone is no secret")
    if not searched_texts(secret):
        raise Unverified(
            f"{name} is so short that it stands in any repository by chance",
            expected=f"{SHORTEST} characters or more",
            remedy="Generate a longer value: openssl rand -base64 32.",
        )


async def _search(look: Context) -> Searched:
    """One search for all secrets, done once for all checks and workers."""
    commit = look.release.commit
    if commit is None:
        commit = await asyncio.to_thread(look.probes.git.head)

    async def work() -> Json:
        secrets = {
            name: secret
            for name, secret in (await known_values(look)).items()
            if rule_of(look, name).kind != "connection"
            or read_connection(name, secret.reveal().strip()).password is not None
        }
        found = await asyncio.to_thread(_search_all, look.probes.git, commit, Needles(secrets))
        return {"facts": dict(found.facts), "finds": [asdict(find) for find in found.finds]}

    return msgspec.convert(await look.once.get(f"secrets.exposure {commit}", work), Searched)


def _search_all(git: GitProbe, commit: str, needles: Needles) -> Searched:
    started = time.monotonic()
    history = search_history(git, commit, needles, limit_s=_SEARCH_S)
    left = _SEARCH_S - (time.monotonic() - started)
    tree = search_work_tree(git, needles, limit_s=left)
    facts = {
        "objects": history.objects,
        "reachable_objects": history.reachable,
        "history_size_bytes": history.size_bytes,
        "files": tree.files,
        "work_tree_size_bytes": tree.size_bytes,
        "unread_files": tree.unread,
        "finds_outside_the_release": history.outside,
        "searched_forms": len(needles),
    }
    return Searched(facts, (*_in_history(history), *_in_files(tree)))


def _in_history(history: HistorySearch) -> list[Find]:
    finds = []
    for place in history.places:
        words = _KINDS.get(place.kind)
        where = place.path or "a file without a name"
        if words is not None:
            where = f"{words} {place.object_id[:7]}"
        commit = place.commit if place.kind != "commit" else None
        finds.append(Find(place.mark.name, place.mark.form, where, commit, place.line))
    return finds


def _in_files(tree: TreeSearch) -> list[Find]:
    return [
        Find(
            find.mark.name,
            find.mark.form,
            f"{find.path} of the work tree" if find.line else f"the name {find.path}",
            None,
            find.line,
        )
        for find in tree.finds
    ]


def _table(finds: Sequence[Find]) -> Table:
    rows = tuple(
        (find.where, str(find.line or ""), (find.commit or "")[:10], find.form)
        for find in finds[:_SHOWN]
    )
    return Table("Where it stands", ("place", "line", "since commit", "form"), rows)
