"""What surrounds each request of the API: request id, log, errors, CORS, maintenance, headers."""

from __future__ import annotations

import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from pytest_chefrelease.rehearsal.chefcloud.request_log import RequestLog, Served
from pytest_chefrelease.rehearsal.chefcloud.settings import Running

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler, Middleware

REQUEST_ID = "X-Request-Id"
RETRY_AFTER_S = 120
_ALWAYS_OPEN = frozenset({"/health", "/healthz", "/readiness"})
"""Paths that answer during maintenance: the platform restarts what looks dead."""
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class Surrounded(Protocol):
    """What the edge needs to know of the API."""

    running: Running
    origins: frozenset[str]
    log: RequestLog


def install(application: web.Application, api: Surrounded) -> None:
    """Put the edge around an application's routes."""
    application.middlewares.append(_logged(api))
    application.middlewares.append(_gate(api))

    async def prepare(request: web.Request, answer: web.StreamResponse) -> None:
        for name, value in _SECURITY.items():
            answer.headers.setdefault(name, value)
        answer.headers[REQUEST_ID] = request.get(REQUEST_ID, "")
        answer.headers.pop("Server", None)
        _allow_origin(request, answer, api.origins)

    application.on_response_prepare.append(prepare)


def refusal(status: int, message: str) -> web.Response:
    """An error as NestJS words it."""
    from aiohttp import web

    document = {"statusCode": status, "message": message, "error": HTTPStatus(status).phrase}
    return web.json_response(document, status=status)


def unauthorised() -> web.Response:
    """The answer to a request without a valid token."""
    return refusal(401, "Unauthorized")


def _logged(api: Surrounded) -> Middleware:
    """Give the request its id, turn an exception into a 500, and log what was answered."""
    from aiohttp import web

    @web.middleware
    async def logged(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = str(uuid.uuid4())
        begun = time.perf_counter()
        error: str | None = None
        try:
            answer = await handler(request)
        except web.HTTPException as refused:
            answer = refusal(refused.status, f"Cannot {request.method} {request.path}")
        except ConnectionResetError:
            raise
        except Exception as raised:  # noqa: BLE001 - as the framework does: 500, and the log says why
            error = f"{type(raised).__name__}: {raised}".strip()
            answer = refusal(500, "Internal server error")
        took_s = time.perf_counter() - begun
        if not api.running.logs:
            return answer
        api.log.request(
            Served(
                request_id=request[REQUEST_ID],
                method=request.method,
                path=request.path,
                status=answer.status,
                duration_s=took_s,
                error=error,
                agent=request.headers.get("User-Agent", ""),
            )
        )
        return answer

    return logged


def _gate(api: Surrounded) -> Middleware:
    """Answer preflight requests, and everything but health with 503 during maintenance."""
    from aiohttp import web

    @web.middleware
    async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "OPTIONS" and request.headers.get("Access-Control-Request-Method"):
            return web.Response(status=204)
        if api.running.maintenance and request.path not in _ALWAYS_OPEN:
            answer = refusal(503, "ChefCloud is being updated")
            answer.headers["Retry-After"] = str(RETRY_AFTER_S)
            return answer
        return await handler(request)

    return gate


def _allow_origin(
    request: web.Request, answer: web.StreamResponse, origins: frozenset[str]
) -> None:
    answer.headers["Vary"] = "Origin"
    origin = request.headers.get("Origin")
    if origin not in origins:
        return
    answer.headers["Access-Control-Allow-Origin"] = origin
    answer.headers["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS":
        answer.headers["Access-Control-Allow-Methods"] = "GET,HEAD,PUT,PATCH,POST,DELETE"
        answer.headers["Access-Control-Allow-Headers"] = "authorization,content-type"
        answer.headers["Access-Control-Max-Age"] = "600"
