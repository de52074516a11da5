"""Sentry: the release brought no new issue and no old one back, and its sessions do not crash."""

from __future__ import annotations

from pytest_chefrelease.checks.after_rollback import is_after_rollback
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.sentry_access import environment_name, release_names, sentry_of
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.sentry import Issue
from pytest_chefrelease.probes.sentry_reading import SentryReading, read_release
from pytest_chefrelease.runbook.crash_free import CrashFree, judge
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_SHOWN, _MOST_ROWS = 3, 100
_PERCENT = 100.0


@check(
    Item(
        id="sentry.no-new-issues",
        title="Sentry has no new or regressed issue of the release, and sessions do not crash",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P2,
        section=Section.MONITORING,
        minimum=Minimum(facts=("release", "environment")),
        remedy="Open the issues; mend what the release broke, or resolve in Sentry what is known.",
        if_configured=True,
        signal="new_issues",
    )
)
async def sentry_no_new_issues(look: Context) -> Evidence:
    """Unresolved issues first seen in the release, or regressed in it, and crash-free sessions.

    A release that Sentry does not know has no issues there: that proves nothing. After a
    rollback the fallback's own issues are old: they are told, and its sessions judged.
    """
    api = sentry_of(look)
    if api is None:
        raise NotApplicable("no Sentry project is configured (sentry.organization, sentry.project)")
    least = look.settings.sentry.crash_free
    names = release_names(look)
    environment = environment_name(look)
    seen = await look.probes.sentry.get(
        lambda: read_release(api, names, environment, sessions=least > 0)
    )
    if seen.release is None:
        raise Unverified(
            f"Sentry knows no release {' or '.join(names)} of {api.project}",
            expected="the release, as the application's SDK or CI names it there",
            where=api.place,
            remedy="Set the SDK's release to the version, or name it by sentry.release.",
        )
    evidence = _evidence(look, seen, api.place, seen.release.version)
    if not is_after_rollback(look):
        _demand_no_issues(seen, api.place, evidence)
    if least > 0:
        _demand_no_crashes(seen, least, api.place, evidence)
    return evidence


def _demand_no_issues(seen: SentryReading, place: str, evidence: Evidence) -> None:
    bad = [f"new: {_named(i)}" for i in seen.new.found]
    bad += [f"regressed: {_named(i)}" for i in seen.regressed.found]
    if bad:
        more = f"; and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise Failed(
            "; ".join(bad[:_SHOWN]) + more,
            expected="no new and no regressed issue",
            where=place,
            evidence=evidence,
        )


def _demand_no_crashes(seen: SentryReading, least: float, place: str, evidence: Evidence) -> None:
    total, share = seen.sessions.total, seen.sessions.crash_free
    expected = f"at least {least:g} % of the sessions without a crash"
    if not total or share is None:
        raise Unverified(
            "Sentry has no session of the release",
            expected=expected,
            where=place,
            remedy="Wait for traffic; where the SDK sends no sessions, set sentry.crash_free = 0.",
            evidence=evidence,
        )
    found = judge(total, share, least / _PERCENT)
    if found is CrashFree.ENOUGH:
        return
    said = f"{share * _PERCENT:.4g} % of {total} sessions without a crash"
    if found is CrashFree.UNCERTAIN:
        raise Unverified(
            f"{said}: too few sessions to tell chance from a defect",
            expected=expected,
            where=place,
            remedy="Wait for more sessions, and look at the crashes meanwhile.",
            evidence=evidence,
        )
    raise Failed(said, expected=expected, where=place, evidence=evidence)


def _evidence(look: Context, seen: SentryReading, place: str, release: str) -> Evidence:
    sessions, share = seen.sessions.total, seen.sessions.crash_free
    healthy = f", {share * _PERCENT:.4g} % of {sessions} sessions without a crash" if share else ""
    issues = [("new", issue) for issue in seen.new.found]
    issues += [("regressed", issue) for issue in seen.regressed.found]
    rows = tuple(_row(kind, issue) for kind, issue in issues[:_MOST_ROWS])
    columns = ("kind", "issue", "title", "level", "events", "users", "last seen", "address")
    told = f"{len(issues)} older issues of its own" if issues else "no new and no regressed issue"
    return Evidence(
        summary=f"{told} in {release}{healthy}",
        source=place,
        observed_at=seen.read_at,
        facts={
            "release": release,
            "environment": environment_name(look),
            "new_issues": len(seen.new.found),
            "more_issues": seen.new.is_more or seen.regressed.is_more,
            "regressed_issues": len(seen.regressed.found),
            "sessions": sessions,
            "crash_free_percent": None if share is None else round(share * _PERCENT, 4),
        },
        attachments=(Table("Issues of the release", columns, rows),) if rows else (),
    )


def _named(issue: Issue) -> str:
    where = f" in {issue.culprit}" if issue.culprit else ""
    return f"{issue.short_id} {issue.title[:120]}{where[:80]} ({issue.count} events)"


def _row(kind: str, issue: Issue) -> tuple[str, ...]:
    last = issue.last_seen.isoformat(timespec="seconds") if issue.last_seen else ""
    return (
        *(kind, issue.short_id, issue.title[:200], issue.level),
        *(issue.count, str(issue.user_count), last, issue.permalink),
    )
