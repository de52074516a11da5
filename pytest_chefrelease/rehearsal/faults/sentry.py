"""Faults that Sentry tells, and some of Sentry itself."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.doubles.sentry import issue
from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, intercepting, setting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.rehearsal.repository import PREVIOUS, RELEASE
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

_ITEM = ("sentry.no-new-issues",)
_REGRESSED = issue(
    12, "Payroll run counts a shift twice", PREVIOUS, release=RELEASE, substatus="regressed"
)


def _red(name: str, title: str, apply: Effect, stage: Stage = Stage.POSTRELEASE) -> Fault:
    return Fault(name, title, stage, apply, red=_ITEM, action=Action.ROLL_BACK_OR_HOTFIX)


def _open(name: str, title: str, apply: Effect) -> Fault:
    return Fault(name, title, Stage.POSTRELEASE, apply, unverified=_ITEM, verdict=Decision.HOLD)


FAULTS = (
    _red(
        "sentry-new-issue",
        "The release raises an error that no release before it raised",
        changing("sentry", issues=[issue(11, "TypeError: channel of undefined", RELEASE)]),
    ),
    _red(
        "sentry-regressed",
        "An issue that was resolved is back in the release",
        changing("sentry", issues=[_REGRESSED]),
        Stage.MONITORING,
    ),
    _red(
        "sentry-crash-free-low",
        "One session in twenty crashes",
        changing("sentry", sessions=2_000, crashed=100),
    ),
    Fault(
        "sentry-other-release",
        "Sentry was told of a deploy of a hotfix that nobody knows of here",
        Stage.POSTRELEASE,
        changing(
            "sentry", releases=[PREVIOUS, RELEASE, "v1.5.1"], deployed=[PREVIOUS, RELEASE, "v1.5.1"]
        ),
        unverified=("version.coherence",),
        verdict=Decision.HOLD,
    ),
    _open(
        "sentry-no-sessions",
        "Nobody has used the release yet, as far as Sentry knows",
        changing("sentry", sessions=0, crashed=0),
    ),
    _open(
        "sentry-token-refused",
        "Sentry does not know the token any more",
        setting(SENTRY_AUTH_TOKEN="sntryu_" + "0" * 64),
    ),
    _open(
        "sentry-rate-limited",
        "Sentry refuses to be asked so often",
        intercepting(Intercept("sentry", path="/api/0/organizations/*", status=429)),
    ),
)
