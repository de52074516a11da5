"""The API: health, readiness, the guarded resources, login, over the real database."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.chefcloud import api_edge, visitors
from pytest_chefrelease.rehearsal.chefcloud.database import Database
from pytest_chefrelease.rehearsal.chefcloud.login import Login
from pytest_chefrelease.rehearsal.chefcloud.request_log import RequestLog
from pytest_chefrelease.rehearsal.chefcloud.resources import RESOURCES, summary
from pytest_chefrelease.rehearsal.chefcloud.settings import Environment, Running
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import changed

if TYPE_CHECKING:
    from aiohttp import web


class Api:
    """The API site of one environment."""

    def __init__(
        self, environment: Environment, running: Running, origins: Collection[str]
    ) -> None:
        self.name = f"{environment.name}-api"
        self._environment = environment
        self._initial = running
        self.running = running
        self.origins = frozenset(origins)
        self._database = Database(environment.database_url, f"chefcloud-api-{environment.name}")
        self._login = Login(self._database, environment.jwt_secret)
        self.log = RequestLog(environment.log)
        self.reset()

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of ``Running``; another commit is another process."""
        before, self.running = self.running, changed(self.running, fields)
        if self.running.commit != before.commit:
            self._started_at = datetime.now(UTC)

    def reset(self) -> None:
        """Run as at the start, with the log of an hour."""
        self.running = self._initial
        self._started_at = self._environment.started_at
        self.log.begin_anew(visitors.last_hour(time.time()) if self._is_visited else "")

    def application(self) -> web.Application:
        """Routes, with what surrounds each request (``api_edge``)."""
        from aiohttp import web

        application = web.Application(client_max_size=64 * 1024)
        api_edge.install(application, self)
        router = application.router
        router.add_get("/health", self._health)
        router.add_get("/healthz", self._healthz)
        router.add_get("/readiness", self._readiness)
        router.add_get("/metrics", self._metrics)
        router.add_post("/auth/login", self._login.by_password)
        router.add_post("/auth/msr-swipe", self._login.by_badge)
        router.add_get("/auth/me", self._me)
        router.add_get("/dashboard/summary", self._summary)
        for path in RESOURCES:
            router.add_get(path, self._resource)
        application.cleanup_ctx.append(self._visited)
        application.on_cleanup.append(self._close)
        return application

    async def _visited(self, _: web.Application) -> AsyncIterator[None]:
        coming = asyncio.create_task(visitors.come(self.log.take, self._has_visitors))
        yield
        coming.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await coming

    @property
    def _is_visited(self) -> bool:
        return self._environment.name == "production"

    def _has_visitors(self) -> bool:
        return self._is_visited and self.running.logs and not self.running.maintenance

    async def _close(self, _: web.Application) -> None:
        await self._database.close()
        self.log.close()

    async def _services(self) -> dict[str, str]:
        seen = {"database": "up" if await self._database.is_up() else "down", "redis": "disabled"}
        return seen | self.running.services

    async def _health(self, _: web.Request) -> web.Response:
        from aiohttp import web

        now = datetime.now(UTC)
        services = await self._services()
        status = "degraded" if "down" in services.values() else self.running.health_status
        stamp = now + timedelta(seconds=self.running.timestamp_offset_s)
        return web.json_response(
            {
                "status": status,
                "timestamp": stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "uptime": round((now - self._started_at).total_seconds(), 3),
                "version": self.running.version.removeprefix("v"),
                "commit": self.running.commit,
                "services": services,
            }
        )

    async def _healthz(self, _: web.Request) -> web.Response:
        from aiohttp import web

        return web.json_response({"status": "ok"})

    async def _readiness(self, _: web.Request) -> web.Response:
        from aiohttp import web

        services = await self._services()
        ready = {name: state != "down" for name, state in services.items()}
        return web.json_response(ready, status=200 if all(ready.values()) else 503)

    async def _metrics(self, _: web.Request) -> web.Response:
        from aiohttp import web

        return web.Response(text="metrics disabled")

    async def _me(self, request: web.Request) -> web.Response:
        from aiohttp import web

        user = await self._login.user_of(request)
        return web.json_response(user) if user else api_edge.unauthorised()

    async def _resource(self, request: web.Request) -> web.Response:
        from aiohttp import web

        if not await self._login.user_of(request):
            return api_edge.unauthorised()
        rows = await self._database.query(RESOURCES[request.path])
        return web.json_response({"items": rows, "total": len(rows)})

    async def _summary(self, request: web.Request) -> web.Response:
        from aiohttp import web

        if not await self._login.user_of(request):
            return api_edge.unauthorised()
        return web.json_response(await summary(self._database))
