"""Listens to a page from before its first request, and keeps what went wrong on it."""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_chefrelease.probes.page_reading import Events, ScriptError
from pytest_chefrelease.probes.page_reading import Request as Seen

if TYPE_CHECKING:
    from playwright.async_api import (
        ConsoleMessage,
        Dialog,
        Error,
        Frame,
        Page,
        Request,
        Response,
    )

_MOST = 100  # of each list: a page that retries for ever must not fill the memory
_TEXT = 500
_ESSENTIAL = ("document", "script", "stylesheet")
_DATA = ("fetch", "xhr")
_ADDRESS = re.compile(r"https?://[^\s)\"'<>]+?(?=:\d+:\d+|[\s)\"'<>]|$)")
# Cancelled by the page itself, mostly by leaving it: nobody missed the answer.
_CANCELLED = ("net::ERR_ABORTED", "NS_BINDING_ABORTED")
_PREFETCH = ("purpose", "sec-purpose", "next-router-prefetch", "x-moz")
_BODIES = 30
# A style sheet that comes with a wrong type (the text of a 404, a page instead of the file) is
# dropped without an answer's event: only the console tells it from one that was cancelled.
_REFUSED = re.compile(
    r"Refused to (?:apply (?P<style>style)|execute script) from '(?P<url>[^']+)'"
    r" because its MIME type \('?(?P<type>[^')]*)"
)
_REFUSED_MODULE = "Failed to load module script"


