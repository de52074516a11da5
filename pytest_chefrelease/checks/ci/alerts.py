"""ci.security-alerts: GitHub's scans have nothing grave open."""

from __future__ import annotations

from pytest_chefrelease.checks.ci.github_access import github_probe
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed, Finding, NotApplicable, NotConfigured, Unverified
from pytest_chefrelease.probes.github_alerts import Alerts, open_alerts
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_SHOWN = 3
_MOST_ROWS = 50


@check(
    Item(
        id="ci.security-alerts",
        title="No critical or high security alert is open",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.CI,
        blocking=False,
        minimum=Minimum(counts={"scans": 1}),
        remedy="Mend what they found, or dismiss it at GitHub with a reason.",
        if_configured=True,
    )
)
async def ci_security_alerts(look: Context) -> Evidence:
    """Open alerts of secret, code and dependency scanning, as far as they are on and readable."""
    try:
        github = await github_probe(look)
    except NotConfigured as missing:
        raise NotApplicable(f"GitHub's scans are not read here: {missing.seen}") from None
    alerts = await open_alerts(github, look.settings.release.main_branch)
    if not alerts.read:
        raise _nothing_read(alerts)
    rows = tuple((a.severity, a.scan, a.what, a.link) for a in alerts.grave[:_MOST_ROWS])
    left_out = [*(f"{scan} is off" for scan in alerts.off),
                *(f"{scan} is not readable" for scan in alerts.unreadable)]  # fmt: skip
    off = f"; {', '.join(left_out)}" if left_out else ""
    columns = ("severity", "scan", "what", "link")
    seen = Evidence(
        summary=f"{', '.join(alerts.read)}: nothing critical or high is open{off}",
        source=f"{look.settings.ci.repository or github.repository} at GitHub",
        observed_at=look.now(),
        facts={
            "scans": len(alerts.read),
            "grave": len(alerts.grave),
            "off": ", ".join(alerts.off),
            "unreadable": ", ".join(alerts.unreadable),
        },
        commit=look.release.commit,
        attachments=(Table("Open alerts", columns, rows),) if rows else (),
    )
    if alerts.grave:
        listed = "; ".join(f"{a.severity}: {a.what}" for a in alerts.grave[:_SHOWN])
        more = len(alerts.grave) - _SHOWN
        raise Failed(
            f"{len(alerts.grave)} critical or high alerts are open: {listed}"
            + (f" and {more} more" if more > 0 else ""),
            expected="none",
            where=alerts.grave[0].link,
            evidence=seen,
        )
    return seen


def _nothing_read(alerts: Alerts) -> Finding:
    """All off is a choice; a token that may not look is none."""
    if not alerts.unreadable:
        return NotApplicable("GitHub says that all of its scans are off for this repository")
    return Unverified(
        f"GitHub does not let this token read {', '.join(alerts.unreadable)}",
        expected="at least one scan's alerts",
        remedy="Give it security events: read and Dependabot alerts: read, or say under "
        "[not_applicable] why they are not looked at.",
    )
