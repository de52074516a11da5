"""Who is asking: login by password or by badge, and the bearer token of later requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.chefcloud import api_edge, tokens
from pytest_chefrelease.rehearsal.chefcloud.database import Database, Row

if TYPE_CHECKING:
    from aiohttp import web

_USER = "SELECT id, email, name, role FROM users WHERE id = %s"
_BY_EMAIL = "SELECT id, email, password_hash AS stored FROM users WHERE email = %s"
_BY_BADGE = "SELECT id, email, badge_hash AS stored FROM users WHERE badge_hash = %s"


class Login:
    """Checks credentials against the users table and issues tokens signed with the secret."""

    def __init__(self, database: Database, secret: str) -> None:
        self._database = database
        self._secret = secret

    async def by_password(self, request: web.Request) -> web.Response:
        """POST /auth/login {email, password}: 201 with a token, 400 or 401."""
        body = await _body(request)
        email, password = body.get("email", ""), body.get("password", "")
        if not email or not password:
            return api_edge.refusal(400, "email and password are required")
        rows = await self._database.query(_BY_EMAIL, (email,))
        if not rows or not tokens.password_fits(password, str(rows[0]["stored"])):
            return api_edge.refusal(401, "Invalid credentials")
        return self._token(rows[0])

    async def by_badge(self, request: web.Request) -> web.Response:
        """POST /auth/msr-swipe {swipe}: 201 with a token, 400 or 401."""
        swipe = (await _body(request)).get("swipe", "")
        if not swipe:
            return api_edge.refusal(400, "swipe is required")
        rows = await self._database.query(_BY_BADGE, (tokens.password_hash(swipe, "badge"),))
        return self._token(rows[0]) if rows else api_edge.refusal(401, "Unknown badge")

    async def user_of(self, request: web.Request) -> Row | None:
        """The user that the request's bearer token was issued to, or None."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        subject = tokens.subject_of(token, self._secret) if scheme == "Bearer" else None
        if subject is None:
            return None
        rows = await self._database.query(_USER, (subject,))
        return rows[0] if rows else None

    def _token(self, row: Row) -> web.Response:
        from aiohttp import web

        token = tokens.issue(int(str(row["id"])), str(row["email"]), self._secret)
        return web.json_response({"access_token": token}, status=201)


async def _body(request: web.Request) -> dict[str, str]:
    """The request's JSON object with its texts; anything else counts as empty."""
    try:
        document = json.loads(await request.text() or "{}")
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    return {name: value for name, value in document.items() if isinstance(value, str)}
