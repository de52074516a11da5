"""The example of DESIGN.md, section 4, is valid as it stands there."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from pytest_chefrelease.settings.load import load_settings
from pytest_chefrelease.settings.model import Settings
from tests.settings.writing import load

EXAMPLE = Path(__file__).with_name("design_example.toml")


@pytest.fixture
def settings() -> Settings:
    return load_settings(EXAMPLE.parent, {}, {}, EXAMPLE.name).settings


def test_the_example_is_valid(settings: Settings) -> None:
    assert settings.release.version == "v1.5.0"
    assert settings.ci.required == "branch"
    assert settings.ci.commands["no-wip-imports"].run == "pnpm verify:no-wip-imports"
    assert settings.ci.commands["lint-api"].timeout == timedelta(minutes=10)
    assert settings.target.api == "https://api.example"
    assert settings.staging.database_env == "STAGING_DATABASE_URL"
    assert settings.secrets.required["JWT_SECRET"].rotate == timedelta(days=90)
    assert settings.env["NODE_ENV"].equals == "production"
    assert settings.env["CORS_ORIGINS"].forbidden == ("*",)
    assert settings.env["DOCS_ENABLED"].allowed == ("0", "unset")
    assert [endpoint.status for endpoint in settings.smoke.endpoints] == [(200,), (200, 401)]
    assert settings.latency.p95 == timedelta(milliseconds=500)
    assert settings.monitoring.watch == timedelta(minutes=15)
    assert settings.not_applicable["deploy.maintenance-off"].endswith("tracked in OPS-12")
    assert settings.waivers[0].expires == date(2026, 12, 1)


def test_the_example_is_valid_as_a_table_of_pyproject(tmp_path: Path, settings: Settings) -> None:
    text = "\n".join(
        line.replace("[[", "[[tool.chefrelease.", 1)
        if line.startswith("[[")
        else line.replace("[", "[tool.chefrelease.", 1)
        if line.startswith("[")
        else line
        for line in EXAMPLE.read_text().splitlines()
    )

    assert load(tmp_path, text, name="pyproject.toml").settings == settings
