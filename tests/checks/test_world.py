"""world.status: status pages on loopback."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.looking import verify

NONE = {"page": {"name": "Hosting"}, "status": {"indicator": "none", "description": "All well"}}


def look(*pages: object) -> Result:
    """The item's result with a status page for each document; a number is a status."""

    async def go() -> Result:
        application = web.Application()
        for number, page in enumerate(pages):

            async def answer(_: web.Request, page: object = page) -> web.Response:
                if isinstance(page, int):
                    return web.Response(status=page, text="<html>")
                return web.json_response(page)

            application.router.add_get(f"/{number}/api/v2/status.json", answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        addresses = [f"{base}/{number}" for number in range(len(pages))]
        try:
            tables = {"world": {"status": addresses}}
            return await verify("world.status", tables, stage=Stage.PRERELEASE)
        finally:
            await runner.cleanup()

    return asyncio.run(go())


def test_vendors_without_incidents_pass() -> None:
    result = look(NONE, NONE)

    assert result.outcome is Outcome.PASSED
    assert result.summary == "Hosting: All well; Hosting: All well"


@pytest.mark.parametrize("indicator", ["minor", "major", "critical", "maintenance"])
def test_an_incident_warns_with_its_vendor(indicator: str) -> None:
    status = {"indicator": indicator, "description": "Partial outage"}

    result = look(NONE, NONE | {"status": status})

    assert (result.outcome, result.blocking) == (Outcome.FAILED, False)
    assert result.summary.startswith(f"Hosting: Partial outage ({indicator})")


@pytest.mark.parametrize("page", [404, {"status": "ok"}, [], 200])
def test_what_is_no_status_page_leaves_it_open(page: object) -> None:
    result = look(page)

    assert result.outcome is Outcome.UNVERIFIED
    assert "world.status" in result.remedy


def test_without_pages_it_does_not_apply() -> None:
    assert look().outcome is Outcome.NOT_APPLICABLE
