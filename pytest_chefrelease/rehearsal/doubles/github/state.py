"""What the GitHub double knows: check runs, statuses, what branches require, who may ask."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct, field

from pytest_chefrelease.rehearsal.intercept import Json, Scalar

ACTIONS = 15368
"""The id of the GitHub Actions app, as on github.com."""
SCANNER = 57789

Entry = dict[str, Scalar]
"""What the double knows of one check run or status."""
Document = dict[str, Json]
"""What it answers."""


class State(Struct, frozen=True):
    """One repository as GitHub sees it; lists hold plain entries (see ``check_run``, ``status``).

    ``protection`` are the required checks of the main branch's protection, None where the
    branch has none; ``rules`` those of rulesets. ``role`` is what the token may do:
    ``admin``, ``read`` or ``none``. ``remaining`` is the rest of the primary rate limit,
    ``retry_after_s`` a secondary limit that stands. ``alerts`` are of security (see ``alert``),
    ``releases`` the notes published with tags.
    """

    check_runs: list[Entry] = field(default_factory=list)
    statuses: list[Entry] = field(default_factory=list)
    protection: list[Entry] | None = None
    rules: list[Entry] = field(default_factory=list)
    role: str = "admin"
    remaining: int = 4987
    reset_in_s: int = 1800
    retry_after_s: int | None = None
    main_branch: str = "main"
    alerts: list[Entry] = field(default_factory=list)
    has_security_features: bool = True
    releases: list[Entry] = field(default_factory=list)


def check_run(
    name: str,
    sha: str,
    conclusion: str | None = "success",
    *,
    state: str = "completed",
    age: timedelta = timedelta(hours=4),
    app: int = ACTIONS,
    suite: int = 1,
) -> Entry:
    """A check run that began ``age`` ago; ``conclusion`` is None until it is completed."""
    begun = datetime.now(UTC) - age
    return {
        "name": name,
        "sha": sha,
        "status": state,
        "conclusion": conclusion,
        "started_at": _stamp(begun),
        "completed_at": _stamp(begun + timedelta(minutes=3)) if conclusion else None,
        "app": app,
        "suite": suite,
    }


def status(
    context: str, sha: str, state: str = "success", *, age: timedelta = timedelta(hours=4)
) -> Entry:
    """A commit status (``success``, ``pending``, ``failure``, ``error``) set ``age`` ago."""
    return {
        "context": context,
        "sha": sha,
        "state": state,
        "created_at": _stamp(datetime.now(UTC) - age),
    }


def alert(kind: str, name: str, sha: str, severity: str = "critical", **more: Scalar) -> Entry:
    """An open alert: ``kind`` is secret, code or dependency; ``more`` replaces fields."""
    stamp = _stamp(datetime.now(UTC) - timedelta(days=2))
    given: Entry = {"kind": kind, "name": name, "sha": sha, "severity": severity}
    return given | {"state": "open", "package": "left-pad", "created_at": stamp} | more


def published(tag: str, body: str) -> Entry:
    """A release with its notes."""
    return {"tag": tag, "body": body, "created_at": _stamp(datetime.now(UTC))}


def required(context: str, app: int | None = None) -> Entry:
    """A required check, of one app or of any."""
    return {"context": context, "app_id": app}


def healthy(release: str) -> State:
    """Everything that main requires has passed on the release commit.

    The branch's protection requires two Actions jobs, a ruleset requires a third and the
    commit status of an older integration.
    """
    jobs = ("lint", "build", "test")
    return State(
        check_runs=[check_run(name, release) for name in (*jobs, "docs preview")],
        statuses=[status("security/scan", release)],
        protection=[required("lint", ACTIONS), required("build", ACTIONS)],
        rules=[required("test", ACTIONS), required("security/scan")],
    )


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
