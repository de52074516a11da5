"""Alerts: nothing fires for the application, and whoever would tell is awake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.alertmanager import Alert, AlertmanagerApi, AlertsReading
from pytest_chefrelease.probes.vendor_answers import token_from
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_SHOWN, _MOST_ROWS = 3, 100
_DESCRIBED_BY = ("summary", "description", "message")


@check(
    Item(
        id="alerts.none-firing",
        title="No alert fires for the application",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P2,
        section=Section.MONITORING,
        minimum=Minimum(counts={"answers": 1}),
        remedy="Look at the alert's runbook; a known one is silenced in Alertmanager, with a "
        "reason and an end.",
        if_configured=True,
        signal="firing",
    )
)
async def alerts_none_firing(look: Context) -> Evidence:
    """Alerts that match and are neither silenced nor inhibited; those are told.

    Where a watchdog is configured it has to fire: without it no alert would arrive at all.
    """
    table = look.settings.alerts
    if table.url is None:
        raise NotApplicable("no Alertmanager is configured (alerts.url)")
    seen = await look.probes.alerts.get(lambda: _read(look, str(table.url)))
    firing = [alert for alert in seen.alerts if not alert.is_suppressed]
    evidence = _evidence(look, seen, firing)
    if firing:
        more = f"; and {len(firing) - _SHOWN} more" if len(firing) > _SHOWN else ""
        raise Failed(
            "; ".join(_named(alert) for alert in firing[:_SHOWN]) + more,
            expected="no firing alert",
            where=table.url,
            evidence=evidence,
        )
    if table.watchdog and not seen.watchdog:
        raise Unverified(
            f"the watchdog {table.watchdog} does not fire: no alert would arrive",
            expected=f"{table.watchdog}, which always fires",
            where=table.url,
            remedy="Find out why Prometheus' alerts do not reach Alertmanager.",
            evidence=evidence,
        )
    return evidence


async def _read(look: Context, url: str) -> AlertsReading:
    table = look.settings.alerts
    name = table.token_env
    token = token_from(look.environment, name, "Alertmanager") if name else None
    api = AlertmanagerApi(look.probes.http, url, token, name or "")
    alerts = [a for a in await api.alerts(table.matchers) if a.name != table.watchdog]
    asked = await api.alerts([f'alertname="{table.watchdog}"']) if table.watchdog else []
    # What stands between may leave the filter out: another alert is no watchdog.
    watchdog = [alert for alert in asked if alert.name == table.watchdog]
    return AlertsReading(tuple(alerts), tuple(watchdog), datetime.now(UTC))


def _evidence(look: Context, seen: AlertsReading, firing: Sequence[Alert]) -> Evidence:
    table = look.settings.alerts
    quiet = [alert for alert in seen.alerts if alert.is_suppressed]
    told = "; ".join(f"{alert.name} {alert.why_suppressed}" for alert in quiet[:_SHOWN])
    more = f" and {len(quiet) - _SHOWN} more" if len(quiet) > _SHOWN else ""
    rows = tuple(_row(alert) for alert in [*firing, *quiet][:_MOST_ROWS])
    columns = ("alert", "state", "since", "labels", "what")
    return Evidence(
        summary="no alert fires" + (f"; kept quiet: {told}{more}" if quiet else ""),
        source=f"{', '.join(table.matchers) or 'all alerts'} at {table.url}",
        observed_at=seen.read_at,
        facts={
            "answers": 1,
            "firing": len(firing),
            "suppressed": len(quiet),
            "watchdog": bool(seen.watchdog) if table.watchdog else None,
        },
        attachments=(Table("Alerts", columns, rows),) if rows else (),
    )


def _named(alert: Alert) -> str:
    """``ApiDown (critical) since 12:31: the API is down``."""
    severity = alert.labels.get("severity")
    kind = f" ({severity})" if severity else ""
    said = _described(alert)
    return f"{alert.name}{kind} since {_since(alert)}" + (f": {said}" if said else "")


def _since(alert: Alert) -> str:
    """In the zone that Alertmanager tells: years 1 and 9999 have no time in another."""
    return alert.starts_at.isoformat(timespec="seconds")


def _described(alert: Alert) -> str:
    found = (alert.annotations[key] for key in _DESCRIBED_BY if alert.annotations.get(key))
    return next(found, "")[:200]


def _row(alert: Alert) -> tuple[str, ...]:
    labels = ", ".join(f"{k}={v}" for k, v in sorted(alert.labels.items()) if k != "alertname")
    state = alert.why_suppressed if alert.is_suppressed else alert.status.state
    return alert.name, state, _since(alert), labels[:300], _described(alert)
