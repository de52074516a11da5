"""JSON web tokens (HS256, RFC 7519) and password hashes, as the product issues and stores them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping

LIFETIME_S = 7 * 24 * 3600
_HEADER = {"alg": "HS256", "typ": "JWT"}


def issue(subject: int, email: str, secret: str, now_s: float | None = None) -> str:
    """A token for a user, valid for seven days from ``now_s`` (seconds since the epoch)."""
    issued = int(time.time() if now_s is None else now_s)
    claims: dict[str, int | str] = {
        "sub": subject,
        "email": email,
        "iat": issued,
        "exp": issued + LIFETIME_S,
    }
    body = f"{_encode(_HEADER)}.{_encode(claims)}"
    return f"{body}.{_signature(body, secret)}"


def subject_of(token: str, secret: str, now_s: float | None = None) -> int | None:
    """The user that a token was issued to, or None when it is forged, broken or expired."""
    body, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature, _signature(body, secret)):
        return None
    try:
        claims = json.loads(_decode(body.partition(".")[2]))
        subject, expires = int(claims["sub"]), float(claims["exp"])
    except (ValueError, KeyError, TypeError):
        return None
    return subject if expires > (time.time() if now_s is None else now_s) else None


def password_hash(password: str, salt: str) -> str:
    """The stored form of a password: scrypt, with parameters that suit a rehearsal."""
    digest = hashlib.scrypt(password.encode(), salt=salt.encode(), n=1024, r=8, p=1, dklen=32)
    return f"scrypt${salt}${digest.hex()}"


def password_fits(password: str, stored: str) -> bool:
    """Whether a password belongs to a stored hash."""
    salt = stored.split("$")[1] if stored.count("$") == 2 else ""
    return hmac.compare_digest(password_hash(password, salt), stored)


def _encode(part: Mapping[str, int | str]) -> str:
    return _base64(json.dumps(part, separators=(",", ":")).encode())


def _signature(body: str, secret: str) -> str:
    return _base64(hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
