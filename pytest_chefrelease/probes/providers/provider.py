"""What a check asks of whoever runs the application."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

CRASH_WINDOW = timedelta(minutes=15)
"""How far back crashes count: what happened before says nothing of what runs now."""


class State(StrEnum):
    """What an instance does, whatever its vendor calls that."""

    RUNNING = "running"
    CHANGING = "changing"
    RESTING = "resting"
    """Stopped, as a platform does with what nobody asks: it starts with the next request."""
    FAILED = "failed"


class HealthCheck(Struct, frozen=True):
    """A health check of the provider's own; ``is_passing`` by its word in ``status``."""

    name: str
    status: str
    is_passing: bool


class Instance(Struct, frozen=True):
    """One machine, container or process of an application.

    ``said`` is the state in the vendor's word; ``image`` is what it runs, with its digest
    where that is known; ``marks`` are a version or commit by the place where the image or
    its configuration tells it; ``crashes`` counts the ends that nobody asked for in
    ``CRASH_WINDOW``; ``headers`` lead a request to this very instance, where the vendor can.
    """

    name: str
    state: State
    said: str
    image: str | None = None
    marks: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[HealthCheck, ...] = ()
    region: str = ""
    crashes: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def unwell(self) -> str:
        """Why it is not in order, or nothing."""
        if self.state not in (State.RUNNING, State.RESTING):
            return self.said
        failing = [
            f"{check.name} is {check.status}" for check in self.checks if not check.is_passing
        ]
        return ", ".join(failing) if self.state is State.RUNNING else ""


class Deployed(Struct, frozen=True):
    """What a provider has deployed for one application.

    ``wanted`` is how many instances have to run, None where the provider has no such number;
    ``marks`` are a version or commit of the newest deploy as a whole, where the provider
    keeps deploys; ``is_changing`` says that one is under way, and ``problem`` why the newest
    did not come about. ``has_instances`` is False for what has none (a static site).
    """

    place: str
    instances: tuple[Instance, ...]
    wanted: int | None = None
    deploy: str = ""
    marks: Mapping[str, str] = field(default_factory=dict)
    is_changing: bool = False
    problem: str = ""
    has_instances: bool = True

    @property
    def images(self) -> tuple[str, ...]:
        """The different images that instances have, running or not."""
        found = (instance.image for instance in self.instances)
        return tuple(dict.fromkeys(image for image in found if image))


class PastRelease(Struct, frozen=True):
    """Something that was deployed and can be again.

    ``reference`` is what the provider takes to do it: an image, or the id of a deploy;
    ``problem`` says why it would not work any more.
    """

    reference: str
    marks: Mapping[str, str] = field(default_factory=dict)
    deployed_at: datetime | None = None
    problem: str = ""


class Provider(Protocol):
    """Reads what runs; changes nothing."""

    @property
    def name(self) -> str:
        """The provider's name in settings."""

    async def deployed(self, app: str) -> Deployed:
        """What is deployed for an application now. Raises ProbeErrors."""

    async def releases(self, app: str) -> tuple[PastRelease, ...]:
        """What was deployed, newest first: the first is what runs. Raises ProbeErrors."""
