"""Google Cloud Secret Manager: versions and their times, never values.

Source: Secret Manager v1's discovery document, ``projects.secrets.versions.list``; a new value
is a new version, so the newest enabled version's createTime is when the value last changed.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from pytest_chefrelease.errors import AccessDenied, MissingExtra, NotConfigured
from pytest_chefrelease.probes.http import HttpProbe
from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.probes.vendor_answers import malformed, refuse

API_URL = "https://secretmanager.googleapis.com"
TOKEN_NAME = "GOOGLE_OAUTH_ACCESS_TOKEN"  # noqa: S105 (a variable's name)
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_MAX_PAGES = 50


class _Version(msgspec.Struct):
    name: str = ""
    state: str = ""
    createTime: datetime | None = None  # noqa: N815 (Google's spelling)


class _Versions(msgspec.Struct):
    versions: list[_Version] = []
    nextPageToken: str = ""  # noqa: N815 (Google's spelling)


@dataclass(frozen=True, slots=True)
class GcpStore:
    """Secrets of one project; the token is a given one, or that of the default credentials."""

    http: HttpProbe
    project: str
    variables: Mapping[str, str] = field(repr=False)
    prefix: str = ""
    api_url: str = API_URL
    token_name: str = TOKEN_NAME
    keeps_dates: bool = True

    @property
    def place(self) -> str:
        """The project."""
        return f"GCP Secret Manager of {self.project}"

    async def find(self, name: str) -> Stored | None:
        """The secret and when its newest enabled version was made; None where there is none."""
        secret = self.prefix + name
        token = self.variables.get(self.token_name)
        if not token:
            token = await asyncio.to_thread(default_token)
        newest: datetime | None = None
        is_there, page = False, ""
        for _ in range(_MAX_PAGES):
            versions = await self._page(secret, token, page)
            for version in versions.versions if versions else []:
                if version.state == "ENABLED":
                    is_there = True
                    newest = max(filter(None, (newest, version.createTime)), default=None)
            page = versions.nextPageToken if versions else ""
            if not page:
                break
        return Stored(name, f"{secret} in {self.place}", None, newest) if is_there else None

    async def _page(self, secret: str, token: str, page: str) -> _Versions | None:
        path = f"projects/{quote(self.project, safe='')}/secrets/{quote(secret, safe='')}/versions"
        query = urlencode({"pageSize": 100} | ({"pageToken": page} if page else {}))
        answer = await self.http.get(
            f"{self.api_url}/v1/{path}?{query}", headers={"authorization": f"Bearer {token}"}
        )
        refuse(answer, "GCP Secret Manager", self.token_name)
        if answer.status == 404:
            return None
        try:
            return msgspec.convert(answer.json(), _Versions, strict=False)
        except msgspec.ValidationError as error:
            raise malformed(answer, "GCP Secret Manager", error) from None


def default_token() -> str:
    """A token of Google's application default credentials. Blocks; raises ProbeErrors."""
    try:
        from google.auth import default
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    except ImportError:
        raise MissingExtra(
            "google-auth is not installed here",
            remedy="Run pip install 'pytest-chefrelease[gcp]', or export "
            f"{TOKEN_NAME} (gcloud auth print-access-token).",
        ) from None
    try:
        credentials, _ = default(scopes=[_SCOPE])
        credentials.refresh(_Transport())  # type: ignore[no-untyped-call]
    except DefaultCredentialsError:
        raise NotConfigured(
            "there are no Google credentials here",
            remedy=f"Run gcloud auth application-default login, or export {TOKEN_NAME}.",
        ) from None
    except GoogleAuthError as error:
        raise AccessDenied(
            f"Google gives no token ({type(error).__name__})",
            remedy="Check GOOGLE_APPLICATION_CREDENTIALS.",
        ) from None
    return str(credentials.token or "")


class _Response(Struct, frozen=True):
    """An answer in the form that google-auth reads."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _Transport:
    """Google-auth's transport, by the standard library."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> _Response:
        """Send one request."""
        from google.auth.exceptions import TransportError

        request = urllib.request.Request(  # noqa: S310 (the address is the credentials' own)
            url,
            data=body.encode() if isinstance(body, str) else body,
            headers=dict(headers or {}),
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=timeout or 10) as answer:  # noqa: S310
                return _Response(answer.status, dict(answer.headers), answer.read(1_000_000))
        except HTTPError as error:
            return _Response(error.code, dict(error.headers), error.read(1_000_000))
        except (URLError, OSError):
            problem = TransportError("no answer")  # type: ignore[no-untyped-call]
            raise problem from None
