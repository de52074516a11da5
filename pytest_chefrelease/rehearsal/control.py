"""The control endpoint: faults, deploys and resets of the running sites, behind a token."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from pytest_chefrelease.rehearsal.intercept import Intercept

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from pytest_chefrelease.rehearsal.listener import Served


def control(listeners: Mapping[str, Served], token: str) -> web.Application:
    """The application: POST /intercepts, PATCH /sites/NAME, POST /sites/NAME/refuse, /reset."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not hmac.compare_digest(request.headers.get("Authorization", ""), f"Bearer {token}"):
            return web.Response(status=401)
        try:
            return await handler(request)
        except Exception as error:
            logging.getLogger(__name__).exception("control")
            return web.Response(status=500, text=f"{type(error).__name__}: {error}")

    async def intercept(request: web.Request) -> web.Response:
        rule = msgspec.convert(await request.json(), Intercept)
        listeners[rule.site].intercept(rule)
        return web.Response(status=204)

    async def change(request: web.Request) -> web.Response:
        listeners[request.match_info["name"]].change(await request.json())
        return web.Response(status=204)

    async def refuse(request: web.Request) -> web.Response:
        await listeners[request.match_info["name"]].refuse()
        return web.Response(status=204)

    async def reset(_: web.Request) -> web.Response:
        for listener in listeners.values():
            await listener.reset()
        return web.Response(status=204)

    application = web.Application(middlewares=[guarded])
    application.router.add_post("/intercepts", intercept)
    application.router.add_patch("/sites/{name}", change)
    application.router.add_post("/sites/{name}/refuse", refuse)
    application.router.add_post("/reset", reset)
    return application
