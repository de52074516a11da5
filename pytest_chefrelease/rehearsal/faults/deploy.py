"""Faults of the deployment itself, as the provider and the application tell them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.doubles import fly
from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, intercepting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.parameters import (
    BROWSER_PROTECTED,
    LATENCY,
    NO_5XX,
    PREFLIGHT,
    SLOWER,
    SMOKE,
)
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_API, _WEB = "deploy.executed[api]", "deploy.executed[web]"
_INSTANCES = "deploy.instances"


def _deploy_other_commit(stack: Stack) -> None:
    """Somebody deployed what stood on the branch before the release, with the release's name."""
    commit = stack.repository.commit_of("v1.5.0~1")
    other = replace(stack.release_build, commit=commit)
    stack.change("production-api", **other.fields())
    stack.change("fly", **fly.deployed(stack.previous_build, other))


def _forget_web(stack: Stack) -> None:
    """Only the API was deployed."""
    stack.change("production-web", **stack.previous_build.fields())
    api = [fly.machine(fly.API_APP, number) for number in (0, 1)]
    web = [fly.machine(fly.WEB_APP, number, build=0) for number in (0, 1)]
    stack.change("fly", machines=[*api, *web])


def _machines(**second_of_api: str | int | list[int]) -> Effect:
    """The API's second machine is otherwise."""
    return lambda stack: stack.change("fly", machines=fly.fleet(**second_of_api))


def _after(
    name: str,
    title: str,
    apply: Effect,
    *red: str,
    action: Action,
    unverified: tuple[str, ...] = (),
) -> Fault:
    return Fault(
        name, title, Stage.POSTRELEASE, apply, red=red, action=action, unverified=unverified
    )


FAULTS = (
    _after(
        "deploy-other-commit",
        "Another commit than the release's was deployed, under the release's version",
        _deploy_other_commit,
        _API,
        action=Action.ROLL_BACK,
        unverified=(_WEB, "version.coherence"),
    ),
    _after(
        "web-not-deployed",
        "After the deploy the web front still runs the release before",
        _forget_web,
        _WEB,
        action=Action.ROLL_BACK,
        unverified=("version.coherence",),
    ),
    _after(
        "deploy-half-way",
        "The rolling deploy stopped half way: one machine still has the previous image",
        _machines(build=0),
        _API,
        action=Action.ROLL_BACK,
        unverified=("version.coherence",),
    ),
    _after(
        "instance-unhealthy",
        "One machine of the API fails its provider's health check",
        _machines(check="critical"),
        _INSTANCES,
        action=Action.ROLL_BACK_OR_HOTFIX,
    ),
    _after(
        "restart-loop",
        "One machine of the API is out of memory again and again, and started anew",
        _machines(exits_ago_s=[30, 200, 380, 600]),
        _INSTANCES,
        action=Action.ROLL_BACK_OR_HOTFIX,
    ),
    _after(
        "maintenance-left-on",
        "The API still answers 503 to everything but health: nobody ended maintenance",
        changing("production-api", maintenance=True),
        "deploy.maintenance-off",
        action=Action.ROLL_BACK_OR_HOTFIX,
        # Nothing can be said of what is closed.
        unverified=(
            *(SMOKE[name] for name in SMOKE if name != "GET /health"),
            *(PREFLIGHT[rule] for rule in PREFLIGHT if rule != "cors"),
            *(*BROWSER_PROTECTED, "routes.login", LATENCY["/inventory/items"]),
            SLOWER["/inventory/items"],
            *("secrets.jwt-rotation", "secrets.old-is-dead[JWT_SECRET]", NO_5XX),
        ),
    ),
    Fault(
        "maintenance-page-missing",
        "There is no maintenance page: its address answers 404",
        Stage.PRERELEASE,
        intercepting(Intercept("production-web", "/maintenance", status=404, body="Not Found")),
        red=("deploy.maintenance-on",),
    ),
)
