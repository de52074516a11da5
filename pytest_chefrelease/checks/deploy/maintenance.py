"""deploy.maintenance-on and -off: the page that closes the application, and its end."""

from __future__ import annotations

from pytest_chefrelease.checks.answers import retry_after_s, transcript
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.eventually import Later, Patience, eventually
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_NOT_CONFIGURED = "no maintenance page is configured (maintenance.path)"
_MINIMUM = Minimum(counts={"answers": 1}, facts=("http_status",))


@check(
    Item(
        id="deploy.maintenance-on",
        title="The maintenance page answers 503 with Retry-After",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.DEPLOYMENT,
        minimum=_MINIMUM,
        remedy="Mend the maintenance page before it is needed: 503 tells search engines and "
        "clients that it will pass, Retry-After when.",
        if_configured=True,
    )
)
async def deploy_maintenance_on(look: Context) -> Evidence:
    """The preview, or the closed path itself where there is no preview."""
    table = look.settings.maintenance
    place = table.preview or table.path
    if place is None:
        raise NotApplicable(_NOT_CONFIGURED)
    answer = await look.probes.http.get(_url(look, place))
    wait_s = retry_after_s(answer, look.now())
    told = answer.headers.get("retry-after", "missing")[:40]
    seen = _evidence([answer], f"status 503, Retry-After {told}", look)
    if answer.status != 503:
        said = f"status {answer.status} where the maintenance page should be"
        remedy = "" if table.preview else "Switch it on first, or name its maintenance.preview."
        raise Failed(
            said, expected="status 503", where=f"GET {answer.url}", remedy=remedy, evidence=seen
        )
    if wait_s is None:
        raise Failed(
            f"status 503, Retry-After {told}",
            expected="Retry-After in seconds or as a date",
            where=f"GET {answer.url}",
            evidence=seen,
        )
    if not answer.body.strip():
        raise Failed(
            "the maintenance page is empty",
            expected="a page that says what is going on",
            where=f"GET {answer.url}",
            evidence=seen,
        )
    return seen


@check(
    Item(
        id="deploy.maintenance-off",
        title="The maintenance page is gone after the deploy",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P2,
        section=Section.DEPLOYMENT,
        quick_check=6,
        minimum=_MINIMUM,
        remedy="Switch maintenance mode off, and empty the caches before the application.",
        if_configured=True,
        timeout_s=780.0,
    )
)
async def deploy_maintenance_off(look: Context) -> Evidence:
    """What maintenance closes answers something else again; a cache is given time to notice."""
    table = look.settings.maintenance
    urls = [_url(look, table.path)] if table.path else []
    urls += [look.api + table.api_path] if table.api_path else []
    if not urls:
        raise NotApplicable(_NOT_CONFIGURED)

    async def look_once() -> Evidence | Later:
        page = await _page(look)
        answers = [await look.probes.http.get(url) for url in urls]
        closed = [answer for answer in answers if _is_closed(answer, page)]
        if not closed:
            _demand_application(answers, look)
            told = ", ".join(f"{answer.url} answers {answer.status}" for answer in answers)
            return _evidence(answers, f"maintenance is off: {told}", look)
        said = f"maintenance is still on: status {closed[0].status}"
        if closed[0].status != 503:
            said += " with the maintenance page"
        where = ", ".join(f"GET {answer.url}" for answer in closed)
        seen = _evidence(answers, said, look)
        return Later(Failed(said, expected="the application", where=where, evidence=seen))

    wait = look.settings.deploy
    patience = Patience(wait.settle.total_seconds(), wait.every.total_seconds())
    return await eventually(look_once, patience, what="maintenance", say=look.say)


def _demand_application(answers: list[Answer], look: Context) -> None:
    """Raise Unverified where no maintenance page answers, and no application either."""
    for answer in answers:
        is_front = bool(look.settings.maintenance.path) and answer is answers[0]
        what = _nothing(answer, is_front=is_front)
        if what is not None:
            raise Unverified(
                f"status {answer.status}, {what}: the application does not seem to be there",
                expected="the application",
                where=f"GET {answer.url}",
                remedy="Check maintenance.path and maintenance.api_path, and what answers there.",
                evidence=_evidence(answers, "", look),
            )


def _nothing(answer: Answer, *, is_front: bool) -> str | None:
    """What an answer is instead of the application's, or None where it may be that."""
    if answer.status in (404, 429) or answer.status >= 500:
        return "and no maintenance page"
    if is_front and not answer.is_html and not 300 <= answer.status < 400:
        return f"{answer.content_type or 'no type'} instead of a page"
    if not is_front and answer.is_html and answer.status < 300:
        return "a page instead of the API"
    return "an empty body" if answer.status == 200 and not answer.body.strip() else None


async def _page(look: Context) -> bytes:
    """The maintenance page itself, where it can be seen; some serve it with status 200."""
    preview = look.settings.maintenance.preview
    if preview is None:
        return b""
    return (await look.probes.http.get(_url(look, preview))).body.strip()


def _is_closed(answer: Answer, page: bytes) -> bool:
    return answer.status == 503 or (bool(page) and answer.body.strip() == page)


def _url(look: Context, place: str) -> str:
    return place if place.startswith(("http://", "https://")) else look.web + place


def _evidence(answers: list[Answer], summary: str, look: Context) -> Evidence:
    return Evidence(
        summary=summary,
        source=", ".join(f"GET {answer.url}" for answer in answers),
        observed_at=look.now(),
        facts={
            "answers": len(answers),
            "http_status": ", ".join(str(answer.status) for answer in answers),
            "retry_after": answers[0].headers.get("retry-after", "")[:40],
        },
        attachments=tuple(map(transcript, answers)),
    )
