"""What runs on Fly.io: machines, read by the Machines API.

Releases themselves are told only by another API; what a machine was before stands in its
versions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from pytest_chefrelease.probes.providers import marks
from pytest_chefrelease.probes.providers.fly_api import Config, Event, FlyApi, ImageRef, Machine
from pytest_chefrelease.probes.providers.provider import (
    CRASH_WINDOW,
    Deployed,
    HealthCheck,
    Instance,
    PastRelease,
    State,
)

_STATES = {
    "started": State.RUNNING,
    "stopped": State.RESTING,
    "suspended": State.RESTING,
    **dict.fromkeys(
        (
            *("created", "starting", "restarting", "stopping", "suspending"),
            *("replacing", "replaced", "updating", "launching"),
        ),
        State.CHANGING,
    ),
}
_GONE = ("destroying", "destroyed")
_PASSING_PARTS = ("fly_app_release_command", "fly_app_console")
"""Process groups of machines that come and go beside the application."""


class Fly(Struct, frozen=True):
    """Fly.io as a provider."""

    api: FlyApi
    name: str = "fly"

    async def deployed(self, app: str) -> Deployed:
        """The app's machines; those that only stand in for others do not count."""
        machines = [each for each in await self.api.machines(app) if _counts(each)]
        now = datetime.now(UTC)
        instances = tuple(_instance(each, now) for each in machines)
        return Deployed(
            place=f"Fly.io app {app}",
            instances=instances,
            wanted=_wanted(machines),
            deploy=_release_number(machines),
            is_changing=any(each.state is State.CHANGING for each in instances),
        )

    async def releases(self, app: str) -> tuple[PastRelease, ...]:
        """The images that the app's first machine had, each once, by its versions."""
        machines = [each for each in await self.api.machines(app) if _counts(each)]
        if not machines:
            return ()
        current = _tagged(machines[0].image_ref)
        found = {current: PastRelease(current, _marks(machines[0]))} if current else {}
        versions = await self.api.versions(app, machines[0].id)
        for version in sorted(versions, key=lambda each: each.version, reverse=True):
            config = version.user_config or Config()
            if config.image:
                found.setdefault(config.image, PastRelease(config.image, _marks_of(config)))
        return tuple(found.values())


def _counts(machine: Machine) -> bool:
    config = machine.config or Config()
    part = (config.metadata or {}).get("fly_process_group", "")
    is_passing = part in _PASSING_PARTS or machine.state in _GONE
    return not is_passing and not config.standbys


def _instance(machine: Machine, now: datetime) -> Instance:
    config = machine.config or Config()
    is_lost = machine.host_status not in ("", "ok")
    state = State.FAILED if is_lost else _STATES.get(machine.state, State.FAILED)
    return Instance(
        name=machine.id,
        state=state,
        said=f"{machine.state}, host {machine.host_status}" if is_lost else machine.state,
        image=_reference(machine.image_ref),
        marks=_marks(machine),
        checks=tuple(
            HealthCheck(each.name, each.status, each.status == "passing")
            for each in machine.checks or ()
        ),
        region=machine.region,
        crashes=sum(1 for _ in _crashes(machine, now)),
        # Documented in "Session affinity": the proxy leads the request there or refuses it.
        headers={"fly-force-instance-id": machine.id} if config.services else {},
    )


def _crashes(machine: Machine, now: datetime) -> Iterator[Event]:
    for event in machine.events or ():
        age_s = now.timestamp() - event.timestamp / 1000
        end = event.request.exit_event if event.request else None
        is_asked_for = end is not None and end.requested_stop and not end.oom_killed
        if event.type == "exit" and not is_asked_for and age_s <= CRASH_WINDOW.total_seconds():
            yield event


def _wanted(machines: Sequence[Machine]) -> int:
    """All that never rest, and of those that may, as many as must always run."""
    resting = [each for each in machines if _may_rest(each)]
    least = [
        service.min_machines_running or 0
        for each in resting
        for service in (each.config or Config()).services or ()
    ]
    # What may rest altogether is started by the request that asks for it.
    return len(machines) - len(resting) + min(max(least, default=0), len(resting))


def _may_rest(machine: Machine) -> bool:
    services = (machine.config or Config()).services or []
    return any(service.autostop not in (None, False, "off") for service in services)


def _release_number(machines: Sequence[Machine]) -> str:
    told = {_metadata(each, "fly_release_version") for each in machines} - {""}
    numbers = sorted(told, key=lambda text: text.zfill(12))
    return f"release {' and '.join(numbers)}" if numbers else ""


def _metadata(machine: Machine, name: str) -> str:
    return ((machine.config or Config()).metadata or {}).get(name, "")


def _marks(machine: Machine) -> dict[str, str]:
    found = marks.of_labels(machine.image_ref.labels) | marks.of_tag(machine.image_ref.tag)
    return found | marks.of_variables((machine.config or Config()).env)


def _marks_of(config: Config) -> dict[str, str]:
    return marks.of_tag(marks.tag_of(config.image)) | marks.of_variables(config.env)


def _reference(image: ImageRef) -> str | None:
    """The image with its digest, so that a tag that was moved is another image."""
    named = _tagged(image)
    return f"{named}@{image.digest}" if named and image.digest and image.tag else named or None


def _tagged(image: ImageRef) -> str:
    """The image as ``fly deploy --image`` takes it; empty where the machine tells none."""
    if not image.repository:
        return ""
    name = "/".join(filter(None, (image.registry, image.repository)))
    if image.tag:
        return f"{name}:{image.tag}"
    return f"{name}@{image.digest}" if image.digest else name
