"""TLS: certificates of the addresses that are released to, before they run out."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed, NotApplicable
from pytest_chefrelease.probes.tls import TlsReading
from pytest_chefrelease.runbook.evidence import Evidence, Scalar, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import Settings

_DAY_S = 86_400


def hosts(settings: Settings, stage: Stage) -> Sequence[str]:
    """The hosts of API and web front, before the release those of staging too.

    ``api.example``, with its port where that is not 443.
    """
    return list(_places(settings, stage))


def _places(settings: Settings, stage: Stage) -> Mapping[str, SplitResult]:
    environments = [settings.target]
    if stage is Stage.PRERELEASE:
        environments.append(settings.staging)
    urls = (url for each in environments for url in (each.api, each.web) if url is not None)
    parts = [urlsplit(url) for url in urls]
    return {_label(part): part for part in parts}


def _label(parts: SplitResult) -> str:
    host, port = parts.hostname or "", _port(parts)
    shown = f"[{host}]" if ":" in host else host
    return shown if port == 443 else f"{shown}:{port}"


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


@check(
    Item(
        id="tls.certificate",
        title="The host's certificate is valid, and for three weeks more",
        stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
        severity=Severity.P1,
        section=Section.AUTOMATED,
        minimum=Minimum(counts={"addresses": 1}, facts=("expires_at", "tls_version")),
        remedy="Renew the certificate, and find out why that does not happen by itself.",
        timeout_s=60,
    ),
    each=hosts,
)
async def tls_certificate(look: Context, host: str) -> Evidence:
    """Chain, name, days left and version, at every address of the host's name."""
    parts = _places(look.settings, look.stage)[host]
    if parts.scheme == "http":
        raise _plain(parts)
    readings = await look.probes.tls.read(parts.hostname or "", _port(parts))
    seen = _evidence(readings, look, host)
    for reading in readings:
        _demand_trust(reading, look.now(), seen)
    for reading in readings:
        _demand_days(reading, look, seen)
    for reading in readings:
        _demand_version(reading, look, seen)
    return seen


def _plain(parts: SplitResult) -> Failed | NotApplicable:
    where = f"http://{parts.netloc}"
    if _is_loopback(parts.hostname or ""):
        return NotApplicable(f"{where} is on this machine, and speaks no TLS")
    return Failed(
        "the configured address is http: everything is readable on the way",
        expected="an https address",
        where=where,
        remedy="Serve it over https, and correct the address.",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _evidence(readings: Sequence[TlsReading], look: Context, host: str) -> Evidence:
    expiries = [r.expires_at for r in readings if r.expires_at is not None]
    expires_at = min(expiries, default=None)
    versions: list[Scalar] = [*sorted({r.version for r in readings if r.version is not None})]
    names: list[Scalar] = [*sorted({name for r in readings for name in r.names})[:20]]
    days = None if expires_at is None else _days(expires_at, look.now())
    summary = f"{', '.join(map(str, versions))}, {days} days left" if days is not None else ""
    if days is not None and days < look.settings.tls.note_days:
        summary += f": fewer than {look.settings.tls.note_days}, renew it soon"
    return Evidence(
        summary=summary,
        source=f"https://{host}",
        observed_at=min(r.observed_at for r in readings),
        facts={
            "addresses": len(readings),
            "expires_at": expires_at.isoformat() if expires_at else None,
            "days_left": days,
            "tls_version": versions,
            "names": names,
            "issuer": ", ".join(sorted({r.issuer for r in readings if r.issuer})),
        },
        attachments=(_table(readings),),
    )


def _table(readings: Sequence[TlsReading]) -> Table:
    rows = tuple(
        (
            r.address,
            r.version or "none",
            r.expires_at.isoformat() if r.expires_at else "unknown",
            r.issuer,
            r.problem or "valid",
        )
        for r in readings
    )
    return Table("Certificates", ("address", "TLS", "expires", "issuer", "state"), rows)


def _days(expires_at: datetime, now: datetime) -> int:
    return int((expires_at - now).total_seconds() // _DAY_S)


def _demand_trust(reading: TlsReading, now: datetime, seen: Evidence) -> None:
    if not reading.problem:
        return
    details = []
    if reading.expires_at is not None and reading.expires_at < now:
        details.append(f"on {reading.expires_at:%Y-%m-%d}")
    elif reading.names:
        details.append(f"it is for {', '.join(reading.names[:5])}")
    detail = f" ({'; '.join(details)})" if details else ""
    raise Failed(
        f"{reading.problem}{detail}",
        expected="a chain that ends at a trusted authority, in date, for this name",
        where=_where(reading, seen),
        remedy=reading.remedy,
        evidence=seen,
    )


def _demand_days(reading: TlsReading, look: Context, seen: Evidence) -> None:
    least = look.settings.tls.min_days
    if reading.expires_at is None:
        return  # the item's minimum names expires_at: without it nothing passes
    days = _days(reading.expires_at, look.now())
    if days < least:
        raise Failed(
            f"{days} days left, until {reading.expires_at:%Y-%m-%d %H:%M} UTC",
            expected=f"{least} days or more",
            where=_where(reading, seen),
            evidence=seen,
        )


def _demand_version(reading: TlsReading, look: Context, seen: Evidence) -> None:
    least = look.settings.tls.min_version
    wanted = f"TLS {least} or newer only"
    if reading.accepts_old:
        # Nobody is locked out and a rollback mends nothing: graver than minor, no P1.
        raise Failed(
            "TLS 1.1 or older is still accepted",
            expected=wanted,
            where=_where(reading, seen),
            remedy="Switch TLS 1.0 and 1.1 off at the edge.",
            evidence=seen,
            severity=Severity.P2,
        )
    if (reading.version or "") < f"TLSv{least}":
        raise Failed(
            f"{reading.version or 'no version'} with a modern client",
            expected=wanted,
            where=_where(reading, seen),
            remedy=f"Offer TLS {least} at the edge.",
            evidence=seen,
        )


def _where(reading: TlsReading, seen: Evidence) -> str:
    at = "" if reading.address == reading.host else f" ({reading.address})"
    return seen.source + at
