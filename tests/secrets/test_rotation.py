"""secrets.rotation by each store's record; stores that keep no dates need a recorded rotation."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.probes.aws_server import aws_server, point_at, without_credentials
from tests.probes.loopback import Request, answer, serving
from tests.secrets.contract import discovery_answer, openapi_answer, read
from tests.secrets.world import JWT, VALUES, verify, verifying, without

ITEM = "secrets.rotation"
NOW = datetime.now(UTC)
TOKEN = "fo1_tokenthatreads"
Answer = Callable[[Request], bytes]


def days_ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")


def day(days: float) -> str:
    return (NOW - timedelta(days=days)).date().isoformat()


def secrets_table(source: str, **rule: object) -> dict[str, object]:
    rules = {"JWT_SECRET": rule} if rule else {}
    return {"secrets": {"source": source, "required": rules}, "provider": {"app": "chef-api"}}


def ask(
    reply: Answer, source: str, item: str = ITEM, *, token: str = "FLY_API_TOKEN", **rule: object
) -> Result:
    """The result for JWT_SECRET with a store whose API a test plays."""

    async def replied(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(request))

    async def go() -> Result:
        async with serving(replied) as site:
            tables = secrets_table(source, **rule)
            tables["secrets"]["api_url"] = site.url  # type: ignore[index]
            variables = VALUES | {token: TOKEN}
            return await verifying(item, "JWT_SECRET", variables=variables, tables=tables)

    return asyncio.run(go())


# --- without a record of the store's own


def test_a_recorded_rotation_within_the_schedule_passes() -> None:
    result = verify(ITEM, "JWT_SECRET", tables=secrets_table("env", rotated_on=day(30)))

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["record"] == "recorded in release.toml"
    assert result.evidence.facts["allowed_days"] == 90


def test_a_rotation_that_is_too_long_ago_fails() -> None:
    result = verify(ITEM, "JWT_SECRET", tables=secrets_table("env", rotated_on=day(120)))

    assert result.outcome is Outcome.FAILED
    assert f"last changed 120 days ago, on {day(120)}" in result.summary


def test_a_schedule_of_ones_own_counts() -> None:
    rule = {"rotated_on": day(10), "rotate": "7d"}

    result = verify(ITEM, "JWT_SECRET", tables=secrets_table("env", **rule))

    assert result.outcome is Outcome.FAILED
    assert "within 7 days" in result.summary


def test_without_any_record_nothing_can_be_said() -> None:
    result = verify(ITEM, "JWT_SECRET")

    assert result.outcome is Outcome.UNVERIFIED
    assert "Set rotated_on = " in result.remedy


def test_a_rotation_in_the_future_is_no_evidence() -> None:
    result = verify(ITEM, "JWT_SECRET", tables=secrets_table("env", rotated_on=day(-3)))

    assert result.outcome is Outcome.UNVERIFIED
    assert "in the future" in result.summary


@pytest.mark.parametrize("name", ["DATABASE_URL", "SENTRY_DSN", "WH_SECRET"])
def test_a_secret_that_is_changed_on_compromise_has_no_schedule(name: str) -> None:
    assert verify(ITEM, name).outcome is Outcome.NOT_APPLICABLE


def test_a_missing_secret_is_told_by_another_item() -> None:
    result = verify(ITEM, "JWT_SECRET", variables=without("JWT_SECRET"))

    assert result.outcome is Outcome.NOT_APPLICABLE


# --- Fly.io


def fly(*listed: Mapping[str, str]) -> Answer:
    document = read("fly.openapi.json")

    def reply(request: Request) -> bytes:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert "show_secrets" not in request.path
        assert request.path.startswith("/apps/chef-api/")
        return answer(200, openapi_answer(document, request.path, {"secrets": list(listed)}))

    return reply


def fly_secret(days: float) -> dict[str, str]:
    return {
        "name": "JWT_SECRET",
        "digest": "b8c2f1",
        "created_at": days_ago(400),
        "updated_at": days_ago(days),
    }


@pytest.mark.parametrize(("days", "outcome"), [(12, Outcome.PASSED), (91, Outcome.FAILED)])
def test_flys_record_decides(days: float, outcome: Outcome) -> None:
    result = ask(fly({"name": "OTHER"}, fly_secret(days)), "fly")

    assert result.outcome is outcome
    assert result.evidence is not None
    assert result.evidence.facts["record"] == "by the record of Fly.io app chef-api"


def test_two_records_that_differ_are_both_shown() -> None:
    result = ask(fly(fly_secret(200)), "fly", rotated_on=day(20))

    assert result.outcome is Outcome.UNVERIFIED
    assert day(200) in result.summary
    assert day(20) in result.summary


def test_fly_tells_presence_without_the_value() -> None:
    present = ask(fly(fly_secret(1)), "fly", "secrets.present")
    absent = ask(fly(), "fly", "secrets.present")
    strength = ask(fly(fly_secret(1)), "fly", "secrets.strength")

    assert present.outcome is Outcome.PASSED
    assert absent.outcome is Outcome.FAILED
    assert strength.outcome is Outcome.UNVERIFIED
    assert "Set secrets.values" in strength.remedy


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (answer(401, "{}"), "answers 401: the token in FLY_API_TOKEN may not read this"),
        (answer(403, "{}"), "answers 403"),
        (answer(404, "{}"), "knows no app chef-api"),
        (answer(429, "", {"retry-after": "30"}), "asked too often"),
        (answer(500, "oops"), "answers 500"),
        (answer(200, "<html>"), "instead of JSON"),
        (answer(200, '{"secrets": [{"name": 5}]}'), "not as documented"),
        (answer(200, "[]"), "not as documented"),
    ],
)
def test_an_answer_that_says_nothing_is_no_evidence(reply: bytes, said: str) -> None:
    result = ask(lambda _: reply, "fly")

    assert result.outcome is Outcome.UNVERIFIED
    assert said in result.summary


def test_without_a_token_its_name_is_told() -> None:
    result = verify(ITEM, "JWT_SECRET", variables={}, tables=secrets_table("fly"))

    assert result.outcome is Outcome.UNVERIFIED
    assert "FLY_API_TOKEN is not set" in result.summary


# --- Render


def render(variables: Mapping[str, str], *, service_is_there: bool = True) -> Answer:
    document = read("render.openapi.json")

    def reply(request: Request) -> bytes:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        name = request.path.rpartition("/")[2]
        if request.path == "/services/srv-1":
            return answer(200 if service_is_there else 404, "{}")
        if name not in variables:
            return answer(404, '{"message":"not found"}')
        body = {"key": name, "value": variables[name]}
        return answer(200, openapi_answer(document, request.path, body))

    return reply


def test_render_gives_the_value_and_needs_a_recorded_rotation() -> None:
    reply = render(VALUES)
    source, token = "render:srv-1", "RENDER_API_KEY"

    assert ask(reply, source, "secrets.present", token=token).outcome is Outcome.PASSED
    assert ask(reply, source, "secrets.strength", token=token).outcome is Outcome.PASSED
    assert ask(reply, source, token=token).outcome is Outcome.UNVERIFIED
    assert ask(reply, source, token=token, rotated_on=day(3)).outcome is Outcome.PASSED


def test_a_weak_value_on_render_is_seen() -> None:
    reply = render({"JWT_SECRET": "a" * 40})

    result = ask(reply, "render:srv-1", "secrets.strength", token="RENDER_API_KEY")

    assert result.outcome is Outcome.FAILED


def test_a_missing_variable_and_a_missing_service_are_told_apart() -> None:
    source, token, item = "render:srv-1", "RENDER_API_KEY", "secrets.present"

    assert ask(render({}), source, item, token=token).outcome is Outcome.FAILED
    gone = ask(render({}, service_is_there=False), source, item, token=token)
    assert gone.outcome is Outcome.UNVERIFIED
    assert "knows no service srv-1" in gone.summary


def test_a_value_in_a_malformed_answer_is_not_repeated() -> None:
    body = json.dumps({"key": "JWT_SECRET", "value": [JWT]})

    result = ask(
        lambda _: answer(200, body), "render:srv-1", "secrets.present", token="RENDER_API_KEY"
    )

    assert result.outcome is Outcome.UNVERIFIED
    assert "not as documented" in result.summary


# --- AWS


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with aws_server() as address:
        yield address


@pytest.fixture
def aws(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    point_at(moto, monkeypatch)
    return moto


async def at(when: datetime, source: str, item: str = ITEM) -> Result:
    return await verifying(item, "JWT_SECRET", tables=secrets_table(source), now=lambda: when)


def test_secrets_manager_tells_when_the_current_version_was_made(aws: str) -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="chef/JWT_SECRET", SecretString=JWT)
    client.put_secret_value(SecretId="chef/JWT_SECRET", SecretString=JWT[::-1])

    fresh = asyncio.run(at(datetime.now(UTC), "aws:chef/"))
    stale = asyncio.run(at(datetime.now(UTC) + timedelta(days=91), "aws:chef/"))

    assert fresh.outcome is Outcome.PASSED
    assert stale.outcome is Outcome.FAILED
    assert stale.where.startswith("chef/JWT_SECRET in AWS Secrets Manager")


def test_a_secret_that_is_scheduled_for_deletion_is_missing(aws: str) -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="gone/JWT_SECRET", SecretString=JWT)
    client.delete_secret(SecretId="gone/JWT_SECRET")

    result = asyncio.run(at(NOW, "aws:gone/", "secrets.present"))

    assert result.outcome is Outcome.FAILED


def test_a_parameter_tells_when_it_was_last_set(aws: str) -> None:
    client = boto3.client("ssm")
    client.put_parameter(Name="/chef/JWT_SECRET", Value=JWT, Type="SecureString")

    fresh = asyncio.run(at(datetime.now(UTC), "aws-parameters:/chef/"))
    stale = asyncio.run(at(datetime.now(UTC) + timedelta(days=91), "aws-parameters:/chef/"))

    assert fresh.outcome is Outcome.PASSED
    assert stale.outcome is Outcome.FAILED


@pytest.mark.parametrize("source", ["aws:none/", "aws-parameters:/none/"])
def test_what_aws_does_not_have_is_missing(aws: str, source: str) -> None:
    assert asyncio.run(at(NOW, source, "secrets.present")).outcome is Outcome.FAILED


def test_aws_that_does_not_answer_is_no_evidence(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    result = asyncio.run(at(NOW, "aws:chef/"))

    assert result.outcome is Outcome.UNVERIFIED
    assert "AWS does not answer" in result.summary


def test_aws_without_credentials_says_which(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_credentials(monkeypatch)

    result = asyncio.run(at(NOW, "aws:chef/"))

    assert result.outcome is Outcome.UNVERIFIED
    assert "no AWS credentials" in result.summary


# --- Google Cloud


def gcp(pages: list[list[dict[str, str]]], token: str = TOKEN) -> Answer:
    document = read("gcp.discovery.json")

    def reply(request: Request) -> bytes:
        if request.method == "POST":
            return answer(200, json.dumps({"access_token": token, "expires_in": 3600}))
        assert request.headers["authorization"] == f"Bearer {token}"
        assert "/projects/chef-prod/secrets/JWT_SECRET/versions" in request.path
        if not pages:
            return answer(404, '{"error": {"code": 404}}')
        found = re.search(r"pageToken=(\d+)", request.path)
        number = int(found.group(1)) if found else 0
        body: dict[str, object] = {"versions": pages[number], "totalSize": 3}
        if number + 1 < len(pages):
            body["nextPageToken"] = str(number + 1)
        return answer(200, discovery_answer(document, request.path, body))

    return reply


def version(number: int, days: float, state: str = "ENABLED") -> dict[str, str]:
    name = f"projects/1/secrets/JWT_SECRET/versions/{number}"
    return {"name": name, "createTime": days_ago(days), "state": state}


@pytest.mark.parametrize(
    ("pages", "outcome"),
    [
        ([[version(2, 5), version(1, 300)]], Outcome.PASSED),
        ([[version(2, 5, "DISABLED")], [version(1, 300)]], Outcome.FAILED),
        ([[version(1, 5, "DESTROYED")]], Outcome.NOT_APPLICABLE),
        ([], Outcome.NOT_APPLICABLE),
    ],
)
def test_the_newest_enabled_version_decides(
    pages: list[list[dict[str, str]]], outcome: Outcome
) -> None:
    result = ask(gcp(pages), "gcp:chef-prod", token="GOOGLE_OAUTH_ACCESS_TOKEN")

    assert result.outcome is outcome


def test_a_secret_without_an_enabled_version_is_missing() -> None:
    reply = gcp([[version(1, 5, "DISABLED")]])

    result = ask(reply, "gcp:chef-prod", "secrets.present", token="GOOGLE_OAUTH_ACCESS_TOKEN")

    assert result.outcome is Outcome.FAILED


def test_a_service_accounts_credentials_get_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "account.json"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

    async def replied(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(gcp([[version(1, 5)]])(request))

    async def go() -> Result:
        async with serving(replied) as site:
            file.write_text(json.dumps(account(site.url)))
            tables = secrets_table("gcp:chef-prod")
            tables["secrets"]["api_url"] = site.url  # type: ignore[index]
            return await verifying(ITEM, "JWT_SECRET", tables=tables)

    assert asyncio.run(go()).outcome is Outcome.PASSED


def account(url: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "project_id": "chef-prod",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "gate@chef-prod.iam.example",
        "token_uri": f"{url}/token",
    }


def test_without_google_credentials_the_way_to_them_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))

    result = verify(ITEM, "JWT_SECRET", tables=secrets_table("gcp:chef-prod"))

    assert result.outcome is Outcome.UNVERIFIED
    assert "gcloud auth application-default login" in result.remedy
