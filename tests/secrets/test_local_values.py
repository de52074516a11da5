"""What is taken out of all output: every value that this machine holds and settings name."""

from __future__ import annotations

from pathlib import Path

from pytest_chefrelease.probes.providers import fly_api, registry, render_api
from pytest_chefrelease.probes.secret_stores.local_values import USUAL_TOKENS, local_values
from pytest_chefrelease.settings.model import Settings


def test_values_of_variables_and_env_files_are_known(tmp_path: Path) -> None:
    (tmp_path / "prod.env").write_text("JWT_SECRET=from-file\nNODE_ENV=production\n")
    settings = Settings.model_validate(
        {
            "secrets": {
                "source": "env-file:prod.env",
                "token_env": "STORE_TOKEN",
                "rotation_test": {"old_env": "JWT_BEFORE"},
                "required": {"WH_SECRET": {"stored_as": "HOOK"}},
            }
        }
    )
    variables = {
        "STORE_TOKEN": "a-token",
        "JWT_BEFORE": "old",
        "STAGING_HOOK": "staging-hook",
        "STAGING_JWT_SECRET": "staging-jwt",
        "DATABASE_URL": "url",
        "GITHUB_TOKEN": "github",
        "CHEFRELEASE_LOGIN_PASSWORD": "password",
        "HOME": "/nowhere",
    }

    assert local_values(settings, tmp_path, variables) == sorted(
        ["from-file", "a-token", "old", "staging-hook", "staging-jwt", "url", "github", "password"]
    )


def test_the_usual_tokens_are_known_without_being_named(tmp_path: Path) -> None:
    usual = (
        *(fly_api.TOKEN_NAME, render_api.TOKEN_NAME, registry.TOKEN_NAME),
        *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    )
    variables = {name: f"value of {name}" for name in usual}

    assert usual == USUAL_TOKENS
    assert local_values(Settings(), tmp_path, variables) == sorted(variables.values())


def test_an_env_file_that_is_not_there_gives_none(tmp_path: Path) -> None:
    settings = Settings.model_validate({"secrets": {"source": "env-file:none.env"}})

    assert local_values(settings, tmp_path, {}) == []
