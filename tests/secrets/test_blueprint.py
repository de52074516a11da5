"""secrets.not-in-blueprint: what render.yaml and fly.toml may say, and what not."""

from __future__ import annotations

import base64
import textwrap
from itertools import pairwise
from pathlib import Path

import pytest

from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.secrets.world import JWT, PASSWORD, repository, verify

ITEM = "secrets.not-in-blueprint"
RENDER = """
    services:
      - type: web
        name: api
        envVars:
          - key: NODE_ENV
            value: production
          - key: JWT_SECRET
            sync: false
          - key: WH_SECRET
            generateValue: true
          - key: DATABASE_URL
            fromDatabase: {name: db, property: connectionString}
          - key: TOKEN_TTL
            value: 900
          - key: WH_SECRET_REQUIRED
            value: "1"
          - fromGroup: shared
    """
FLY = """
    app = "api"
    [env]
    NODE_ENV = "production"
    SESSION_TOKEN_NAME = "sid"
    PASSWORD_MIN_LENGTH = 12
    """


def look(folder: Path, files: dict[str, str]) -> Result:
    head = repository(folder, {name: textwrap.dedent(text) for name, text in files.items()})
    return verify(ITEM, repository=folder, commit=head)


def test_files_that_only_name_secrets_pass(tmp_path: Path) -> None:
    result = look(tmp_path, {"render.yaml": RENDER, "infra/fly/api/fly.toml": FLY})

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["files"] == 2
    assert result.evidence.facts["values"] == 6


@pytest.mark.parametrize(
    ("path", "text", "seen"),
    [
        (
            "render.yaml",
            "services:\n- envVars:\n  - key: SENTRY_DSN\n    value: anything\n",
            "SENTRY_DSN in render.yaml, line 4: it is one of production's secrets",
        ),
        (
            "render.yaml",
            "envVarGroups:\n- name: g\n  envVars:\n  - key: STRIPE_API_KEY\n    value: anything9\n",
            "STRIPE_API_KEY in render.yaml, line 5: its name says",
        ),
        (
            "render.yaml",
            "services:\n- envVars:\n  - {key: CACHE, value: 'redis://:hunter22@cache:6379'}\n",
            "CACHE in render.yaml, line 3: its value is an address with a password",
        ),
        (
            "render.yaml",
            f"services:\n- name: api\n  dockerCommand: run --jwt {JWT}\n",
            "JWT_SECRET in render.yaml, line 3: production's value stands there as it is",
        ),
        (
            "infra/fly.staging.toml",
            f"app = 'x'\n[env]\nPG = '{PASSWORD}'\n",
            "DATABASE_URL in infra/fly.staging.toml, line 3: production's value stands there",
        ),
        (
            "fly.toml",
            "[build.args]\nNPM_TOKEN = 'anything9'\n",
            "NPM_TOKEN in fly.toml, line 2: its name says",
        ),
        (
            "fly.toml",
            "[[files]]\nguest_path = '/x'\nraw_value = '"
            + base64.b64encode(b"export JWT_SECRET=another-one\n").decode()
            + "'\n",
            "JWT_SECRET in fly.toml, line 3: it is one of production's secrets",
        ),
    ],
)
def test_a_secret_in_the_open_fails_with_its_place(
    tmp_path: Path, path: str, text: str, seen: str
) -> None:
    result = look(tmp_path, {path: text})

    assert result.outcome is Outcome.FAILED
    assert seen in result.summary


def test_a_release_without_such_files_has_nothing_to_hold(tmp_path: Path) -> None:
    assert look(tmp_path, {"Dockerfile": "FROM node:20\n"}).outcome is Outcome.NOT_APPLICABLE


BOMB = "a: &a [x,x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghijklm")
)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("render.yaml", "services: [\n"),
        ("render.yaml", "[" * 5_000),
        ("fly.toml", "app = \n"),
        ("fly.toml", "app = 'x'\n" + "#" * 1_000_000),
        ("fly.toml", f"app = {'9' * 5_000}"),
        ("fly.toml", "app = " + "[" * 5_000),
    ],
)
def test_a_file_that_does_not_parse_is_no_evidence(tmp_path: Path, path: str, text: str) -> None:
    result = look(tmp_path, {path: text})

    assert result.outcome is Outcome.UNVERIFIED
    assert path in result.summary


def test_aliases_without_end_and_foreign_tags_do_nothing(tmp_path: Path) -> None:
    text = BOMB + "run: !!python/object/apply:os.system ['touch sprung']\n"

    result = look(tmp_path, {"render.yaml": text})

    assert result.outcome is Outcome.PASSED
    assert not (tmp_path / "sprung").exists()


def test_a_link_named_like_a_blueprint_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "render.yaml").symlink_to("/etc/hostname")

    assert look(tmp_path, {"a": "a"}).outcome is Outcome.NOT_APPLICABLE
