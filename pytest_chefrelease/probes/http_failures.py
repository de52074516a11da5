"""Why a request got no answer: from the libraries' exceptions to one clear line."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from pytest_chefrelease.errors import Exhausted, Malformed, NoAnswer, ProbeError, Unreachable
from pytest_chefrelease.probes.exhausted import exhausted

# X509 verification results, from OpenSSL's x509_vfy.h.
_EXPIRED, _NOT_YET_VALID = 10, 9
_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN, _UNKNOWN_ISSUER = 18, 19, 20
_NAME_MISMATCH, _ADDRESS_MISMATCH = 62, 64

_NO_WAY = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EADDRNOTAVAIL}
_CUT = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}


def classify(error: Exception, url: str) -> ProbeError:
    """The error of our tree that an httpx exception stands for.

    The libraries wrap the system's own exception several times; the innermost tells most.
    """
    import httpx

    where, host = without_credentials(url), _host(url)
    if isinstance(error, httpx.ConnectTimeout):
        return Unreachable(
            "no connection within the time limit",
            where=where,
            remedy=f"Check that {host} is up and that no firewall drops the connection.",
        )
    if (lack := lack_behind(error)) is not None:
        return lack
    for cause in causes(error):
        found = _from_system(cause, where, host)
        if found is not None:
            return found
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | UnicodeError):
        return Malformed(f"no usable address: {error}", where=where, remedy="Correct the address.")
    if isinstance(error, httpx.ProxyError):
        return Unreachable(
            f"the proxy refused: {error}", where=where, remedy="Check HTTPS_PROXY and NO_PROXY."
        )
    return _from_protocol(error, where)


def lack_behind(error: BaseException) -> Exhausted | None:
    """What this machine has run out of, where that is what the error comes from."""
    return next(filter(None, map(exhausted, causes(error))), None)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything behind it, groups opened, outermost first."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.append(current.__cause__ or current.__context__)


def without_credentials(url: str) -> str:
    """The address without user name and password, for messages."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.rpartition("@")[2]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        return url


def _from_system(cause: BaseException, where: str, host: str) -> ProbeError | None:
    if isinstance(cause, socket.gaierror):
        return Unreachable(
            f"the name {host} does not resolve",
            where=where,
            remedy="Check the spelling, and that DNS answers from here.",
        )
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _from_certificate(cause, where, host)
    if isinstance(cause, ssl.SSLError):
        return _from_tls(cause, where)
    if isinstance(cause, ConnectionRefusedError):
        return Unreachable(
            f"{host} refused the connection",
            where=where,
            remedy="Check the port, and that the service runs and listens there.",
        )
    if isinstance(cause, OSError) and cause.errno in _NO_WAY:
        return Unreachable(
            f"there is no route to {host}",
            where=where,
            remedy="Check the network here (IPv4 and IPv6), VPN and firewall.",
        )
    if isinstance(cause, OSError) and cause.errno in _CUT:
        return NoAnswer(
            "the server cut the connection before it had answered",
            where=where,
            remedy="Look at the service's and its proxy's logs: a crash or a restart.",
        )
    return None


def _from_certificate(cause: ssl.SSLCertVerificationError, where: str, host: str) -> ProbeError:
    code = cause.verify_code
    seen, remedy = {
        _EXPIRED: ("the TLS certificate has expired", "Renew the certificate."),
        _NOT_YET_VALID: (
            "the TLS certificate is not valid yet",
            "Check the certificate's dates and the clock here.",
        ),
        _NAME_MISMATCH: (
            f"the TLS certificate is for another name than {host}",
            "Check the address, or get a certificate that has this name.",
        ),
    }.get(code, (f"the TLS certificate is not trusted ({cause.verify_message})", ""))
    if code == _ADDRESS_MISMATCH:
        seen = f"the TLS certificate is not for the address {host}"
        remedy = "Use the name that the certificate is for."
    if code in (_SELF_SIGNED, _SELF_SIGNED_IN_CHAIN, _UNKNOWN_ISSUER):
        seen = {
            _SELF_SIGNED: "the TLS certificate is self-signed",
            _SELF_SIGNED_IN_CHAIN: "the TLS chain ends in a self-signed certificate",
            _UNKNOWN_ISSUER: "the TLS certificate's issuer is unknown, or its chain is incomplete",
        }[code]
        remedy = "Serve the full chain of a public authority, or set http.ca_file to yours."
    return Unreachable(seen, where=where, remedy=remedy)


def _from_tls(cause: ssl.SSLError, where: str) -> ProbeError:
    reason = (cause.reason or "").replace("_", " ").lower()
    if cause.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return Unreachable(
            "what listens there does not speak TLS",
            where=where,
            remedy="Check the port, or whether the address should begin with http://.",
        )
    return Unreachable(
        f"TLS was refused ({reason or 'no reason given'})",
        where=where,
        remedy="Check the server's TLS versions (1.2 or newer) and its certificate.",
    )


def _from_protocol(error: Exception, where: str) -> ProbeError:
    import httpx

    text = str(error) or type(error).__name__
    if isinstance(error, httpx.NetworkError) or "disconnected" in text or "closed" in text:
        return NoAnswer(
            f"the connection ended before the answer was complete ({text})",
            where=where,
            remedy="Look at the service's and its proxy's logs: a crash, a restart or a limit.",
        )
    return Malformed(
        f"what answered does not keep to HTTP ({text[:200]})",
        where=where,
        remedy="Check that the address and port are the web service's.",
    )
