"""What clients of vendors' APIs have in common: a bearer token, and typed JSON answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.probes.vendor_answers import malformed, refuse

_MAX_BODY_BYTES = 20_000_000
"""A list of a hundred machines with their configuration takes about a megabyte."""

Document = TypeVar("Document")


@dataclass(frozen=True, slots=True)
class VendorApi:
    """A vendor's API at an address, as whoever holds the token may see it."""

    http: HttpProbe
    vendor: str
    api_url: str
    token: str = field(repr=False)
    token_name: str

    async def get(self, path: str) -> Answer:
        """The answer to a GET: a success or a 404. Raises ProbeErrors."""
        answer = await self.http.request(
            "GET",
            self.api_url + path,
            headers={"authorization": f"Bearer {self.token}", "accept": "application/json"},
            max_body_bytes=_MAX_BODY_BYTES,
        )
        refuse(answer, self.vendor, self.token_name)
        return answer

    def read(self, answer: Answer, kind: type[Document]) -> Document:
        """The answer's JSON as a document. Raises Malformed, without a value of it."""
        try:
            return msgspec.convert(answer.json(), kind, strict=False)
        except msgspec.ValidationError as error:
            raise malformed(answer, self.vendor, error) from None
