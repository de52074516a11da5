"""JSON web tokens signed with HMAC-SHA-256 (RFC 7515, 7518 section 3.2, 7519), for probing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from pytest_chefrelease.runbook.secret import Secret


def signed_token(claims: Mapping[str, str | int], secret: Secret) -> Secret:
    """A token with these claims, signed with the secret. It is a credential, so it is wrapped."""
    body = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
    key = secret.reveal().encode(errors="surrogateescape")
    return Secret(f"{body}.{_base64(hmac.new(key, body.encode(), hashlib.sha256).digest())}")


def unsigned_token(claims: Mapping[str, str | int]) -> Secret:
    """A token that claims to need no signature (RFC 7519, section 6): to be refused always."""
    return Secret(f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{_encoded(claims)}.")


def _encoded(part: Mapping[str, str | int]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
