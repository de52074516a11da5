"""What is verified on staging by the same functions as in production afterwards."""

from __future__ import annotations

from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.preflight import MINIMUM as PREFLIGHT_MINIMUM
from pytest_chefrelease.checks.preflight import preflight_rule, rule_names
from pytest_chefrelease.checks.routes.browser import routes_browser
from pytest_chefrelease.checks.routes.http import routes_http
from pytest_chefrelease.checks.smoke import MINIMUM as SMOKE_MINIMUM
from pytest_chefrelease.checks.smoke import endpoint_names, smoke_endpoint
from pytest_chefrelease.checks.staging.target import MAX_AGE, at_staging
from pytest_chefrelease.errors import Unverified
from pytest_chefrelease.runbook.evidence import Evidence, shortfall
from pytest_chefrelease.runbook.item import Item, Section, Severity, Stage

_FIX = "Deploy the release candidate to staging and mend it there before production."


@check(
    Item(
        id="staging.smoke",
        title="The endpoint answers on staging as it must in production",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.STAGING,
        quick_check=2,
        minimum=replace(SMOKE_MINIMUM, max_age=MAX_AGE),
        remedy=_FIX,
        timeout_s=60,
    ),
    each=endpoint_names,
)
async def staging_smoke(look: Context, name: str) -> Evidence:
    """smoke.endpoint against staging."""
    return await smoke_endpoint.verify(at_staging(look), name)


@check(
    Item(
        id="staging.preflight",
        title="Staging's API keeps the rule before anybody is let in",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.STAGING,
        quick_check=2,
        minimum=replace(PREFLIGHT_MINIMUM, max_age=MAX_AGE),
        remedy=_FIX,
        timeout_s=90,
    ),
    each=rule_names,
)
async def staging_preflight(look: Context, name: str) -> Evidence:
    """preflight.rule against staging."""
    return await preflight_rule.verify(at_staging(look), name)


@check(
    Item(
        id="staging.route",
        title="The route works on staging, by HTTP and in a real browser",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.STAGING,
        quick_check=2,
        minimum=replace(routes_http.item.minimum, max_age=MAX_AGE),
        remedy=_FIX,
        timeout_s=120,
        needs_browser=True,
    ),
    each=lambda settings, _stage: settings.routes.paths,
)
async def staging_route(look: Context, path: str) -> Evidence:
    """routes.http, then routes.browser unless settings switch it off, against staging."""
    there = at_staging(look, "web")
    document = await routes_http.verify(there, path)
    if not there.settings.routes.browser:
        return document
    page = await routes_browser.verify(there, path)
    missing = shortfall(routes_browser.item.minimum, page, look.release, look.now())
    if missing is not None:
        raise Unverified(missing, where=page.source, evidence=page)
    return replace(
        page,
        summary=f"{document.summary}; {page.summary}",
        facts={**page.facts, **document.facts},
        attachments=(*document.attachments, *page.attachments),
    )
