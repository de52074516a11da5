"""alerts.none-firing: against the double by its document, and against a real Alertmanager."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jsonschema
import pytest

from pytest_chefrelease.rehearsal.doubles.alertmanager import WATCHDOG, alert
from pytest_chefrelease.rehearsal.intercept import Intercept, Json
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.looking import verified, verify
from tests.probes.monitoring_doubles import Said, alertmanager_double, serving
from tests.probes.prometheus_servers import Alertmanager, running_alertmanager

CONTRACT = Path(__file__).parents[1] / "rehearsal/contracts/alertmanager.swagger2.json"
DOCUMENT = json.loads(CONTRACT.read_text())

# The intercepts' own mark on a request: aiohttp would rather have it typed.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")


def look(
    *alerts: Json, intercepts: tuple[Intercept, ...] = (), **table: object
) -> tuple[Result, list[Said]]:
    async def go() -> tuple[Result, list[Said]]:
        double = alertmanager_double()
        double.change({"alerts": alerts})
        async with serving(double, *intercepts) as running:
            named = {"url": running.url, "matchers": ['service="api"'], "watchdog": "Watchdog"}
            settings = {"alerts": named | table}
            return await verify("alerts.none-firing", settings), running.said

    return asyncio.run(go())


def test_no_alert_but_the_watchdog_passes_and_the_double_speaks_the_document() -> None:
    loud = alert("DiskFull", service="till")
    result, said = look(WATCHDOG, loud, alert("Quiet", silenced_by=["s-1"]))

    assert result.outcome is Outcome.PASSED, result.summary
    assert result.summary == "no alert fires; kept quiet: Quiet silenced by s-1"
    schema = {"$ref": "#/definitions/gettableAlerts", "definitions": DOCUMENT["definitions"]}
    for each in said:
        jsonschema.validate(each.body, schema)
        assert each.target.startswith("/api/v2/alerts?filter=")


def test_a_firing_alert_fails_with_what_it_says() -> None:
    result, _ = look(WATCHDOG, alert("ApiDown", summary="nobody answers"))

    assert result.outcome is Outcome.FAILED
    assert result.summary.startswith("ApiDown (critical) since 20")
    assert ": nobody answers" in result.summary


@pytest.mark.parametrize(
    ("since", "outcome"),
    [
        *(("0001-01-01T00:00:00+14:00", "failed"), ("9999-12-31T23:59:59-14:00", "failed")),
        *(("2026-11-24T10:30:00", "unverified"), ("yesterday", "unverified")),
    ],
)
def test_an_alert_of_any_year_is_told_and_one_without_a_zone_is_not_read(
    since: str, outcome: str
) -> None:
    status = {"state": "active", "silencedBy": [], "inhibitedBy": [], "mutedBy": []}
    told = {"labels": {"alertname": "ApiDown"}, "annotations": {}, "fingerprint": "1"}
    body = json.dumps([told | {"startsAt": since, "status": status}])

    result, _ = look(intercepts=(Intercept("", body=body, content_type="application/json"),))

    assert result.outcome == outcome, result.summary
    assert (since in result.summary) is (outcome == "failed")


def test_another_alert_is_no_watchdog_where_the_filter_is_left_out() -> None:
    quiet = {"state": "suppressed", "silencedBy": ["s-1"], "inhibitedBy": [], "mutedBy": []}
    told = {"annotations": {}, "fingerprint": "1", "startsAt": "2026-11-24T10:30:00Z"}
    body = json.dumps([told | {"labels": {"alertname": "Quiet"}, "status": quiet}])

    result, _ = look(intercepts=(Intercept("", body=body, content_type="application/json"),))

    assert result.outcome is Outcome.UNVERIFIED
    assert "Watchdog does not fire" in result.summary


def test_silence_without_the_watchdog_proves_nothing() -> None:
    assert look()[0].outcome is Outcome.UNVERIFIED
    assert "Watchdog does not fire" in look()[0].summary
    assert look(watchdog=None)[0].outcome is Outcome.PASSED


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (Intercept("", status=404), "no Alertmanager"),
        (Intercept("", status=400, body='"bad matcher format"'), "does not take the matchers"),
        (Intercept("", status=401), "alerts.token_env (none is set)"),
        (Intercept("", status=503), "answers 503"),
        (Intercept("", body="{}", content_type="application/json"), "not as documented"),
        (Intercept("", drop=True), "connection"),
    ],
)
def test_an_alertmanager_that_does_not_answer_leaves_it_open(rule: Intercept, says: str) -> None:
    result, _ = look(WATCHDOG, intercepts=(rule,))

    assert result.outcome is Outcome.UNVERIFIED
    assert says in result.summary


def test_without_an_alertmanager_it_does_not_apply() -> None:
    assert verified("alerts.none-firing", {}).outcome is Outcome.NOT_APPLICABLE


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager")) as server:
        yield server


def tell(server: Alertmanager, name: str, service: str, *, severity: str = "critical") -> None:
    labels = {"alertname": name, "service": service, "severity": severity}
    body = [{"labels": labels, "annotations": {"summary": f"{name} of {service}"}}]
    httpx.post(f"{server.url}/api/v2/alerts", json=body).raise_for_status()


def silence(server: Alertmanager, name: str) -> None:
    now = datetime.now(UTC)
    matcher = {"name": "alertname", "value": name, "isRegex": False, "isEqual": True}
    body = {
        "matchers": [matcher],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "release manager",
        "comment": "known",
    }
    httpx.post(f"{server.url}/api/v2/silences", json=body).raise_for_status()


def test_a_real_alertmanager_is_read_whether_alerts_fire_or_are_kept_quiet(
    real: Alertmanager,
) -> None:
    def seen(service: str) -> Result:
        matchers = [f'service="{service}"']
        table = {"url": real.url, "matchers": matchers, "watchdog": "Watchdog"}
        return verified("alerts.none-firing", {"alerts": table})

    assert "Watchdog does not fire" in seen("api").summary
    tell(real, "Watchdog", "monitoring", severity="none")
    assert seen("api").outcome is Outcome.PASSED
    tell(real, "ApiDown", "api")
    assert seen("api").outcome is Outcome.FAILED
    assert "ApiDown of api" in seen("api").summary
    assert seen("till").outcome is Outcome.PASSED
    tell(real, "ApiSlow", "api", severity="warning")
    inhibited = seen("api")
    silence(real, "ApiDown")
    quiet = seen("api")

    # The critical alert inhibits the warning by the server's own rule, also while silenced.
    assert inhibited.evidence is not None
    assert inhibited.evidence.facts["firing"] == 1
    assert quiet.outcome is Outcome.PASSED, quiet.summary
    assert "ApiDown silenced by" in quiet.summary
    assert "ApiSlow inhibited by" in quiet.summary


def test_a_real_alertmanager_refuses_what_is_no_matcher(real: Alertmanager) -> None:
    table = {"url": real.url, "matchers": ['service=~"("']}

    result = verified("alerts.none-firing", {"alerts": table})

    assert result.outcome is Outcome.UNVERIFIED
    assert "does not take the matchers" in result.summary
