"""Faults of what people sign, and of when releases are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal import past, people
from pytest_chefrelease.rehearsal.faults.effects import Effect, configuring
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.signoffs import NOTES_REF
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_SPOT_CHECK, _APPROVED = people.BEFORE


def _revoking(duty: people.Duty) -> Effect:
    return lambda stack: stack.revoke(duty)


def _nothing_signed(stack: Stack) -> None:
    stack.touch_repository().git("update-ref", "-d", NOTES_REF)


def _signed_before_the_last_commit(stack: Stack) -> None:
    _nothing_signed(stack)
    repository = stack.touch_repository()
    for duty in people.BEFORE:
        people.sign(repository, duty, repository.commit_of("HEAD~1"))


def _unsigned(
    name: str, title: str, apply: Effect, *items: str, stage: Stage = Stage.PRERELEASE
) -> Fault:
    return Fault(name, title, stage, apply, unverified=items, verdict=Decision.HOLD)


_BEFORE = tuple(duty.item for duty in people.BEFORE)
FAULTS = (
    _unsigned("no-sign-off", "Nobody has signed anything", _nothing_signed, *_BEFORE),
    _unsigned(
        "sign-off-revoked",
        "The release manager has taken the approval back",
        _revoking(_APPROVED),
        _APPROVED.item,
    ),
    _unsigned(
        "spot-check-revoked",
        "The tester has taken the spot check on staging back",
        _revoking(_SPOT_CHECK),
        _SPOT_CHECK.item,
    ),
    _unsigned(
        "sign-off-for-another-commit",
        "What people signed is the commit before the release",
        _signed_before_the_last_commit,
        *_BEFORE,
    ),
    _unsigned(
        "not-announced",
        "Nobody was told of the deployment",
        _revoking(people.ANNOUNCED),
        people.ANNOUNCED.item,
        stage=Stage.POSTRELEASE,
    ),
    _unsigned(
        "not-documented",
        "The release is not documented when the watch ends",
        _revoking(people.DOCUMENTED),
        people.DOCUMENTED.item,
        stage=Stage.MONITORING,
    ),
    Fault(
        "release-frozen",
        "Releases are frozen today",
        Stage.PRERELEASE,
        configuring(
            "[release.freeze]\n"
            "windows = [{ from = 2020-01-01, to = 2099-12-31, reason = 'the year-end trade' }]"
        ),
        red=("release.freeze",),
    ),
    Fault(
        "gate-cries-wolf",
        "Three releases went out over the same block, and were good",
        Stage.PRERELEASE,
        lambda stack: past.write(stack.ledger, past.CRYING_WOLF),
        warned=("release.track-record",),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
)
