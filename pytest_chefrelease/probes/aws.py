"""Clients of AWS, and of what speaks its protocols; boto3 comes in here only.

Region, credentials and endpoints are those of AWS' own tools: AWS_PROFILE, AWS_ENDPOINT_URL, …
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from pytest_chefrelease.errors import MissingExtra, NotConfigured, ProbeError, Unreachable

T = TypeVar("T")

DENIED = frozenset(
    {
        "AccessDeniedException",
        "AccessDenied",
        "AllAccessDisabled",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "ExpiredTokenException",
        "ExpiredToken",
        "InvalidToken",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "RequestTimeTooSkewed",
    }
)
LIMITED = frozenset({"ThrottlingException", "Throttling", "TooManyRequestsException", "SlowDown"})
_NO_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound"}
_BROKEN_OFF = {"IncompleteReadError", "ResponseStreamingError"}
_OWN_HOSTS = (".amazonaws.com", ".amazonaws.com.cn")


def client(service: str) -> object:
    """A client of boto3; the caller says by a Protocol what of it is used. Raises MissingExtra."""
    try:
        import boto3  # type: ignore[import-untyped]
        from botocore.config import Config  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtra(
            "boto3 is not installed here",
            remedy="Run pip install 'pytest-chefrelease[aws]'.",
        ) from None
    limits = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})
    session = boto3.session.Session()
    made = session.client(service, config=limits)
    host = urlsplit(made.meta.endpoint_url).hostname or ""
    if service == "s3" and not host.endswith(_OWN_HOSTS):
        # Few stores but Amazon's have a host name for each bucket.
        by_path = limits.merge(Config(s3={"addressing_style": "path"}))
        made = session.client(service, config=by_path)
    found: object = made
    return found


def asked(
    work: Callable[[], T], refusal: Callable[[str], ProbeError | None], who: str = "AWS"
) -> T | None:
    """The result of ``work``; boto3's exceptions become those of the project's tree.

    ``refusal`` says what the code of a refusal means; None is that there is no such thing.
    """
    try:
        from botocore.exceptions import (  # type: ignore[import-untyped]
            BotoCoreError,
            ClientError,
        )
    except ImportError:
        return work()  # which says that boto3 is missing
    try:
        return work()
    except ClientError as error:
        refused = refusal(str(error.response.get("Error", {}).get("Code", "")))
        if refused is not None:
            raise refused from None
        return None
    except BotoCoreError as error:
        raise _trouble(type(error).__name__, who) from None


def _trouble(kind: str, who: str) -> ProbeError:
    if kind in _NO_CREDENTIALS:
        return NotConfigured(
            "there are no AWS credentials here",
            remedy="Export AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or set AWS_PROFILE.",
        )
    if kind == "NoRegionError":
        return NotConfigured("no AWS region is configured", remedy="Export AWS_REGION.")
    what = "broke off in the middle of its answer" if kind in _BROKEN_OFF else "does not answer"
    return Unreachable(
        f"{who} {what} ({kind})", remedy="Check the network, and AWS_ENDPOINT_URL if set."
    )
