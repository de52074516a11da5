"""version.coherence: what the provider and Sentry say stands in the table too."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from pytest_chefrelease.rehearsal.doubles import fly
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.world import Build
from pytest_chefrelease.runbook.evidence import Table
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verify
from tests.checks.work_tree import WorkTree
from tests.probes.monitoring_doubles import SENTRY_TOKEN, sentry_double, serving
from tests.probes.vendor_doubles import PREVIOUS, TOKENS, serving_fly


def look(
    folder: Path,
    stage: Stage = Stage.POSTRELEASE,
    *,
    second_machine: int = -1,
    told: Mapping[str, Json] | None = None,
    token: str = SENTRY_TOKEN,
) -> tuple[Result, dict[str, tuple[str, ...]]]:
    """The release runs at Fly.io, and Sentry was told so; staging's rows are left out."""
    commit = WorkTree.make(folder).commit({"package.json": '{"version": "1.5.0"}'})
    release = Build("v1.5.0", commit, "2026-11-24T08:00:00Z")

    async def go() -> Result:
        sentry = sentry_double()
        sentry.change({"deployed": ["v1.4.2", "v1.5.0"]} | dict(told or {}))
        async with serving(sentry) as watcher, serving_fly() as provider:
            provider.double.change(
                {
                    **fly.deployed(PREVIOUS, release),
                    "machines": fly.fleet(build=second_machine),
                }
            )
            settings = {
                "provider": {"name": "fly", "app": fly.API_APP, "api_url": provider.url},
                "sentry": {
                    "organization": "chefcloud",
                    "project": "api",
                    "api_url": watcher.url,
                },
            }
            return await verify(
                "version.coherence",
                settings,
                stage=stage,
                release=Release("v1.5.0", commit, "production"),
                repository=folder,
                environment={**TOKENS, "SENTRY_AUTH_TOKEN": token},
            )

    result = asyncio.run(go())
    assert result.evidence is not None
    (table,) = (a for a in result.evidence.attachments if isinstance(a, Table))
    return result, {row[0]: row[1:] for row in table.rows}


def test_image_and_sentry_are_witnesses_of_the_release(tmp_path: Path) -> None:
    result, rows = look(tmp_path)

    assert result.outcome is Outcome.PASSED, result.summary
    assert rows["Sentry release"] == ("", "v1.5.0")
    assert "v1.5.0" in rows["image of API"][1]


def test_an_instance_with_another_image_is_the_cell_that_differs(tmp_path: Path) -> None:
    result, rows = look(tmp_path, second_machine=0)

    assert result.outcome is Outcome.UNVERIFIED
    assert "image of API of production: " in result.summary
    assert rows["image of API"][1].startswith("≠ ")


def test_sentry_that_was_told_of_another_deploy_differs(tmp_path: Path) -> None:
    other = ["v1.4.2", "v1.5.0", "v1.5.1"]
    result, rows = look(tmp_path, told={"releases": other, "deployed": other})

    assert result.outcome is Outcome.UNVERIFIED
    assert "Sentry release of production: v1.5.1, but the release is v1.5.0" in result.summary
    assert rows["Sentry release"][1] == "≠ v1.5.1"


def test_before_the_deploy_production_may_run_what_it_ran(tmp_path: Path) -> None:
    result, rows = look(tmp_path, Stage.PRERELEASE, second_machine=0, told={"deployed": ["v1.4.2"]})

    assert result.outcome is Outcome.PASSED, result.summary
    assert rows["Sentry release"][1] == "v1.4.2"


def test_vendors_that_cannot_be_read_are_missing_witnesses(tmp_path: Path) -> None:
    result, rows = look(tmp_path, token="sntryu_other")

    assert result.outcome is Outcome.PASSED
    assert rows["Sentry release"][1] == "cannot be read"
    assert "without" in result.summary
