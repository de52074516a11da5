"""routes.browser: a route as a visitor has it in Chromium."""

from __future__ import annotations

from pytest_chefrelease.checks.closed import demand_open, unless_closed
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.routes.account import account_of, session_of
from pytest_chefrelease.checks.routes.page import (
    demand_no_fault,
    expectation_of,
    page_evidence,
    page_lost,
    paths,
    visit_of,
)
from pytest_chefrelease.checks.routes.page_faults import faults_of
from pytest_chefrelease.errors import NotApplicable, PageLost, Unverified
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage


@check(
    Item(
        id="routes.browser",
        title="The route can be used in a real browser",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P2,
        section=Section.ROUTES,
        minimum=Minimum(counts={"visible_elements": 1, "colours": 2}, facts=("address",)),
        remedy="Roll back, or hotfix within the hour; the report holds what the browser saw.",
        timeout_s=90,
        needs_browser=True,
    ),
    each=paths,
)
@unless_closed
async def routes_browser(look: Context, path: str) -> Evidence:
    """Chromium opens the route: settled, usable, painted, without errors, in its budget.

    With a test account, protected routes are opened logged in, and must not ask again.
    """
    if not look.settings.routes.browser:
        raise NotApplicable("routes.browser = false in release.toml")
    account = account_of(look) if path in look.settings.routes.protected else None
    session = await session_of(look, account) if account is not None else None
    visit = visit_of(look, path, hidden=account or ())
    try:
        reading = await look.probes.browser.read(visit, session)
    except PageLost as error:
        raise page_lost(error) from None
    expected = expectation_of(look, path, is_logged_in=session is not None)
    seen = page_evidence(reading, expected)
    demand_open(reading.status, reading.headers, visit.url, seen)
    demand_no_fault(faults_of(reading, expected), visit.url, seen)
    if account is not None and session is None:
        raise Unverified(
            "well without a login, not seen with one: the test account did not get in",
            expected="a page as a logged-in visitor has it",
            where=visit.url,
            remedy="See routes.login; then verify again.",
            evidence=seen,
        )
    return seen
