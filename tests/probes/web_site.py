"""A web front and its API on loopback, with pages that show one fault or one habit each."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from aiohttp import web

T = TypeVar("T")
Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Loop:
    """An event loop in a thread, on which a module's servers and its browser live."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, object, T], timeout_s: float = 60) -> T:
        """The work's result, awaited from the test's thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout_s)

    def stop(self) -> None:
        """End what still runs (answers that never end), the loop and its thread."""
        self.run(_end_others())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def looping() -> Iterator[Loop]:
    """A loop for the time of a module."""
    loop = Loop()
    try:
        yield loop
    finally:
        loop.stop()


@dataclass
class Site:
    """A server on a free port: ``pages`` by path; anything else is 404."""

    pages: dict[str, str | Answering] = field(default_factory=dict)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def start(self) -> Site:
        """Listen on loopback."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        """Close the port and its connections."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(
                status=404, text="<h1>404: no such page</h1>", content_type="text/html"
            )
        if isinstance(page, str):
            kind = {"js": "text/javascript", "css": "text/css"}.get(
                request.path.rpartition(".")[2], "text/html"
            )
            return web.Response(text=page, content_type=kind)
        return await page(request)


def status(code: int, text: str = "", headers: dict[str, str] | None = None) -> Answering:
    """Answers with a status and an HTML body."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=code, text=text, content_type="text/html", headers=headers)

    return answer


def redirect(location: str) -> Answering:
    """Redirects by HTTP."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": location})

    return answer


def data(value: object, code: int = 200, after_s: float = 0) -> Answering:
    """Answers JSON to scripts of any origin."""

    async def answer(request: web.Request) -> web.Response:
        headers = {
            "access-control-allow-origin": request.headers.get("origin", "*"),
            "access-control-allow-headers": "authorization, content-type",
        }
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=headers)
        await asyncio.sleep(after_s)
        return web.Response(
            status=code, text=json.dumps(value), content_type="application/json", headers=headers
        )

    return answer


async def never(_request: web.Request) -> web.StreamResponse:
    """Accepts, and never answers."""
    await asyncio.sleep(3600)
    return web.Response()


async def never_ends(request: web.Request) -> web.StreamResponse:
    """Sends the beginning of a page, and never its end."""
    response = web.StreamResponse(headers={"content-type": "text/html"})
    await response.prepare(request)
    await response.write(b"<title>t</title><h1>The beginning</h1><p>And so on")
    await asyncio.sleep(3600)
    return response


def page(body: str, script: str = "", head: str = "") -> str:
    """A whole document."""
    code = f"<script>{script}</script>" if script else ""
    head = f"<head><title>A page</title>{head}</head>"
    return f"<!doctype html><html>{head}<body>{body}{code}</body></html>"


def rendered(script: str) -> str:
    """A page that shows a spinner until its script has rendered it."""
    return page('<main id="app"><div class="spinner">Loading…</div></main>', script)


def shows(text: str, after_ms: int = 0) -> str:
    """A script that renders a heading."""
    html = json.dumps(f"<h1>{text}</h1>")
    return f"setTimeout(() => {{ document.getElementById('app').innerHTML = {html} }}, {after_ms});"
