"""backup.automatic with Render, whose double answers as its published document says.

Fly.io's side is in the rehearsal's faults.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_chefrelease.doctor.looks.around import Around
from pytest_chefrelease.doctor.looks.network import automatic
from pytest_chefrelease.doctor.source import Kind
from pytest_chefrelease.doctor.sources import sources_of
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.rehearsal.doubles import render
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.load import validate
from tests.checks.looking import verify
from tests.probes.vendor_doubles import TOKENS, serving_render


def look(
    fields: Mapping[str, Json] | None = None,
    database: str = render.DATABASE,
    environment: Mapping[str, str] = TOKENS,
) -> Result:
    async def go() -> Result:
        async with serving_render() as running:
            running.double.change(fields or {})
            table = {"automatic": f"render:{database}", "api_url": running.url}
            return await verify(
                "backup.automatic",
                {"backup": table},
                stage=Stage.PRERELEASE,
                environment=environment,
            )

    return asyncio.run(go())


def test_recovery_to_a_point_in_time_passes_and_says_from_when() -> None:
    result = look()

    assert result.outcome is Outcome.PASSED, result.summary
    assert f"Render database {render.DATABASE}: point-in-time recovery AVAILABLE since " in (
        result.summary
    )
    assert TOKENS["RENDER_API_KEY"] not in repr(result)


@pytest.mark.parametrize(
    ("said", "outcome", "seen"),
    [
        ("NOT_AVAILABLE", Outcome.FAILED, "automatic backups are off"),
        ("BACKUP_NOT_READY", Outcome.UNVERIFIED, "point-in-time recovery BACKUP_NOT_READY"),
    ],
)
def test_what_else_render_says_is_no_pass(said: str, outcome: Outcome, seen: str) -> None:
    result = look({"recovery": said})

    assert result.outcome is outcome
    assert seen in result.summary
    assert result.blocking is False


def test_a_database_that_render_does_not_know_is_named() -> None:
    result = look(database="dpg-other")

    assert result.outcome is Outcome.UNVERIFIED
    assert "knows no database dpg-other" in result.summary


@pytest.mark.parametrize(
    ("environment", "said"),
    [({}, "RENDER_API_KEY is not set"), ({"RENDER_API_KEY": "rnd_old"}, "RENDER_API_KEY")],
)
def test_a_token_that_is_missing_or_refused_is_named(
    environment: Mapping[str, str], said: str
) -> None:
    result = look(environment=environment)

    assert result.outcome is Outcome.UNVERIFIED
    assert said in result.summary
    assert "rnd_old" not in repr(result)


def test_doctor_says_what_render_says() -> None:
    async def go() -> str:
        async with serving_render() as running:
            table = {"automatic": f"render:{render.DATABASE}", "api_url": running.url}
            settings = validate({"backup": table})
            probes = Probes(settings, Path())
            source = next(s for s in sources_of(settings) if s.kind is Kind.AUTOMATIC)
            try:
                return await automatic(source, Around(settings, Path(), Path(), probes, TOKENS))
            finally:
                await probes.close()

    assert "point-in-time recovery AVAILABLE since " in asyncio.run(go())


def test_without_the_setting_it_does_not_apply() -> None:
    result = asyncio.run(verify("backup.automatic", {}, stage=Stage.PRERELEASE))

    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "backup.automatic" in result.summary
