"""What runs on Render: services with their deploys, and instances that tell only their age."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime

from msgspec import Struct

from pytest_chefrelease.probes.providers import marks
from pytest_chefrelease.probes.providers import render_api as api_module
from pytest_chefrelease.probes.providers.provider import (
    CRASH_WINDOW,
    Deployed,
    Instance,
    PastRelease,
    State,
)
from pytest_chefrelease.probes.providers.render_api import RenderApi

_UNDER_WAY = (
    *("created", "queued", "build_in_progress", "pre_deploy_in_progress"),
    "update_in_progress",
)
_FAILED = ("build_failed", "update_failed", "pre_deploy_failed", "canceled")
_CAN_RUN_AGAIN = ("live", "deactivated")
_WITH_INSTANCES = ("web_service", "private_service", "background_worker")


class Render(Struct, frozen=True):
    """Render as a provider; an application is a service's id (``srv-…``)."""

    api: RenderApi
    name: str = "render"

    async def deployed(self, app: str) -> Deployed:
        """The service's newest deploy and its instances."""
        service, deploys = await asyncio.gather(self.api.service(app), self.api.deploys(app))
        newest = deploys[0] if deploys else None
        live = next((each for each in deploys if each.status == "live"), None)
        has_instances = service.type in _WITH_INSTANCES
        return Deployed(
            place=f"Render service {service.name}",
            instances=await self._instances(app, live) if has_instances else (),
            wanted=_wanted(service) if has_instances else None,
            deploy=f"deploy {newest.id} {newest.status}" if newest else "",
            marks=_marks(newest) if newest else {},
            is_changing=newest is not None and newest.status in _UNDER_WAY,
            problem=_problem(service, newest, live),
            has_instances=has_instances,
        )

    async def releases(self, app: str) -> tuple[PastRelease, ...]:
        """The deploys that were live, newest first."""
        return tuple(
            PastRelease(each.id, _marks(each), each.finished_at or each.created_at)
            for each in await self.api.deploys(app)
            if each.status in _CAN_RUN_AGAIN
        )

    async def _instances(self, app: str, live: api_module.Deploy | None) -> tuple[Instance, ...]:
        since = datetime.now(UTC) - CRASH_WINDOW
        listed, failures = await asyncio.gather(
            self.api.instances(app), self.api.events(app, "server_failed", since)
        )
        begun = live.created_at if live else None
        failed = Counter(
            event.details.instance
            for event in failures
            # Evicted is what the platform moves: the application has not ended by itself.
            if event.timestamp >= since and not event.details.reason.evicted
        )
        shown = [_instance(each, begun, failed.pop(each.id, 0)) for each in listed]
        # Who failed for good is not listed any more; older events do not say who it was.
        shown += [_gone(name or "an instance", count) for name, count in failed.items()]
        return tuple(shown)


def _instance(instance: api_module.Instance, begun: datetime | None, crashes: int) -> Instance:
    is_older = begun is not None and instance.created_at < begun
    return Instance(
        name=instance.id,
        state=State.CHANGING if is_older else State.RUNNING,
        said="older than the live deploy" if is_older else "running",
        crashes=crashes,
    )


def _gone(name: str, crashes: int) -> Instance:
    return Instance(name, State.RESTING, "failed and gone", crashes=crashes)


def _wanted(service: api_module.Service) -> int | None:
    scaling = service.service_details.autoscaling
    if scaling is not None and scaling.enabled:
        return scaling.min
    return service.service_details.num_instances


def _problem(
    service: api_module.Service,
    newest: api_module.Deploy | None,
    live: api_module.Deploy | None,
) -> str:
    if service.suspended == "suspended":
        return "the service is suspended"
    if newest is not None and newest.status in _FAILED:
        rest = f"; {live.id} from before is still live" if live else ""
        return f"deploy {newest.id} ended as {newest.status}{rest}"
    return ""


def _marks(deploy: api_module.Deploy) -> dict[str, str]:
    found = {}
    if deploy.commit is not None and deploy.commit.id:
        found["the deploy's commit"] = deploy.commit.id
    if deploy.image is not None:
        found |= marks.of_tag(marks.tag_of(deploy.image.ref))
    return found
