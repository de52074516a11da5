"""The rehearsal's doubles of Sentry and Alertmanager on loopback, with all that was said."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiohttp import web

from pytest_chefrelease.rehearsal.doubles import alertmanager, sentry
from pytest_chefrelease.rehearsal.intercept import Intercept, Interceptor
from pytest_chefrelease.rehearsal.site import Site
from tests.probes.vendor_doubles import RELEASE, WORLD

SENTRY_TOKEN = "sntryu_test"


@dataclass(frozen=True)
class Said:
    """One answer: to which path and query, its status and JSON."""

    target: str
    status: int
    body: object


@dataclass
class Running:
    """A double, its address, and what it said."""

    url: str
    double: Site
    said: list[Said] = field(default_factory=list)


def sentry_double() -> Site:
    """Sentry, where the release is known and deployed."""
    double = sentry.build(replace(WORLD, sentry_token=SENTRY_TOKEN))
    double.change({"releases": ["v1.4.2", RELEASE.version]})
    return double


def alertmanager_double() -> Site:
    return alertmanager.build(WORLD)


@asynccontextmanager
async def serving(double: Site, *intercepts: Intercept) -> AsyncIterator[Running]:
    application = double.application()
    interceptor = Interceptor(double.name)
    for rule in intercepts:
        interceptor.add(rule)
    interceptor.install(application)
    running = Running("", double)

    async def note(request: web.Request, answer: web.StreamResponse) -> None:
        text = answer.text if isinstance(answer, web.Response) else None
        body = json.loads(text) if text and answer.content_type == "application/json" else text
        running.said.append(Said(request.path_qs, answer.status, body))

    application.on_response_prepare.append(note)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    running.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield running
    finally:
        await runner.cleanup()
