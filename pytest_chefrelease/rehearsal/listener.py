"""One site while it is served: its socket, its application, its intercepts, on and off."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from pytest_chefrelease.rehearsal.intercept import Intercept, Interceptor, Json
from pytest_chefrelease.rehearsal.site import Site

_GRACE_S = 0.1


class Served(Protocol):
    """What has a port that stays its own, and can be changed, cut off and put back."""

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of its state."""
        ...

    def intercept(self, rule: Intercept) -> None:
        """Answer some requests otherwise."""
        ...

    async def start(self) -> None:
        """Listen."""
        ...

    async def refuse(self) -> None:
        """Stop listening and cut the connections that are open."""
        ...

    async def reset(self) -> None:
        """Serve again as at the start."""
        ...

    async def stop(self) -> None:
        """End for good."""
        ...


class Listener:
    """Serves a site on a port that stays its own; ``stop`` makes the port refuse connections."""

    def __init__(self, site: Site, bound: socket.socket) -> None:
        self.site = site
        self.intercepts = Interceptor(site.name)
        self._socket: socket.socket | None = bound
        self._port: int = bound.getsockname()[1]
        self._runner: web.AppRunner | None = None
        self._listening: web.BaseSite | None = None

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of the site's state."""
        self.site.change(fields)

    def intercept(self, rule: Intercept) -> None:
        """Let the site answer some requests otherwise."""
        self.intercepts.add(rule)

    async def start(self) -> None:
        """Listen; a site that listens already goes on."""
        if self._listening:
            return
        if self._runner is None:
            application = self.site.application()
            self.intercepts.install(application)
            self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_GRACE_S)
            await self._runner.setup()
        bound, self._socket = self._socket or bound_to(self._port), None
        self._listening = web.SockSite(self._runner, bound, backlog=1024)
        await self._listening.start()

    async def refuse(self) -> None:
        """Stop listening and cut the connections that are open."""
        if self._listening and self._runner and self._runner.server:
            await self._listening.stop()
            await self._runner.server.shutdown(_GRACE_S)
            self._listening = None

    async def reset(self) -> None:
        """Serve again as at the start."""
        self.intercepts.clear()
        self.site.reset()
        await self.start()

    async def stop(self) -> None:
        """End for good."""
        if self._runner:
            await self._runner.cleanup()


def bound_to(port: int) -> socket.socket:
    """A socket bound to a loopback port, 0 for any free one."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", port))
    return bound
