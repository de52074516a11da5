"""env.value: each variable of the matrix, where production reads it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_chefrelease.runbook.evidence import Table
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.load import validate
from tests.checks.looking import verified
from tests.secrets.world import JWT

API = "https://api.chefcloud.example"
COMMIT = "3f2a91c" + "0" * 33
WELL = {
    "NODE_ENV": "production",
    "CORS_ORIGINS": "https://app.chefcloud.example, https://admin.chefcloud.example",
    "ORIGIN": "https://app.chefcloud.example",
    "RP_ID": "chefcloud.example",
    "RATE_LIMIT_PUBLIC": "60",
    "LOG_LEVEL": "info",
    "LOG_SILENCE_HEALTH": "1",
    "LOG_SILENCE_METRICS": "true",
    "DOCS_ENABLED": "0",
    "METRICS_ENABLED": "false",
    "BUILD_VERSION": "1.5.0",
    "BUILD_SHA": COMMIT[:12],
    "BUILD_DATE": "2026-11-24T10:00:00Z",
    "WH_SECRET": "b7e23ec29af22b0b4e41da31e868d57226121c84a9d0f3e5c6b7184f2d9e0a53",
    "WH_SECRET_REQUIRED": "1",
    "JWT_SECRET": JWT,
    "NEXT_PUBLIC_API_URL": API,
    "NEXT_PUBLIC_APP_VERSION": "v1.5.0",
    "NEXT_PUBLIC_ENABLE_IDLE_TIMEOUT": "1",
    "NEXT_PUBLIC_SESSION_IDLE_MINUTES": "15",
    "NEXT_PUBLIC_ALLOW_DEMO_FALLBACK": "false",
}


def look(
    name: str,
    variables: Mapping[str, str],
    *,
    stage: Stage = Stage.PRERELEASE,
    repository: Path = Path("/"),
    **tables: object,
) -> Result:
    result = verified(
        "env.value",
        {"environments": {"production": {"api": API}}, "secrets": {"source": "env"}} | tables,
        parameter=name,
        stage=stage,
        release=Release("v1.5.0", COMMIT, "production"),
        repository=repository,
        environment=variables,
    )
    for secret in ("JWT_SECRET", "WH_SECRET"):
        assert variables.get(secret, "-" * 40) not in repr(result)
    return result


MATRIX = tuple(name for name in WELL if name not in ("WH_SECRET", "JWT_SECRET"))


@pytest.mark.parametrize("stage", [Stage.PRERELEASE, Stage.POSTRELEASE])
@pytest.mark.parametrize("name", MATRIX)
def test_production_values_pass_before_and_after_the_deploy(name: str, stage: Stage) -> None:
    result = look(name, WELL, stage=stage)

    assert result.outcome is Outcome.PASSED, result.summary


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("NODE_ENV", "staging", "it is another value"),
        ("NODE_ENV", None, "it is not set"),
        ("CORS_ORIGINS", "*", "* is in it"),
        ("CORS_ORIGINS", "https://*.chefcloud.example", "* is in it"),
        ("CORS_ORIGINS", "https://app.chefcloud.example,", "it is no http address"),
        ("CORS_ORIGINS", "http://app.chefcloud.example", "it is not https"),
        ("CORS_ORIGINS", "https://app.chefcloud.example/login", "an origin has no path"),
        ("ORIGIN", "https://other.example", "CORS_ORIGINS does not hold it"),
        ("RP_ID", "other.example", "it is not the domain of ORIGIN"),
        ("RP_ID", "https://chefcloud.example", "it is no domain"),
        ("RATE_LIMIT_PUBLIC", "0", "it is another value"),
        ("DOCS_ENABLED", "1", "it is on"),
        ("DEVPORTAL_ENABLED", "yes", "it is on"),
        ("METRICS_ENABLED", "enabled", "it is on"),
        ("PRETTY_LOGS", "true", "it is on"),
        ("ERROR_INCLUDE_STACKS", "1", "it is on"),
        ("LOG_LEVEL", "debug", "it is another value"),
        ("LOG_SILENCE_HEALTH", "0", "it is not on"),
        ("BUILD_VERSION", "latest", "it is no semantic version"),
        ("BUILD_SHA", "HEAD", "it is no commit"),
        ("BUILD_DATE", "yesterday", "it is no date"),
        ("WH_SECRET_REQUIRED", "0", "it is not on"),
        ("NEXT_PUBLIC_API_URL", "https://staging.chefcloud.example", "it is not the API that"),
        ("NEXT_PUBLIC_ALLOW_DEMO_FALLBACK", "true", "it is on"),
    ],
)
def test_a_wrong_value_fails_with_what_is_wrong(name: str, value: str | None, seen: str) -> None:
    variables = {key: known for key, known in WELL.items() if key != name}
    if value is not None:
        variables[name] = value

    result = look(name, variables)

    assert (result.outcome, result.severity) == (Outcome.FAILED, "P2")
    assert result.summary.startswith(f"{name}: {seen}")
    assert f"Set {name} to " in result.remedy


@pytest.mark.parametrize("value", ["0", "false", "No", "", "off", None])
def test_a_flags_words_for_off_and_its_absence_are_the_same(value: str | None) -> None:
    variables = {key: known for key, known in WELL.items() if key != "DOCS_ENABLED"}
    if value is not None:
        variables["DOCS_ENABLED"] = value

    assert look("DOCS_ENABLED", variables).outcome is Outcome.PASSED
    rule = {"DOCS_ENABLED": {"in": ["0", "unset"]}}
    assert look("DOCS_ENABLED", variables, env=rule).outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("name", "value"),
    [("BUILD_SHA", "0" * 40), ("BUILD_VERSION", "1.4.2"), ("NEXT_PUBLIC_APP_VERSION", "1.4.2")],
)
def test_after_the_deploy_the_environment_is_the_releases(name: str, value: str) -> None:
    variables = WELL | {name: value}

    assert look(name, variables).outcome is Outcome.PASSED
    assert look(name, variables, stage=Stage.POSTRELEASE).outcome is Outcome.FAILED


def test_what_has_no_object_is_not_applicable() -> None:
    without = {key: value for key, value in WELL.items() if not key.startswith("WH_")}

    assert look("WH_SECRET_REQUIRED", without).outcome is Outcome.NOT_APPLICABLE
    assert look("DEMO_PROTECT_WRITES", WELL).outcome is Outcome.NOT_APPLICABLE
    assert look("DEMO_PROTECT_WRITES", WELL | {"DEMO_PROTECT_WRITES": "1"}).outcome == "passed"


def test_a_public_variable_holds_no_secret() -> None:
    variables = WELL | {"NEXT_PUBLIC_API_URL": f"{API}?key={JWT}"}

    result = look("NEXT_PUBLIC_API_URL", variables)

    assert "it holds the value of JWT_SECRET, and everybody can read it" in result.summary


def test_an_environment_that_holds_nothing_of_it_proves_nothing() -> None:
    elsewhere = {"PATH": "/bin", "HOME": "/nowhere"}

    for name in ("NODE_ENV", "DOCS_ENABLED"):
        result = look(name, elsewhere, secrets={})
        assert result.outcome is Outcome.UNVERIFIED
        assert "no variable of the matrix is set here" in result.summary
        assert "secrets.source" in result.remedy
    assert look("DOCS_ENABLED", WELL, secrets={}).outcome is Outcome.PASSED
    assert look("NODE_ENV", {"LOG_LEVEL": "info"}, secrets={}).outcome is Outcome.FAILED
    assert look("NODE_ENV", elsewhere).outcome is Outcome.FAILED
    assert look("DOCS_ENABLED", elsewhere).outcome is Outcome.UNVERIFIED


def test_an_env_file_is_read_as_secrets_are(tmp_path: Path) -> None:
    (tmp_path / ".env.production").write_text("NODE_ENV=staging\n")
    file = {"source": "env-file:.env.production"}

    from_secrets = look("NODE_ENV", WELL, repository=tmp_path, secrets=file)
    from_matrix = look("NODE_ENV", WELL, repository=tmp_path, environment_matrix=file)

    assert from_secrets.outcome is from_matrix.outcome is Outcome.FAILED
    assert from_secrets.where == "NODE_ENV in .env.production"


def test_settings_replace_a_default_and_add_others() -> None:
    rules = {
        "CORS_ORIGINS": {"not": ["*"]},
        "RATE_LIMIT_PUBLIC": 120,
        "FEATURE_X": True,
        "REGION": {"matches": "eu-.*", "optional": True},
    }
    variables = WELL | {"CORS_ORIGINS": "http://intranet", "RATE_LIMIT_PUBLIC": "120"}

    assert look("CORS_ORIGINS", variables, env=rules).outcome is Outcome.PASSED
    assert look("RATE_LIMIT_PUBLIC", variables, env=rules).outcome is Outcome.PASSED
    assert look("FEATURE_X", variables, env=rules).outcome is Outcome.FAILED
    assert look("FEATURE_X", variables | {"FEATURE_X": "yes"}, env=rules).outcome == "passed"
    assert look("REGION", variables, env=rules).outcome is Outcome.PASSED
    assert look("REGION", variables | {"REGION": "us-1"}, env=rules).outcome is Outcome.FAILED
    listed = look("CORS_ORIGINS", variables | {"CORS_ORIGINS": "https://a,*"}, env=rules)
    assert listed.summary.startswith("CORS_ORIGINS: * is in it")


def test_without_the_defaults_only_what_settings_name_is_looked_at() -> None:
    from pytest_chefrelease.checks.env.matrix import matrix

    only = validate({"env": {"A": "1"}, "environment_matrix": {"defaults": False}})
    both = validate({"env": {"A": "1", "defaults": "x"}})

    assert list(matrix(only)) == ["A"]
    assert {"A", "defaults", "NODE_ENV"} <= matrix(both).keys()


def test_the_differences_to_staging_stand_beside_the_first_variable() -> None:
    variables = WELL | {
        "STAGING_NODE_ENV": "production",
        "STAGING_LOG_LEVEL": "debug",
        "STAGING_CORS_ORIGINS": f"https://u:{JWT}@staging.example",
    }

    result = look("NODE_ENV", variables)

    assert result.evidence is not None
    (table,) = result.evidence.attachments
    assert isinstance(table, Table)
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["LOG_LEVEL"] == ("debug", "info", "differs")
    assert rows["NODE_ENV"] == ("production", "production", "same")
    assert rows["CORS_ORIGINS"][0] == "(hidden)"
    assert rows["RATE_LIMIT_PUBLIC"] == ("unset", "60", "not read")
    assert next(iter(rows)) in ("LOG_LEVEL", "CORS_ORIGINS")
    other = look("LOG_LEVEL", variables)
    assert other.evidence is not None
    assert other.evidence.attachments == ()


def test_a_value_under_a_secrets_name_is_not_shown() -> None:
    value = "aHardToGuessValue123"

    result = look("MY_API_KEY", WELL | {"MY_API_KEY": value}, env={"MY_API_KEY": {"not": ["x"]}})

    assert result.outcome is Outcome.PASSED
    assert value not in repr(result)
