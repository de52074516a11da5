"""What an application says of itself and of the services behind it, and when it says nothing."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_chefrelease.errors import Failed, ProbeError
from pytest_chefrelease.runbook.item import Symptom

_UP = (True, "true", "ok", "up", "healthy", "connected", "ready", "pass", "operational")
_DOWN = (
    *(False, "false", "no", "error", "down", "fail", "failed", "failing", "unhealthy", "degraded"),
    *("not ready", "not_ready", "not-ready", "notready", "unready", "unavailable", "starting"),
    *("out_of_service", "shutting_down", "critical"),
)
_OFF = (None, "disabled", "unused", "not configured", "not_configured", "n/a")


def is_up(state: object) -> bool:
    """Whether a service says that it works."""
    return _folded(state) in _UP


def is_down(state: object) -> bool:
    """Whether it says in so many words that it does not work."""
    return isinstance(state, bool | str) and _folded(state) in _DOWN  # 0 is often a code for ok


def is_off(state: object) -> bool:
    """Whether a service says that it is not used."""
    return _folded(state) in _OFF


def states(services: object) -> Mapping[str, object]:
    """State by service; a service may be told by an object that has a status."""
    return {
        name: as_object(state).get("status", "no status") if isinstance(state, dict) else state
        for name, state in as_object(services).items()
    }


def as_object(document: object) -> Mapping[str, object]:
    """A JSON object with its keys as text; empty where it is none."""
    return {str(k): v for k, v in document.items()} if isinstance(document, dict) else {}


def unanswered(error: ProbeError, url: str) -> Failed:
    """What is wrong where the application was asked about itself and gave no JSON."""
    return Failed(
        error.seen,
        expected="status 200 and a JSON object",
        where=f"GET {url}",
        remedy=error.remedy,
        symptom=Symptom.HEALTH_FAILING,
    )


def _folded(state: object) -> object:
    return state.strip().lower() if isinstance(state, str) else state
