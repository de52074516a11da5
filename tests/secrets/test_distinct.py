"""secrets.distinct: production shares nothing secret with staging."""

from __future__ import annotations

from pathlib import Path

from pytest_chefrelease.runbook.outcome import Outcome
from tests.secrets.world import JWT, PASSWORD, VALUES, WEBHOOK, verify, without

ITEM = "secrets.distinct"


def test_two_values_pass() -> None:
    result = verify(ITEM, "JWT_SECRET", variables=without(STAGING_JWT_SECRET=WEBHOOK))

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.source == (
        "JWT_SECRET in the environment, STAGING_JWT_SECRET in the environment"
    )


def test_one_value_for_both_fails() -> None:
    result = verify(ITEM, "JWT_SECRET", variables=without(STAGING_JWT_SECRET=f"{JWT}\n"))

    assert result.outcome is Outcome.FAILED
    assert "the value is the same in production and in staging" in result.summary


def test_one_database_for_both_fails() -> None:
    shared = VALUES["DATABASE_URL"]

    result = verify(ITEM, "DATABASE_URL", variables=without(STAGING_DATABASE_URL=shared))

    assert result.outcome is Outcome.FAILED
    assert "staging works on production's data" in result.summary


def test_one_password_for_two_databases_fails() -> None:
    other = f"postgresql://chef:{PASSWORD}@staging-db.chefcloud.io/chef?sslmode=require"

    result = verify(ITEM, "DATABASE_URL", variables=without(STAGING_DATABASE_URL=other))

    assert result.outcome is Outcome.FAILED
    assert "the password is the same" in result.summary


def test_without_stagings_value_nothing_can_be_said() -> None:
    result = verify(ITEM, "JWT_SECRET")

    assert result.outcome is Outcome.UNVERIFIED
    assert "Export STAGING_JWT_SECRET" in result.remedy


def test_stagings_values_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "staging.env").write_text(f"JWT_SECRET={JWT}\n")
    tables = {"secrets": {"source": "env", "staging_source": "env-file:staging.env"}}

    result = verify(ITEM, "JWT_SECRET", tables=tables, repository=tmp_path)

    assert result.outcome is Outcome.FAILED


def test_a_dsn_may_be_shared() -> None:
    result = verify(ITEM, "SENTRY_DSN", variables=without(STAGING_SENTRY_DSN=VALUES["SENTRY_DSN"]))

    assert result.outcome is Outcome.NOT_APPLICABLE
