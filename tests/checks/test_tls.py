"""tls.certificate against real TLS servers."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.verified import settings_for, verify
from tests.probes.loopback import Authority, always, answer, serving


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path)


def certificate(server: ssl.SSLContext, trusted: Path, **table: object) -> Result:
    """The result for an API on this machine that presents this certificate."""

    async def go() -> Result:
        async with serving(always(answer()), tls=server) as site:
            settings = settings_for(site.url, http={"ca_file": str(trusted)}, tls=table)
            (host,) = catalogue()["tls.certificate"].parameters_for(settings, Stage.POSTRELEASE)
            return await verify("tls.certificate", host, settings)

    return asyncio.run(go())


def labels(stage: Stage, **environments: object) -> tuple[str | None, ...]:
    settings = settings_for(environments=environments)
    return catalogue()["tls.certificate"].parameters_for(settings, stage)


# --- which hosts

HOSTS: dict[str, object] = {
    "production": {"api": "https://api.example", "web": "https://example:8443/app"},
    "staging": {"api": "https://api.staging.example", "web": "https://api.staging.example"},
}


def test_after_the_release_the_targets_hosts_are_read() -> None:
    assert labels(Stage.POSTRELEASE, **HOSTS) == ("api.example", "example:8443")


def test_before_it_those_of_staging_too_each_once() -> None:
    assert labels(Stage.PRERELEASE, **HOSTS) == (
        "api.example",
        "example:8443",
        "api.staging.example",
    )


def test_without_an_address_it_is_unverified() -> None:
    result = asyncio.run(verify("tls.certificate", None, settings_for()))

    assert result.outcome is Outcome.UNVERIFIED


# --- how long it is valid


def test_a_certificate_with_time_left_passes(authority: Authority) -> None:
    result = certificate(authority.server(valid_days=91), authority.pem)

    assert (result.outcome, result.summary) == (Outcome.PASSED, "TLSv1.3, 90 days left")
    assert result.evidence is not None
    assert result.evidence.facts["days_left"] == 90


def test_below_thirty_days_it_passes_with_a_note(authority: Authority) -> None:
    result = certificate(authority.server(valid_days=25), authority.pem)

    assert (result.outcome, result.summary) == (
        Outcome.PASSED,
        "TLSv1.3, 24 days left: fewer than 30, renew it soon",
    )


def test_below_three_weeks_it_fails(authority: Authority) -> None:
    result = certificate(authority.server(valid_days=21), authority.pem)

    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P1)
    assert result.seen.startswith("20 days left, until ")
    assert result.expected == "21 days or more"


def test_the_days_can_be_set(authority: Authority) -> None:
    result = certificate(authority.server(valid_days=10), authority.pem, min_days=5, note_days=7)

    assert (result.outcome, result.summary) == (Outcome.PASSED, "TLSv1.3, 9 days left")


def test_an_expired_one_fails_with_its_date(authority: Authority) -> None:
    result = certificate(authority.server(valid_days=-2), authority.pem)

    assert result.outcome is Outcome.FAILED
    assert result.seen.startswith("the TLS certificate has expired (on 20")
    assert result.remedy == "Renew the certificate."


# --- whom it is for, and who says so


def test_one_for_another_name_fails_with_the_names(authority: Authority) -> None:
    result = certificate(authority.server("other.example"), authority.pem)

    assert result.outcome is Outcome.FAILED
    assert "it is for other.example" in result.seen


def test_a_self_signed_one_fails(authority: Authority) -> None:
    result = certificate(authority.server(is_self_signed=True), authority.pem)

    assert (result.outcome, result.seen) == (
        Outcome.FAILED,
        "the TLS certificate is self-signed",
    )


# --- versions


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_versions_that_are_still_taken_fail_without_a_rollback(authority: Authority) -> None:
    server = authority.server()
    server.minimum_version = ssl.TLSVersion.TLSv1
    server.set_ciphers("ALL:@SECLEVEL=0")

    result = certificate(server, authority.pem)

    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P2)
    assert result.seen == "TLS 1.1 or older is still accepted"


def test_tls_1_2_passes_unless_1_3_is_asked_for(authority: Authority) -> None:
    server = authority.server()
    server.maximum_version = ssl.TLSVersion.TLSv1_2

    enough = certificate(server, authority.pem)
    too_old = certificate(server, authority.pem, min_version="1.3")

    assert (enough.outcome, too_old.outcome) == (Outcome.PASSED, Outcome.FAILED)
    assert too_old.seen == "TLSv1.2 with a modern client"


# --- addresses without TLS


@pytest.mark.parametrize("url", ["http://127.0.0.1:3001", "http://localhost", "http://[::1]:8080"])
def test_http_on_this_machine_is_not_applicable_with_that_proof(url: str) -> None:
    (host,) = labels(Stage.POSTRELEASE, production={"api": url})

    result = asyncio.run(verify("tls.certificate", host, settings_for(url)))

    assert (result.outcome, result.summary) == (
        Outcome.NOT_APPLICABLE,
        f"{url} is on this machine, and speaks no TLS",
    )


def test_http_to_another_machine_fails() -> None:
    result = asyncio.run(
        verify("tls.certificate", "api.example:80", settings_for("http://api.example"))
    )

    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P1)


def test_a_host_that_cannot_be_reached_is_unverified() -> None:
    settings = settings_for("https://api.invalid")

    result = asyncio.run(verify("tls.certificate", "api.invalid", settings))

    assert (result.outcome, result.seen) == (
        Outcome.UNVERIFIED,
        "the name api.invalid does not resolve",
    )
