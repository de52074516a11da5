"""secrets.not-in-blueprint: render.yaml and fly.toml name secrets, and hold none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.secrets.stored import known_values
from pytest_chefrelease.errors import Failed, NotApplicable
from pytest_chefrelease.probes.blueprints import Blueprint, read_blueprints
from pytest_chefrelease.probes.needles import Needles
from pytest_chefrelease.runbook.blueprint_secrets import OpenSecret, open_secrets
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_READ_S = 20.0
_SHOWN = 50
Found = tuple[str, OpenSecret]


@check(
    Item(
        id="secrets.not-in-blueprint",
        title="render.yaml and fly.toml hold no secret",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P1,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(counts={"files": 1}),
        remedy="Rotate it; in render.yaml write sync: false, for Fly.io use fly secrets set.",
    )
)
async def secrets_not_in_blueprint(look: Context) -> Evidence:
    """No variable with a secret's value, name or address with a password, in any such file."""
    commit = look.release.commit
    if commit is None:
        commit = await asyncio.to_thread(look.probes.git.head)
    files = await asyncio.to_thread(read_blueprints, look.probes.git, commit, limit_s=_READ_S)
    if not files:
        raise NotApplicable(f"{commit[:7]} holds no render.yaml and no fly.toml")
    needles = Needles(await known_values(look))
    required = look.settings.secrets.all_required
    shown = needles.cleaned
    found: list[Found] = []
    for file in files:
        named = (*_known_values_in(file, needles), *open_secrets(file.entries, required))
        found += [(shown(file.path), each) for each in named]
    seen = Evidence(
        summary=f"{len(files)} files, {sum(len(f.entries) for f in files)} values, no secret",
        source=", ".join(shown(file.path) for file in files),
        observed_at=look.now(),
        facts={
            "files": len(files),
            "values": sum(len(file.entries) for file in files),
            "finds": len(found),
        },
        commit=commit,
        attachments=(_table(found, needles),) if found else (),
    )
    if found:
        path, first = found[0]
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        raise Failed(
            f"{shown(first.key)} in {path}, line {first.line}: {first.reason}{more}",
            expected="names only, with sync: false or in the provider's secrets",
            where=path,
            evidence=seen,
        )
    return seen


def _known_values_in(file: Blueprint, needles: Needles) -> Iterator[OpenSecret]:
    """The values that production uses, wherever in the file they stand."""
    seen: set[str] = set()
    for hit in needles.hits(file.data, len(file.data)):
        if hit.mark.name not in seen:
            seen.add(hit.mark.name)
            line = file.data.count(b"\n", 0, hit.offset) + 1
            yield OpenSecret(
                hit.mark.name, line, f"production's value stands there {hit.mark.form}"
            )


def _table(found: Sequence[Found], needles: Needles) -> Table:
    rows = tuple(
        (path, str(each.line), needles.cleaned(each.key), each.reason)
        for path, each in found[:_SHOWN]
    )
    return Table("Secrets in the open", ("file", "line", "name", "why"), rows)
