"""Faults of production's variables, and of the provider's files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.faults.effects import Effect, setting, unsetting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.release_again import release_again
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_FLY = "infra/fly/api/fly.toml"


def _rewriting(path: str, before: str, after: str) -> Effect:
    def change(_: Stack, tree: Path) -> None:
        file = tree / path
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(before, after), encoding="utf-8")

    return release_again(change)


def _value(name: str, title: str, apply: Effect, variable: str) -> Fault:
    return Fault(name, title, Stage.PRERELEASE, apply, red=(f"env.value[{variable}]",))


def _file(name: str, title: str, before: str, after: str) -> Fault:
    red = ("env.provider-config[fly.toml]",)
    return Fault(name, title, Stage.PRERELEASE, _rewriting(_FLY, before, after), red=red)


def _with(variable: str, value: Callable[[Stack], str]) -> Effect:
    def apply(stack: Stack) -> None:
        stack.environment[variable] = value(stack)

    return apply


FAULTS = (
    _value(
        "env-not-production",
        "NODE_ENV is staging in production",
        setting(NODE_ENV="staging"),
        "NODE_ENV",
    ),
    _value(
        "env-cors-open",
        "CORS_ORIGINS lets every origin in, beside the right one",
        _with("CORS_ORIGINS", lambda stack: f"{stack.web_url},*"),
        "CORS_ORIGINS",
    ),
    _value("env-docs-on", "DOCS_ENABLED is on", setting(DOCS_ENABLED="true"), "DOCS_ENABLED"),
    _value(
        "env-stacks-shown",
        "Errors show their stacks",
        setting(ERROR_INCLUDE_STACKS="1"),
        "ERROR_INCLUDE_STACKS",
    ),
    _value(
        "env-variable-missing",
        "RATE_LIMIT_PUBLIC is not set",
        unsetting("RATE_LIMIT_PUBLIC"),
        "RATE_LIMIT_PUBLIC",
    ),
    _value(
        "env-public-secret",
        "A public variable holds the webhooks' secret",
        _with("NEXT_PUBLIC_SESSION_IDLE_MINUTES", lambda stack: stack.environment["WH_SECRET"]),
        "NEXT_PUBLIC_SESSION_IDLE_MINUTES",
    ),
    Fault(
        "env-wrong-after-deploy",
        "The deployment went out with verbose logs",
        Stage.POSTRELEASE,
        setting(LOG_LEVEL="debug"),
        red=("env.value[LOG_LEVEL]",),
        action=Action.FIX_AND_RESTART,
    ),
    Fault(
        "env-old-build",
        "The environment still names the build before",
        Stage.POSTRELEASE,
        _with("BUILD_SHA", lambda stack: stack.previous_build.commit),
        red=("env.value[BUILD_SHA]",),
        action=Action.FIX_AND_RESTART,
    ),
    _file(
        "fly-machines-sleep",
        "The API's machines are stopped when nobody asks",
        'auto_stop_machines = "off"\nauto_start_machines = true\nmin_machines_running = 2',
        'auto_stop_machines = "stop"\nauto_start_machines = true\nmin_machines_running = 0',
    ),
    _file(
        "fly-misspelt-variable",
        "fly.toml sets CORS_ORIGIN, the API reads CORS_ORIGINS",
        "CORS_ORIGINS =",
        "CORS_ORIGIN =",
    ),
    _file(
        "fly-no-release-command",
        "Nobody runs the migrations at Fly.io",
        'release_command = "pnpm -C packages/db migrate:deploy"\n',
        "",
    ),
)