@dataclass  # without slots: Playwright keeps something of its own on the owner of a handler
class PageWatch:
    """What a page requested, threw and said. ``attach`` it before the first navigation.

    ``with_bodies`` keeps the JSON answers of scripts' calls, to be read by ``read_bodies``.
    Web sockets and event streams are no requests that end, and are not waited for.
    """

    with_bodies: bool = False
    crashed: bool = False
    last_change: float = field(default_factory=time.perf_counter)
    _waiting: dict[Request, Seen] = field(default_factory=dict)
    _failed: dict[Seen, int] = field(default_factory=dict)
    _data: dict[Seen, int] = field(default_factory=dict)
    _uncaught: list[ScriptError] = field(default_factory=list)
    _console: list[ScriptError] = field(default_factory=list)
    _dialogs: list[str] = field(default_factory=list)
    _addresses: list[str] = field(default_factory=list)
    _answers: list[Response] = field(default_factory=list)
    _bodies: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Listen from now on. Dialogs are dismissed, windows that the page opens closed."""
        page.on("request", self._on_request)
        page.on("response", self._on_response)
        page.on("requestfinished", self._on_finished)
        page.on("requestfailed", self._on_failed)
        page.on("pageerror", self._on_page_error)
        page.on("console", self._on_console)
        page.on("dialog", self._on_dialog)
        page.on("framenavigated", self._on_navigated)
        page.on("popup", _close)
        page.on("crash", self._on_crash)

    @property
    def lacks_essentials(self) -> bool:
        """Whether a document, script or style sheet is still on its way."""
        return any(seen.kind in _ESSENTIAL for seen in self._waiting.values())

    @property
    def lacks_data(self) -> bool:
        """Whether a script still waits for an answer."""
        return any(seen.kind in _DATA for seen in self._waiting.values())

    def events(self) -> Events:
        """What happened so far."""
        return Events(
            failed=tuple(replace(seen, count=n) for seen, n in self._failed.items()),
            data=tuple(replace(seen, count=n) for seen, n in self._data.items()),
            unfinished=tuple(
                replace(seen, error="no answer yet")
                for seen in self._waiting.values()
                if seen.kind in _ESSENTIAL
            ),
            uncaught=tuple(self._uncaught),
            console=tuple(self._console),
            dialogs=tuple(self._dialogs),
            addresses=tuple(self._addresses),
            bodies=tuple(self._bodies),
        )

    async def read_bodies(self) -> None:
        """Fetch the JSON answers seen until now; those of a page left behind are gone."""
        from playwright.async_api import Error

        answers, self._answers = self._answers, []
        for response in answers:
            with contextlib.suppress(Error):
                self._bodies.append((await response.body()).decode("utf-8", "replace"))

    def forget(self) -> None:
        """Begin anew: what happened before a new document is not that document's doing."""
        for kept in (self._failed, self._data):
            kept.clear()
        for listed in (self._uncaught, self._console, self._dialogs, self._addresses):
            listed.clear()
        self._answers.clear()
        self._bodies.clear()

    def _on_request(self, request: Request) -> None:
        self.last_change = time.perf_counter()
        if len(self._waiting) < _MOST * 10:
            self._waiting[request] = _seen(request)

    def _on_response(self, response: Response) -> None:
        seen = replace(_seen(response.request), status=response.status)
        if response.status >= 400:
            _count(self._failed, seen)
        if seen.kind in _DATA:
            _count(self._data, seen)
            is_json = "json" in response.headers.get("content-type", "")
            if self.with_bodies and response.ok and is_json and len(self._answers) < _BODIES:
                self._answers.append(response)

    def _on_finished(self, request: Request) -> None:
        self.last_change = time.perf_counter()
        self._waiting.pop(request, None)

    def _on_failed(self, request: Request) -> None:
        self.last_change = time.perf_counter()
        self._waiting.pop(request, None)
        error = request.failure or "failed"
        if error not in _CANCELLED:
            _count(self._failed, replace(_seen(request), error=error))

    def _on_page_error(self, error: Error) -> None:
        text = f"{error.name}: {error.message}" if error.name else error.message
        _keep(self._uncaught, _script_error(text, error.stack or ""))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = message.location.get("url", "")
            _keep(self._console, _script_error(message.text, f"{place} {message.text}"))
            self._keep_refused(message.text, place)

    def _keep_refused(self, text: str, place: str) -> None:
        found = _REFUSED.search(text)
        if found is not None:
            kind = "stylesheet" if found["style"] else "script"
            url, error = found["url"], f"refused, it came as {found['type'] or 'no type'}"
        elif text.startswith(_REFUSED_MODULE):
            kind, url, error = "script", place, "refused, it came with a wrong type"
        else:
            return
        if not any(seen.url == url[:_TEXT] for seen in self._failed):
            _count(self._failed, Seen("GET", url[:_TEXT], kind, None, error))

    async def _on_dialog(self, dialog: Dialog) -> None:
        from playwright.async_api import Error

        if len(self._dialogs) < _MOST:
            self._dialogs.append(f"{dialog.type}: {dialog.message[:_TEXT]}")
        with contextlib.suppress(Error):  # the page may be gone before the answer arrives
            # Dismissing "leave this page?" would keep the browser on it.
            await (dialog.accept() if dialog.type == "beforeunload" else dialog.dismiss())

    def _on_navigated(self, frame: Frame) -> None:
        if frame.parent_frame is None and frame.url != "about:blank":
            self.last_change = time.perf_counter()
            if len(self._addresses) < _MOST and self._addresses[-1:] != [frame.url]:
                self._addresses.append(frame.url)

    def _on_crash(self, _page: Page) -> None:
        self.crashed = True


async def _close(page: Page) -> None:
    from playwright.async_api import Error

    with contextlib.suppress(Error):
        await page.close()


def _seen(request: Request) -> Seen:
    headers = request.headers
    return Seen(
        method=request.method,
        url=request.url[:_TEXT],
        kind=request.resource_type,
        status=None,
        is_prefetch=any(
            name.startswith("next-") or "prefetch" in headers[name]
            for name in _PREFETCH
            if name in headers
        ),
    )


def _script_error(text: str, places: str) -> ScriptError:
    addresses = tuple(dict.fromkeys(_ADDRESS.findall(places)))[:10]
    return ScriptError(text.strip()[:_TEXT], addresses)


def _count(counts: dict[Seen, int], seen: Seen) -> None:
    if seen in counts or len(counts) < _MOST:
        counts[seen] = counts.get(seen, 0) + 1


def _keep(errors: list[ScriptError], error: ScriptError) -> None:
    if len(errors) < _MOST and error not in errors:
        errors.append(error)
