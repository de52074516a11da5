"""What surrounds each answer of GitHub's API: token, rate limits, ETags, pages, errors."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from pytest_chefrelease.rehearsal.doubles.github.state import Document, State
from pytest_chefrelease.rehearsal.intercept import Json

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.typedefs import Handler, Middleware

LIMIT = 5000
_DOCUMENTATION = "https://docs.github.example/rest"
_LARGEST_PAGE = 100
Item = TypeVar("Item")


class Stateful(Protocol):
    """What the edge needs to know of the double."""

    state: State
    slug: str
    token: str


def install(application: web.Application, github: Stateful) -> None:
    """Put the edge around an application's routes."""
    application.middlewares.append(_guarded(github))

    async def prepare(_: web.Request, answer: web.StreamResponse) -> None:
        answer.headers["X-GitHub-Media-Type"] = "github.v3; format=json"
        answer.headers["X-GitHub-Api-Version-Selected"] = "2022-11-28"
        rate_now = rate(github.state)
        for name in ("limit", "remaining", "reset", "used"):
            answer.headers[f"X-RateLimit-{name.title()}"] = str(rate_now[name])
        answer.headers["X-RateLimit-Resource"] = "core"

    application.on_response_prepare.append(prepare)


def _guarded(github: Stateful) -> Middleware:
    """Refuse as GitHub does, or answer, with 304 where the client has it already."""
    from aiohttp import web

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            _admit(request, github)
            given = await handler(request)
        except web.HTTPException as error:
            if error.content_type == "application/json":
                raise
            raise refused(404, "Not Found") from None
        etag = given.headers.get("ETag")
        if etag and etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers={"ETag": etag})
        return given

    return guarded


def _admit(request: web.Request, github: Stateful) -> None:
    """Raise GitHub's refusal of a bad token, an exhausted limit, or a repository unseen."""
    state = github.state
    authorization = request.headers.get("Authorization", "")
    if authorization and authorization not in (f"Bearer {github.token}", f"token {github.token}"):
        raise refused(401, "Bad credentials")
    if request.path == "/rate_limit":
        return
    if state.retry_after_s is not None:
        raise refused(
            403,
            "You have exceeded a secondary rate limit. Please wait a few minutes.",
            {"Retry-After": str(state.retry_after_s)},
        )
    if state.remaining <= 0:
        raise refused(403, "API rate limit exceeded")
    # The repository is private: who may not see it is told that it does not exist.
    is_seen = authorization and state.role != "none"
    if not is_seen or not f"{request.path}/".startswith(f"/repos/{github.slug}/"):
        raise refused(404, "Not Found")


def answer(
    document: Document | list[Document], headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer with its ETag."""
    from aiohttp import web

    body = json.dumps(document).encode()
    etag = f'W/"{hashlib.sha256(body).hexdigest()}"'
    return web.Response(
        body=body,
        content_type="application/json",
        charset="utf-8",
        headers={"ETag": etag, **(headers or {})},
    )


def refused(
    status: int, message: str, headers: Mapping[str, str] | None = None
) -> web.HTTPException:
    """A basic-error, to be raised."""
    from aiohttp import web

    kinds = {
        401: web.HTTPUnauthorized,
        403: web.HTTPForbidden,
        404: web.HTTPNotFound,
        422: web.HTTPUnprocessableEntity,
    }
    document = {"message": message, "documentation_url": _DOCUMENTATION, "status": str(status)}
    return kinds[status](
        text=json.dumps(document), content_type="application/json", headers=dict(headers or {})
    )


def rate(state: State) -> dict[str, Json]:
    """A rate-limit; ``reset`` is in seconds since the epoch."""
    return {
        "limit": LIMIT,
        "used": LIMIT - state.remaining,
        "remaining": state.remaining,
        "reset": int(time.time()) + state.reset_in_s,
    }


def paged(
    request: web.Request, base: str, items: Sequence[Item]
) -> tuple[Sequence[Item], dict[str, str]]:
    """The page that per_page and page ask for, and the Link header to the others."""
    size = min(int(request.query.get("per_page", "30")), _LARGEST_PAGE)
    number = max(int(request.query.get("page", "1")), 1)
    last = max(1, -(-len(items) // size))
    near = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
    shown = {
        name: page
        for name, page in near.items()
        if 1 <= page <= last and (page > number if name in {"next", "last"} else page < number)
    }
    links = [f'<{_page_url(request, base, page)}>; rel="{name}"' for name, page in shown.items()]
    headers = {"Link": ", ".join(links)} if links else {}
    return items[(number - 1) * size : number * size], headers


def _page_url(request: web.Request, base: str, page: int) -> str:
    return base + str(request.rel_url.update_query(page=str(page)))
