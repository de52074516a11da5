"""A vendor's API as a state that a control changes, and functions that answer from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple

from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.rehearsal.site import State, changed

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler, Middleware

Answer = Callable[[State, "web.Request"], "web.Response"]


class Token(NamedTuple):
    """What must be presented; ``error`` is the field of a refusal that holds the reason."""

    value: str
    error: str


@dataclass(slots=True)
class Double(Generic[State]):
    """A ``Site``. ``routes`` are what is answered to GET, by path as aiohttp's router reads it."""

    name: str
    initial: State
    routes: Mapping[str, Answer[State]]
    token: Token | None = None
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.reset()

    def change(self, fields: Mapping[str, Json]) -> None:
        """Set fields of the state."""
        self.state = changed(self.state, fields)

    def reset(self) -> None:
        """Put the state back to what it was at the start."""
        self.state = self.initial

    def application(self) -> web.Application:
        """The routes, behind the token where one is asked for."""
        from aiohttp import web

        application = web.Application(middlewares=[_guard(self.token)] if self.token else [])
        for path, answer in self.routes.items():
            application.router.add_get(path, self._handler(answer))
        return application

    def _handler(self, answer: Answer[State]) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            return answer(self.state, request)

        return handle


def json_answer(
    body: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer in JSON."""
    from aiohttp import web

    return web.json_response(body, status=status, headers=dict(headers or {}))


def _guard(token: Token) -> Middleware:
    from aiohttp import web

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {token.value}":
            return json_answer({token.error: "unauthorized"}, status=401)
        return await handler(request)

    return guard
