"""AWS Secrets Manager and Systems Manager Parameter Store: names and dates, never values.

Source: botocore's service descriptions. A secret's own date also changes with its description
and tags, so the date of its current version is taken (ListSecretVersionIds); a parameter's
LastModifiedDate is that of its newest version (DescribeParameters). boto3 comes in here only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypedDict

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    MissingExtra,
    NotConfigured,
    ProbeError,
    RateLimited,
    Unreachable,
)
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


_DENIED = {
    "AccessDeniedException",
    "AccessDenied",
    "UnrecognizedClientException",
    "InvalidSignatureException",
    "ExpiredTokenException",
    "InvalidClientTokenId",
}
_LIMITED = {"ThrottlingException", "Throttling", "TooManyRequestsException"}
_MAX_PAGES = 50


@dataclass(frozen=True, slots=True)
class SecretsManagerStore:
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
        client = _client("secretsmanager")
        described = client.describe_secret(SecretId=secret)
        if described.get("DeletedDate") is not None:
            return None  # it is scheduled for deletion, and no longer given to anybody
        dates = [made for stages, made in _versions(client, secret) if "AWSCURRENT" in stages]
        return Stored(name, f"{secret} in {self.place}", None, max(dates, default=None))


@dataclass(frozen=True, slots=True)
class ParameterStore:
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
        client, token = _client("ssm"), ""
        for _ in range(_MAX_PAGES):
            following = {"NextToken": token} if token else {}
            page = client.describe_parameters(ParameterFilters=[wanted], **following)
            for found in page.get("Parameters", []):
                if found.get("Name") == parameter:
                    place = f"{parameter} in {self.place}"
                    return Stored(name, place, None, found.get("LastModifiedDate"))
            token = page.get("NextToken", "")
            if not token:
                break
        return None


def _versions(client: _Client, secret: str) -> Iterator[tuple[list[str], datetime]]:
    token = ""
    for _ in range(_MAX_PAGES):
        following = {"NextToken": token} if token else {}
        page = client.list_secret_version_ids(SecretId=secret, **following)
        for version in page.get("Versions", []):
            if "CreatedDate" in version:
                yield version.get("VersionStages", []), version["CreatedDate"]
        token = page.get("NextToken", "")
        if not token:
            return


def _client(service: str) -> _Client:
    try:
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtra(
            "boto3 is not installed here",
            remedy="Run pip install 'pytest-chefrelease[aws]'.",
        ) from None
    limits = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})
    client: _Client = boto3.session.Session().client(service, config=limits)
    return client


def _ask(look: Callable[[str, str], Stored | None], name: str, stored_as: str) -> Stored | None:
    """The answer of one look; boto3's exceptions become those of the project's tree."""
    from importlib.util import find_spec

    if find_spec("botocore") is None:
        return look(name, stored_as)  # which says that boto3 is missing
    from botocore.exceptions import (  # type: ignore[import-untyped]
        BotoCoreError,
        ClientError,
    )

    try:
        return look(name, stored_as)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in ("ResourceNotFoundException", "ParameterNotFound"):
            return None
        raise _refusal(code) from None
    except BotoCoreError as error:
        raise _trouble(error) from None


def _refusal(code: str) -> ProbeError:
    if code in _DENIED:
        return AccessDenied(
            f"AWS refuses: {code}",
            expected="credentials that may describe and list secrets",
            remedy="Allow secretsmanager:DescribeSecret and ListSecretVersionIds, or "
            "ssm:DescribeParameters; check AWS_PROFILE and the session's age.",
        )
    if code in _LIMITED:
        return RateLimited("AWS was asked too often", remedy="Run it again in a minute.")
    return Malformed(f"AWS answers {code[:80]}", remedy="Look at AWS' message for that code.")


def _trouble(error: Exception) -> ProbeError:
    kind = type(error).__name__
    if kind in ("NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"):
        return NotConfigured(
            "there are no AWS credentials here",
            remedy="Export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or set AWS_PROFILE.",
        )
    if kind == "NoRegionError":
        return NotConfigured("no AWS region is configured", remedy="Export AWS_REGION.")
    return Unreachable(
        f"AWS does not answer ({kind})", remedy="Check the network, and AWS_ENDPOINT_URL if set."
    )
