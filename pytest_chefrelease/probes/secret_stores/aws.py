"""AWS Secrets Manager and Systems Manager Parameter Store: names and dates, never values.

Source: botocore's service descriptions. A secret's own date also changes with its description
and tags, so the date of its current version is taken (ListSecretVersionIds); a parameter's
LastModifiedDate is that of its newest version (DescribeParameters).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol, TypedDict, cast

from msgspec import Struct

from pytest_chefrelease.errors import AccessDenied, Malformed, ProbeError, RateLimited
from pytest_chefrelease.probes.aws import DENIED, LIMITED, asked, client
from pytest_chefrelease.probes.secret_stores.store import Stored


class _Secret(TypedDict, total=False):
    DeletedDate: datetime


class _Version(TypedDict, total=False):
    VersionStages: list[str]
    CreatedDate: datetime


class _Versions(TypedDict, total=False):
    Versions: list[_Version]
    NextToken: str


class _Parameter(TypedDict, total=False):
    Name: str
    LastModifiedDate: datetime


class _Parameters(TypedDict, total=False):
    Parameters: list[_Parameter]
    NextToken: str


class _Client(Protocol):
    """The read operations that are used, as botocore's clients have them."""

    def describe_secret(self, *, SecretId: str) -> _Secret:  # noqa: N803 (AWS' spelling)
        ...

    def list_secret_version_ids(self, **given: str) -> _Versions: ...

    def describe_parameters(self, **given: object) -> _Parameters: ...


_MAX_PAGES = 50


class SecretsManagerStore(Struct, frozen=True):
    """Secrets whose names begin with ``prefix``; region and credentials as AWS' tools have them."""

    prefix: str = ""
    keeps_dates: bool = True

    @property
    def place(self) -> str:
        """The service, with the prefix."""
        return f"AWS Secrets Manager{f' ({self.prefix}…)' if self.prefix else ''}"

    async def find(self, name: str) -> Stored | None:
        """The secret and when its current version was made; ``NAME#KEY`` is the secret NAME."""
        secret = self.prefix + name.partition("#")[0]
        return await asyncio.to_thread(_ask, self._find, name, secret)

    def _find(self, name: str, secret: str) -> Stored | None:
        aws = cast("_Client", client("secretsmanager"))
        described = aws.describe_secret(SecretId=secret)
        if described.get("DeletedDate") is not None:
            return None  # it is scheduled for deletion, and no longer given to anybody
        dates = [made for stages, made in _versions(aws, secret) if "AWSCURRENT" in stages]
        return Stored(name, f"{secret} in {self.place}", None, max(dates, default=None))


class ParameterStore(Struct, frozen=True):
    """Parameters whose names begin with ``prefix`` (``/chefcloud/production/``)."""

    prefix: str = ""
    keeps_dates: bool = True

    @property
    def place(self) -> str:
        """The service, with the prefix."""
        return f"AWS Parameter Store{f' ({self.prefix}…)' if self.prefix else ''}"

    async def find(self, name: str) -> Stored | None:
        """The parameter and when it was last set."""
        return await asyncio.to_thread(_ask, self._find, name, self.prefix + name)

    def _find(self, name: str, parameter: str) -> Stored | None:
        wanted = {"Key": "Name", "Option": "Equals", "Values": [parameter]}
        aws, token = cast("_Client", client("ssm")), ""
        for _ in range(_MAX_PAGES):
            following = {"NextToken": token} if token else {}
            page = aws.describe_parameters(ParameterFilters=[wanted], **following)
            for found in page.get("Parameters", []):
                if found.get("Name") == parameter:
                    place = f"{parameter} in {self.place}"
                    return Stored(name, place, None, found.get("LastModifiedDate"))
            token = page.get("NextToken", "")
            if not token:
                break
        return None


def _versions(aws: _Client, secret: str) -> Iterator[tuple[list[str], datetime]]:
    token = ""
    for _ in range(_MAX_PAGES):
        following = {"NextToken": token} if token else {}
        page = aws.list_secret_version_ids(SecretId=secret, **following)
        for version in page.get("Versions", []):
            if "CreatedDate" in version:
                yield version.get("VersionStages", []), version["CreatedDate"]
        token = page.get("NextToken", "")
        if not token:
            return


def _ask(look: Callable[[str, str], Stored | None], name: str, stored_as: str) -> Stored | None:
    return asked(lambda: look(name, stored_as), _refusal)


def _refusal(code: str) -> ProbeError | None:
    if code in ("ResourceNotFoundException", "ParameterNotFound"):
        return None
    if code in DENIED:
        return AccessDenied(
            f"AWS refuses: {code}",
            expected="credentials that may describe and list secrets",
            remedy="Allow secretsmanager:DescribeSecret and ListSecretVersionIds, or "
            "ssm:DescribeParameters; check AWS_PROFILE and the session's age.",
        )
    if code in LIMITED:
        return RateLimited("AWS was asked too often", remedy="Run it again in a minute.")
    return Malformed(f"AWS answers {code[:80]}", remedy="Look at AWS' message for that code.")
