"""secrets.present: what it finds where production reads, and what absence means."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.settings.model import Settings
from tests.secrets.world import VALUES, verify, without

ITEM = "secrets.present"


def test_the_runbooks_secrets_and_the_configured_ones_are_asked_for() -> None:
    settings = Settings.model_validate({"secrets": {"required": {"STRIPE_KEY": {}}}})

    assert catalogue()[ITEM].parameters_for(settings, Stage.PRERELEASE) == (
        "DATABASE_URL",
        "JWT_SECRET",
        "SENTRY_DSN",
        "WH_SECRET",
        "REDIS_URL",
        "STRIPE_KEY",
    )


@pytest.mark.parametrize("name", VALUES)
def test_a_secret_in_the_environment_is_present(name: str) -> None:
    result = verify(ITEM, name)

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["place"] == f"{name} in the environment"


def test_a_missing_secret_fails() -> None:
    result = verify(ITEM, "JWT_SECRET", variables=without("JWT_SECRET"))

    assert result.outcome is Outcome.FAILED
    assert result.summary == (
        "JWT_SECRET is missing at the environment; expected a value where production reads it"
    )


def test_without_a_source_absence_proves_nothing() -> None:
    result = verify(
        ITEM, "JWT_SECRET", variables=without("JWT_SECRET"), tables={"secrets": {"defaults": True}}
    )

    assert result.outcome is Outcome.UNVERIFIED
    assert "Set secrets.source" in result.remedy


@pytest.mark.parametrize("value", ["", "   ", "undefined", "${JWT_SECRET}", "******"])
def test_a_value_that_only_looks_set_fails(value: str) -> None:
    result = verify(ITEM, "JWT_SECRET", variables=without(JWT_SECRET=value))

    assert result.outcome is Outcome.FAILED
    assert "JWT_SECRET is set, but" in result.summary


def test_redis_is_not_applicable_where_it_is_not_used() -> None:
    result = verify(ITEM, "REDIS_URL")

    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "REDIS_REQUIRED is off" in result.summary


def test_redis_is_missing_where_production_says_that_it_needs_it() -> None:
    result = verify(ITEM, "REDIS_URL", variables=without(REDIS_REQUIRED="1"))

    assert result.outcome is Outcome.FAILED


def test_redis_is_missing_where_the_matrix_says_that_production_needs_it() -> None:
    result = verify(ITEM, "REDIS_URL", tables={"env": {"REDIS_REQUIRED": "1"}})

    assert result.outcome is Outcome.FAILED


def test_a_secret_can_have_another_name_in_its_store() -> None:
    tables = {
        "secrets": {"source": "env", "required": {"JWT_SECRET": {"stored_as": "AUTH_TOKEN_KEY"}}}
    }
    values = without("JWT_SECRET", AUTH_TOKEN_KEY=VALUES["JWT_SECRET"])

    result = verify(ITEM, "JWT_SECRET", variables=values, tables=tables)

    assert result.outcome is Outcome.PASSED


def test_an_env_file_is_read_from_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".env.production").write_text(f"JWT_SECRET='{VALUES['JWT_SECRET']}' # signing\n")
    tables = {"secrets": {"source": "env-file:.env.production"}}

    result = verify(ITEM, "JWT_SECRET", variables={}, tables=tables, repository=tmp_path)

    assert result.outcome is Outcome.PASSED
    assert result.summary == "JWT_SECRET is set in .env.production"


@pytest.mark.parametrize("content", [None, b"\0\1\2", b"x" * 1_000_001])
def test_an_unreadable_env_file_is_no_evidence(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "prod.env").write_bytes(content)
    tables = {"secrets": {"source": "env-file:prod.env"}}

    result = verify(ITEM, "JWT_SECRET", variables={}, tables=tables, repository=tmp_path)

    assert result.outcome is Outcome.UNVERIFIED
    assert "prod.env" in result.summary
