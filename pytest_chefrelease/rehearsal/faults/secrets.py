"""Faults of the secrets that production reads: missing, weak, old, shared, or in the open."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.faults.effects import Effect, intercepting, setting, unsetting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.release_again import release_again
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack


def _missing(name: str, title: str, variable: str, apply: Effect) -> Fault:
    return Fault(name, title, Stage.PRERELEASE, apply, red=(f"secrets.present[{variable}]",))


def _weak(name: str, title: str, value: str) -> Fault:
    return Fault(
        name,
        title,
        Stage.PRERELEASE,
        setting(JWT_SECRET=value),
        red=("secrets.strength[JWT_SECRET]",),
    )


def _open(name: str, title: str, apply: Effect, *red: str) -> Fault:
    return Fault(name, title, Stage.PRERELEASE, apply, red=red)


def _writing(path: str, text: Callable[[Stack], str]) -> Effect:
    """The release has a file with this text behind what it has now."""

    def change(stack: Stack, tree: Path) -> None:
        file = tree / path
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(before + text(stack), encoding="utf-8")

    return release_again(change)


def _encoded(stack: Stack) -> str:
    value = f"jwt: {stack.environment['JWT_SECRET']}".encode()
    return f"data:\n  config: {base64.b64encode(value).decode()}\n"


def _in_render_yaml(_: Stack, tree: Path) -> None:
    file = tree / "render.yaml"
    text = file.read_text(encoding="utf-8")
    inline = f"key: WH_SECRET\n        value: {secrets.token_hex(16)}\n"
    file.write_text(text.replace("key: WH_SECRET\n        sync: false\n", inline), encoding="utf-8")


def _github_token(_: Stack) -> str:
    return f"export GH_TOKEN=ghp_{secrets.token_hex(18)}\n"


def _note(stack: Stack) -> None:
    value = stack.environment["JWT_SECRET"]
    stack.touch_repository().git("notes", "add", "--force", f"--message=signed with {value}")


def _shared(stack: Stack) -> None:
    stack.environment["WH_SECRET"] = stack.environment["STAGING_WH_SECRET"]


def _not_rotated(stack: Stack) -> None:
    stack.rotated_on -= timedelta(days=90)


def _served_script(stack: Stack) -> None:
    """The build put the variable into the browser's code, as a NEXT_PUBLIC_ name would."""
    value = stack.environment["JWT_SECRET"]
    rule = Intercept(
        "staging-web",
        path="/_next/static/*/app.js",
        replace=("'use strict';", f"'use strict'; const key = '{value}';"),
    )
    stack.intercept(rule)


def _served_health(stack: Stack) -> None:
    stack.intercept(
        Intercept(
            "production-api",
            path="/health",
            merge={"config": {"database": stack.environment["DATABASE_URL"]}},
        )
    )


FAULTS = (
    _missing("secret-missing", "WH_SECRET is not set", "WH_SECRET", unsetting("WH_SECRET")),
    _missing("secret-empty", "SENTRY_DSN is set, to nothing", "SENTRY_DSN", setting(SENTRY_DSN="")),
    _weak("secret-short", "JWT_SECRET has 16 characters", "q7Xw2Lr9Tz4Bn8Vk"),
    _weak(
        "secret-placeholder",
        "JWT_SECRET is the example's placeholder",
        "change-me-to-a-secret-of-32-characters-or-more",
    ),
    _weak("secret-repeated", "JWT_SECRET is one letter, forty times", "a" * 40),
    _weak(
        "secret-keyboard",
        "JWT_SECRET runs along the keyboard",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
    ),
    _open(
        "secret-shared-with-staging",
        "WH_SECRET has staging's value",
        _shared,
        "secrets.strength[WH_SECRET]",
        "secrets.distinct[WH_SECRET]",
    ),
    _open(
        "secret-not-rotated",
        "JWT_SECRET was last rotated 120 days ago",
        _not_rotated,
        "secrets.rotation[JWT_SECRET]",
    ),
    _open(
        "secret-in-repository",
        "The release adds a file with JWT_SECRET in base64",
        _writing("infra/k8s/config.yaml", _encoded),
        "secrets.not-in-repository[JWT_SECRET]",
    ),
    _open(
        "secret-in-note",
        "A git note on the release quotes JWT_SECRET",
        _note,
        "secrets.not-in-repository[JWT_SECRET]",
    ),
    _open(
        "secret-in-blueprint",
        "render.yaml gives WH_SECRET a value",
        release_again(_in_render_yaml),
        "secrets.not-in-blueprint",
    ),
    _open(
        "credential-in-release",
        "The release adds a script with somebody's GitHub token",
        _writing("scripts/mirror.sh", _github_token),
        "secrets.no-credentials-in-release",
    ),
    _open(
        "secret-in-script",
        "Staging's web front serves JWT_SECRET in a script",
        _served_script,
        "secrets.not-served[web]",
    ),
    Fault(
        "secret-in-health",
        "The health endpoint shows the database's address with its password",
        Stage.POSTRELEASE,
        _served_health,
        red=("secrets.not-served[api]",),
        action=Action.ROLL_BACK,
    ),
    Fault(
        "old-secret-accepted",
        "The API still accepts tokens of the secret before the rotation",
        Stage.POSTRELEASE,
        intercepting(
            Intercept(
                "production-api",
                path="/workforce/employees",
                status=200,
                body='{"items": [], "total": 0}',
                content_type="application/json",
            )
        ),
        red=("secrets.jwt-rotation", "secrets.old-is-dead[JWT_SECRET]"),
        action=Action.ROLL_BACK,
    ),
)
