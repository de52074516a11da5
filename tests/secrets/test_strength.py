"""secrets.strength: each kind of weakness is red with its reason, and never with the value."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from pytest_chefrelease.runbook.outcome import Outcome
from tests.secrets.world import JWT, PASSWORD, VALUES, WEBHOOK, repository, verify, without

ITEM = "secrets.strength"


@pytest.mark.parametrize("name", VALUES)
def test_a_strong_secret_passes(name: str) -> None:
    assert verify(ITEM, name).outcome is Outcome.PASSED


def test_the_evidence_tells_length_and_bits_and_no_more() -> None:
    result = verify(ITEM, "JWT_SECRET")

    assert result.evidence is not None
    assert result.evidence.facts["length_chars"] == 43
    assert result.evidence.facts["required_bits"] == 128


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a" * 32, "one character"),
        ("changeme-changeme-changeme-changeme", "placeholder"),
        ("super-secret-jwt-token-with-at-least-32-characters-long", "published in a manual"),
        ("qwertyuiopasdfghjklzxcvbnm123456", "keyboard"),
        ("9f86d081884c7d659a2feaa0c55ad01", "31 characters, at least 32"),
        (WEBHOOK, "it is the value of WH_SECRET"),
        (PASSWORD + PASSWORD[::-1], ""),
        (f" {JWT}", "begins or ends with white space"),
        (f'"{JWT}"', "wrapped in quotes"),
    ],
)
def test_a_weak_signing_secret_fails_with_its_reason(value: str, reason: str) -> None:
    result = verify(ITEM, "JWT_SECRET", variables=without(JWT_SECRET=value))

    assert result.outcome is (Outcome.FAILED if reason else Outcome.PASSED)
    assert reason in result.summary


def test_32_hex_digits_fail_where_256_bits_are_asked_for() -> None:
    tables = {
        "secrets": {
            "source": "env",
            "required": {"JWT_SECRET": {"kind": "signing", "min_entropy_bits": 256}},
        }
    }

    result = verify(
        ITEM,
        "JWT_SECRET",
        variables=without(JWT_SECRET="9f86d081884c7d659a2feaa0c55ad015"),
        tables=tables,
    )

    assert result.outcome is Outcome.FAILED
    assert "32 hexadecimal digits hold at most 128 bits, 256 are asked for" in result.summary


def test_stagings_value_fails() -> None:
    result = verify(ITEM, "JWT_SECRET", variables=without(STAGING_JWT_SECRET=JWT))

    assert result.outcome is Outcome.FAILED
    assert "it is staging's value" in result.summary


def test_a_value_of_the_repositorys_example_file_fails(tmp_path: Path) -> None:
    head = repository(tmp_path, {"services/api/.env.example": f"JWT_SECRET={JWT}\n"})

    result = verify(ITEM, "JWT_SECRET", repository=tmp_path, commit=head)

    assert result.outcome is Outcome.FAILED
    assert "it stands in services/api/.env.example" in result.summary


def test_an_example_file_with_other_values_harms_nobody(tmp_path: Path) -> None:
    head = repository(tmp_path, {".env.example": "JWT_SECRET=changeme\n", "a.txt": JWT})

    result = verify(ITEM, "JWT_SECRET", repository=tmp_path, commit=head)

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["example_files"] == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://chef:changeme@db.chefcloud.io/chef?sslmode=require", "password: it is a pl"),
        ("postgresql://chef:chef@db.chefcloud.io/chef?sslmode=require", "is its user name"),
        (f"postgresql://chef:{PASSWORD}@db.chefcloud.io/chef", "does not demand TLS"),
        ("postgresql://chef@db.chefcloud.io/chef?sslmode=require", "carries no password"),
        ("chefcloud", "no connection URL"),
        (f"postgresql://chef:{JWT}@db.chefcloud.io/chef?sslmode=require", "value of JWT_SECRET"),
    ],
)
def test_a_weak_connection_string_fails_with_its_reason(url: str, reason: str) -> None:
    result = verify(ITEM, "DATABASE_URL", variables=without(DATABASE_URL=url))

    assert result.outcome is Outcome.FAILED
    assert reason in result.summary


def test_a_client_certificate_stands_for_a_password() -> None:
    url = "postgresql://chef@db.chefcloud.io/chef?sslmode=verify-full&sslcert=/run/c.pem"

    result = verify(ITEM, "DATABASE_URL", variables=without(DATABASE_URL=url))

    assert result.outcome is Outcome.PASSED


def test_a_private_network_that_encrypts_needs_no_tls() -> None:
    url = f"postgresql://chef:{PASSWORD}@chef-db.flycast:5432/chef"
    tables = {"secrets": {"source": "env", "private_hosts": ["*.flycast"]}}

    result = verify(ITEM, "DATABASE_URL", variables=without(DATABASE_URL=url), tables=tables)

    assert result.outcome is Outcome.PASSED


def test_a_wrong_dsn_fails() -> None:
    dsn = "https://examplePublicKey@o0.ingest.sentry.io/0"

    result = verify(ITEM, "SENTRY_DSN", variables=without(SENTRY_DSN=dsn))

    assert result.outcome is Outcome.FAILED
    assert "public key is not 32 hexadecimal digits" in result.summary


@pytest.mark.parametrize("value", [None, "", "undefined"])
def test_a_missing_secret_is_told_once_by_another_item(value: str | None) -> None:
    values = without("WH_SECRET") if value is None else without(WH_SECRET=value)

    result = verify(ITEM, "WH_SECRET", variables=values)

    assert result.outcome is Outcome.NOT_APPLICABLE
    assert "see secrets.present" in result.summary


def test_a_secret_that_is_not_used_need_not_be_strong() -> None:
    assert verify(ITEM, "REDIS_URL").outcome is Outcome.NOT_APPLICABLE


def test_no_process_sees_a_value_in_its_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = repository(tmp_path, {".env.example": "JWT_SECRET=changeme\n"})
    seen: list[str] = []
    popen = subprocess.Popen

    def watched(arguments: list[str], **given: object) -> object:
        seen.append(json.dumps(arguments))
        return popen(arguments, **given)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", watched)
    verify(ITEM, "JWT_SECRET", repository=tmp_path, commit=head)

    assert len(seen) >= 2
    assert not any(value in arguments for value in VALUES.values() for arguments in seen)
