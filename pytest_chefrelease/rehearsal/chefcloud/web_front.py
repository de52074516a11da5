"""The web front: documents that are rendered in the browser, their scripts and style sheet."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.chefcloud.api_edge import RETRY_AFTER_S
from pytest_chefrelease.rehearsal.chefcloud.settings import Running
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import changed

if TYPE_CHECKING:
    from aiohttp import web

PAGES = {
    "/": "landing",
    "/login": "login",
    "/dashboard": "dashboard",
    "/orders": "orders",
    "/inventory": "inventory",
}
"""The page chunk that renders each path."""

_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


class WebFront:
    """The web site of one environment; ``api_url`` is fixed in its scripts, as in a real build."""

    def __init__(self, environment: str, running: Running, api_url: str) -> None:
        self.name = f"{environment}-web"
        self._initial = running
        self.running = running
        self._api_url = api_url

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of ``Running``."""
        self.running = changed(self.running, fields)

    def reset(self) -> None:
        """Run as at the start."""
        self.running = self._initial

    def application(self) -> web.Application:
        """Documents and static files."""
        from aiohttp import web

        application = web.Application()
        application.router.add_get("/favicon.svg", self._icon)
        application.router.add_get("/maintenance", self._maintenance)
        application.router.add_get("/_next/static/{build}/{name:.+}", self._static)
        application.router.add_get("/{path:.*}", self._document)
        application.on_response_prepare.append(_prepare)
        return application

    async def _document(self, request: web.Request) -> web.Response:
        from aiohttp import web

        if self.running.maintenance:
            return await self._maintenance(request)
        page = PAGES.get(request.path)
        name = "document.html" if page else "not-found.html"
        text = self._filled(name).replace("__PAGE__", page or "")
        return web.Response(status=200 if page else 404, text=text, content_type="text/html")

    async def _maintenance(self, _: web.Request) -> web.Response:
        """The maintenance page; at its own path it can be seen before it is needed."""
        from aiohttp import web

        return web.Response(
            status=503,
            text=self._filled("maintenance.html"),
            content_type="text/html",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )

    async def _static(self, request: web.Request) -> web.Response:
        from aiohttp import web

        name = request.match_info["name"]
        if request.match_info["build"] != self.running.build_id or name not in _static_names():
            return web.Response(status=404, text="Not Found")
        return web.Response(
            text=self._filled(name),
            content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
            charset="utf-8",
            headers={"Cache-Control": "public, max-age=31536000, immutable"},
        )

    async def _icon(self, _: web.Request) -> web.Response:
        from aiohttp import web

        return web.Response(text=_page("favicon.svg"), content_type="image/svg+xml")

    def _filled(self, name: str) -> str:
        """A file with what the build fixes in it: API address, version, build."""
        return (
            _page(name)
            .replace("__NEXT_PUBLIC_API_URL__", self._api_url)
            .replace("__NEXT_PUBLIC_APP_VERSION__", self.running.version)
            .replace("__BUILD__", self.running.build_id)
        )


async def _prepare(_: web.Request, answer: web.StreamResponse) -> None:
    for name, value in _SECURITY.items():
        answer.headers.setdefault(name, value)
    answer.headers.pop("Server", None)


@cache
def _page(name: str) -> str:
    folder = files("pytest_chefrelease.rehearsal.chefcloud") / "pages"
    return folder.joinpath(name).read_text(encoding="utf-8")


@cache
def _static_names() -> frozenset[str]:
    return frozenset({"app.js", "app.css", *(f"pages/{page}.js" for page in PAGES.values())})
