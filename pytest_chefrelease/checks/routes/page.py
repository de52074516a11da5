"""What the browser items share: how a route is visited, and how a reading becomes evidence."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.routes.page_faults import (
    Expectation,
    Fault,
    failed_requests,
    redirect_note,
    uncaught_errors,
)
from pytest_chefrelease.errors import Failed, PageLost, Unverified
from pytest_chefrelease.probes.page_look import Visit
from pytest_chefrelease.probes.page_reading import PageReading, origin_of
from pytest_chefrelease.runbook.evidence import Attachment, Evidence, Fact, Picture, Scalar, Table
from pytest_chefrelease.runbook.item import Stage, Symptom
from pytest_chefrelease.settings.model import Settings

_SHOWN_FAULTS = 3


def paths(settings: Settings, _stage: Stage) -> Sequence[str]:
    """The routes that are verified."""
    return settings.routes.paths


def page_lost(error: PageLost) -> Failed | Unverified:
    """A page that hangs while the browser is well is the page's fault; a crash may be ours."""
    kind = Failed if error.is_hung else Unverified
    return kind(error.seen, expected="a page that reacts", where=error.where, remedy=error.remedy)


def visit_of(look: Context, path: str, hidden: tuple[str, ...] = ()) -> Visit:
    """How a route, or an address of another site, is looked at; ``hidden`` is masked."""
    routes = look.settings.routes
    url = path if "://" in path else look.web + path
    budget_s = routes.budget.total_seconds()
    return Visit(url, budget_s, harmless=routes.harmless_spinners, hidden=hidden)


def expectation_of(look: Context, path: str, *, is_logged_in: bool) -> Expectation:
    """What settings say is right for a route and this visitor."""
    routes = look.settings.routes
    return Expectation(
        path=path,
        site=look.web,
        api=look.settings.target.api,
        login=routes.login_path,
        is_protected=path in routes.protected,
        is_logged_in=is_logged_in,
        budget_s=routes.budget.total_seconds(),
        own_origins=routes.own_origins,
        allowed=routes.allowed_errors,
        error_texts=routes.error_texts,
    )


def page_evidence(reading: PageReading, expected: Expectation) -> Evidence:
    """The reading as evidence, with screenshot, failed requests and errors."""
    state, events = reading.state, reading.events
    note = redirect_note(reading, expected)
    usable = "" if reading.usable_ms is None else f"usable after {reading.usable_ms:.0f} ms"
    facts: dict[str, Fact] = {
        "address": reading.address,
        "http_status": reading.status,
        "redirects": listed(reading.redirects),
        "logged_in": expected.is_logged_in,
        "usable_ms": None if reading.usable_ms is None else round(reading.usable_ms),
        "visible_elements": state.shown if state is not None else 0,
        "colours": reading.colours,
        "failed_requests": len(failed_requests(reading, expected)),
        "uncaught_errors": len(uncaught_errors(reading, expected)),
        "console_errors": len(events.console),
        "calls": sum(request.count for request in events.data),
        "called": listed(sorted({origin_of(call.url) for call in events.data})[:20]),
        "dialogs": listed(events.dialogs[:5]),
        "browser_incidents": listed(reading.incidents),
    }
    return Evidence(
        summary=", ".join(filter(None, (usable, note, *reading.incidents))) or "not usable",
        source=reading.asked,
        observed_at=reading.observed_at,
        facts=facts,
        attachments=_attachments(reading, expected),
    )


def _attachments(reading: PageReading, expected: Expectation) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    if reading.screenshot:
        data = base64.b64encode(reading.screenshot).decode("ascii")
        found.append(Picture(f"{expected.path} in Chromium", "image/jpeg", data))
    counting = failed_requests(reading, expected)
    requests = [
        (request.seen[:300], request.kind, "yes" if request in counting else "no")
        for request in reading.events.failed[:30]
    ]
    if requests:
        found.append(Table("Failed requests", ("request", "kind", "counts"), tuple(requests)))
    errors = [
        (kind, error.text[:300], "yes" if error in uncaught_errors(reading, expected) else "no")
        for kind, listed in (
            ("uncaught", reading.events.uncaught),
            ("console", reading.events.console),
        )
        for error in listed[:30]
    ]
    if errors:
        found.append(Table("Errors of scripts", ("kind", "text", "counts"), tuple(errors)))
    return tuple(found)


def listed(values: Iterable[str]) -> list[Scalar]:
    """Texts as a fact."""
    return [*values]


def demand_no_fault(faults: Sequence[Fault], where: str, seen: Evidence) -> None:
    """Raise Failed with the first faults in words, what explains most first."""
    if not faults:
        return
    texts = [fault.seen for fault in faults[:_SHOWN_FAULTS]]
    more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
    is_login_broken = any(fault.is_login_broken for fault in faults)
    raise Failed(
        "; ".join(texts) + more,
        expected=faults[0].expected,
        where=where,
        remedy=next((fault.remedy for fault in faults if fault.remedy), ""),
        evidence=seen,
        symptom=Symptom.LOGIN_BROKEN if is_login_broken else None,
    )
