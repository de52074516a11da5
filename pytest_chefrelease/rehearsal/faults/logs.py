"""Faults that only the application's log shows, or that the log itself has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.chefcloud.visitors import message_line, request_line
from pytest_chefrelease.rehearsal.faults.effects import Effect, changing, intercepting
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.parameters import (
    LATENCY,
    LOGS,
    NO_5XX,
    SLOWER,
    WATCH_ENDED,
)
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

_AUTH, _PATTERNS = "logs.auth-failures", "logs.error-patterns"
_CRASH = "Unhandled promise rejection: connect ECONNREFUSED 10.0.9.4:6379"


def requests(count: int, method: str, path: str, *statuses: int) -> Effect:
    """Visitors made so many requests just now, answered with these statuses in turn."""

    def apply(stack: Stack) -> None:
        now_s = time.time()
        stack.log(
            "".join(
                request_line(now_s, method, path, statuses[n % len(statuses)]) for n in range(count)
            )
        )

    return apply


def _going_on(stack: Stack) -> None:
    """The release runs for twenty minutes; about once in seventy seconds an order fails."""
    now_s = time.time()
    lines = (request_line(now_s - ago, "POST", "/pos/orders", 500) for ago in range(1_060, 0, -70))
    stack.log("".join(lines))
    stack.intercept(Intercept("production-api", path="/health", merge={"uptime": 1_200}))


def messages(texts: Sequence[str], level: int = 50) -> Effect:
    """The application said this just now."""

    def apply(stack: Stack) -> None:
        stack.log("".join(message_line(time.time(), text, level) for text in texts))

    return apply


def _look_elsewhere(stack: Stack) -> None:
    """release.toml names a log of a machine that is no more."""
    stack.log_source = f"file:{stack.logs / 'old-host' / '*.json'}"


def _write_binary(stack: Stack) -> None:
    """The logger's output is compressed by mistake: what is written is no text."""
    stack.log_source = f"file:{stack.logs / 'packed.json'}"
    (stack.logs / "packed.json").write_bytes(bytes(range(256)) * 40 + b"\n")


def _through_loki(*effects: Effect) -> Effect:
    """Production's log is read from Loki, and more."""

    def apply(stack: Stack) -> None:
        stack.read_logs_from_loki()
        for effect in effects:
            effect(stack)

    return apply


def _fault(
    name: str,
    title: str,
    stage: Stage,
    apply: Effect,
    *red: str,
    action: Action,
    unverified: tuple[str, ...] = (),
) -> Fault:
    return Fault(name, title, stage, apply, red=red, action=action, unverified=unverified)


def _open(
    name: str, title: str, stage: Stage, apply: Effect, *, strikes_deploy: bool = False
) -> Fault:
    """A log that cannot be read, or says nothing, is no log without errors."""
    return Fault(
        name,
        title,
        stage,
        apply,
        unverified=LOGS[stage],
        verdict=Decision.HOLD,
        strikes_deploy=strikes_deploy,
    )


FAULTS = (
    _fault(
        "log-5xx-burst",
        "Five orders were answered with 500 after the deploy; every probe is fine",
        Stage.POSTRELEASE,
        requests(5, "POST", "/pos/orders", 500),
        NO_5XX,
        action=Action.ROLL_BACK_OR_HOTFIX,
    ),
    _fault(
        "log-5xx-above-five-percent",
        "Half of the orders are answered with 503; every probe is fine",
        Stage.POSTRELEASE,
        requests(120, "POST", "/pos/orders", 201, 503),
        NO_5XX,
        action=Action.ROLL_BACK,
    ),
    _fault(
        "log-5xx-of-unknown-cause",
        "For more than a quarter of an hour an order fails now and then, and nobody knows why",
        Stage.POSTRELEASE,
        _going_on,
        NO_5XX,
        action=Action.ROLL_BACK,
    ),
    _fault(
        "log-5xx-in-watch",
        "Three orders were answered with 500 before the watch began",
        Stage.MONITORING,
        requests(3, "POST", "/pos/orders", 500),
        NO_5XX,
        action=Action.ROLL_BACK_OR_HOTFIX,
    ),
    _fault(
        "login-storm",
        "After the deploy nobody stays logged in: every device is refused again and again",
        Stage.MONITORING,
        requests(300, "GET", "/auth/me", 401),
        *(_AUTH, WATCH_ENDED),
        action=Action.ROLL_BACK,
        unverified=(*LATENCY.values(), *SLOWER.values()),
    ),
    Fault(
        "new-error-pattern",
        "The release logs an unhandled rejection that nobody has seen before",
        Stage.MONITORING,
        messages([_CRASH, _CRASH, "price list 17 has no currency"]),
        warned=(_PATTERNS,),
        verdict=Decision.GO,
        action=Action.PROCEED,
    ),
    _open(
        "logs-silent",
        "The release logs nothing at all",
        Stage.POSTRELEASE,
        changing("production-api", logs=False),
        strikes_deploy=True,
    ),
    _open(
        "logs-silent-in-watch",
        "The release logs nothing at all, and its watch begins",
        Stage.MONITORING,
        changing("production-api", logs=False),
        strikes_deploy=True,
    ),
    _open(
        "logs-missing",
        "release.toml names a log that is not there",
        Stage.POSTRELEASE,
        _look_elsewhere,
    ),
    _open(
        "logs-unreadable",
        "The log is no text: nothing in it can be read",
        Stage.POSTRELEASE,
        _write_binary,
    ),
    _fault(
        "log-5xx-in-loki",
        "Five orders were answered with 500 after the deploy, as Loki has it",
        Stage.POSTRELEASE,
        _through_loki(requests(5, "POST", "/pos/orders", 500)),
        NO_5XX,
        action=Action.ROLL_BACK_OR_HOTFIX,
    ),
    _open(
        "loki-without-lines",
        "The shipper stands still: Loki has not heard of any line",
        Stage.POSTRELEASE,
        _through_loki(changing("loki", is_shipping=False)),
    ),
    _open(
        "loki-refuses-token",
        "Loki does not know the token any more",
        Stage.POSTRELEASE,
        _through_loki(intercepting(Intercept("loki", status=401, body="no org id"))),
    ),
    _open(
        "loki-down-in-watch",
        "Loki answers 500 from the beginning of the watch",
        Stage.MONITORING,
        _through_loki(intercepting(Intercept("loki", status=500, body="context canceled"))),
    ),
)
