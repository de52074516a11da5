"""The token that doubles of vendors' APIs ask for before they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler, Middleware


def guarded(token: str, error: str) -> Middleware:
    """Refuse whoever has another token; ``error`` is the name of the field with the reason."""
    from aiohttp import web

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {token}":
            return web.json_response({error: "unauthorized"}, status=401)
        return await handler(request)

    return guard
