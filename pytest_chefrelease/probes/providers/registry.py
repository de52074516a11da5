"""A container registry, asked whether it still holds an image.

Source: OCI Distribution Specification, "Pulling manifests"; the token that a registry's
challenge asks for by the Distribution project's "Token Authentication Specification".
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import msgspec

from pytest_chefrelease.errors import AccessDenied, Malformed
from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.probes.vendor_answers import malformed, refuse

TOKEN_NAME = "REGISTRY_CREDENTIALS"  # noqa: S105 (a variable's name)
_VENDOR = "The registry"
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
_PART = re.compile(r'(\w+)="([^"]*)"')


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry at its address; ``credentials`` are ``user:password``, where it asks for them."""

    http: HttpProbe
    url: str
    credentials: str | None = field(default=None, repr=False)
    token_name: str = TOKEN_NAME

    async def digest_of(self, image: str) -> str | None:
        """The digest of an image's manifest, or None where the registry has none."""
        repository, reference = self._split(image)
        url = f"{self.url}/v2/{repository}/manifests/{reference}"
        headers = {"accept": _MANIFESTS}
        answer = await self.http.request("HEAD", url, headers=headers)
        if answer.status == 401:
            headers["authorization"] = await self._authorization(answer)
            answer = await self.http.request("HEAD", url, headers=headers)
        refuse(answer, _VENDOR, self.token_name)
        if answer.status == 404:
            return None
        return answer.headers.get("docker-content-digest", "")

    def _split(self, image: str) -> tuple[str, str]:
        """The repository within this registry, and tag or digest."""
        name, _, digest = image.partition("@")
        first, _, rest = name.partition("/")
        is_host = "." in first or ":" in first or first == "localhost"
        path = rest if is_host and rest else name
        repository, _, tag = path.partition(":")
        return repository, digest or tag or "latest"

    async def _authorization(self, refused: Answer) -> str:
        """What the challenge of a refused request asks for."""
        kind, _, rest = refused.headers.get("www-authenticate", "").partition(" ")
        if kind.lower() == "basic":
            return self._basic()
        told = dict(_PART.findall(rest))
        realm = told.pop("realm", "")
        if kind.lower() != "bearer" or not self._may_be_told(realm):
            raise AccessDenied(
                "the registry asks for credentials in a way that is not known here",
                expected="a Bearer or Basic challenge",
                where=refused.url,
                remedy="Check provider.registry.",
            )
        query = urlencode({name: told[name] for name in ("service", "scope") if name in told})
        headers = {"authorization": self._basic()} if self.credentials else {}
        answer = await self.http.get(f"{realm}?{query}", headers=headers)
        refuse(answer, _VENDOR, self.token_name)
        try:
            given = msgspec.convert(answer.json(), _Token)
        except msgspec.ValidationError as error:
            raise malformed(answer, _VENDOR, error) from None
        token = given.token or given.access_token
        if not token:
            raise Malformed("the registry gives no token", where=answer.url)
        return f"Bearer {token}"

    def _may_be_told(self, realm: str) -> bool:
        """Credentials go in the clear only where the registry itself is asked so."""
        ours, theirs = urlsplit(self.url), urlsplit(realm)
        return bool(theirs.hostname) and (
            theirs.scheme == "https" or (theirs.scheme, theirs.netloc) == (ours.scheme, ours.netloc)
        )

    def _basic(self) -> str:
        if not self.credentials:
            raise AccessDenied(
                "the registry asks for credentials",
                where=self.url,
                remedy=f"Export {self.token_name} as user:password.",
            )
        return "Basic " + base64.b64encode(self.credentials.encode()).decode()
