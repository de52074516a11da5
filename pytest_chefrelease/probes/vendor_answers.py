"""What vendors' answers other than success mean, in the tree of errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

import msgspec

from pytest_chefrelease.errors import AccessDenied, Malformed, NotConfigured, RateLimited
from pytest_chefrelease.probes.http import Answer

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time with its zone, as the documents of all vendors have it: any other is Malformed."""


def token_from(variables: Mapping[str, str], name: str, vendor: str) -> str:
    """The token in a variable. Raises NotConfigured, naming it."""
    token = variables.get(name, "").strip()
    if not token:
        raise NotConfigured(
            f"{name} is not set in the environment",
            expected=f"a token of {vendor} that may read",
            remedy=f"Export {name} where pytest runs.",
        )
    return token


def refuse(answer: Answer, vendor: str, token_name: str) -> None:
    """Raise what an answer of a vendor's API means, unless it is a success or a 404."""
    if answer.status in (200, 404):
        return
    if answer.status in (401, 403):
        raise AccessDenied(
            f"{vendor} answers {answer.status}: the token in {token_name} may not read this",
            where=answer.url,
            remedy=f"Make a token that may read it, and export it as {token_name}.",
        )
    if answer.status == 429:
        wait = answer.headers.get("retry-after", "")
        until = f" in {wait} s" if wait.isdigit() else " later"
        raise RateLimited(
            f"{vendor} was asked too often", where=answer.url, remedy=f"Run again{until}."
        )
    raise Malformed(
        f"{vendor} answers {answer.status}",
        expected="200",
        where=answer.url,
        remedy=f"Look at {vendor}'s status page, and run again.",
    )


def malformed(answer: Answer, vendor: str, error: msgspec.ValidationError) -> Malformed:
    """An answer that is not as the vendor's document says; it may hold values: none is shown."""
    kind = str(error).partition(" - at ")[2] or "the document"
    return Malformed(
        f"{vendor}'s answer is not as documented, at {kind[:80]}",
        where=answer.url,
        remedy="Check the api_url in release.toml; else report it: the vendor's API has changed.",
    )
