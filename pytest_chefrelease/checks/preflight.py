"""Preflight: the API lets nobody in and tells nothing that is not for the public."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from pytest_chefrelease.checks.answers import ask, transcript
from pytest_chefrelease.checks.closed import demand_open
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.preflight_rules import RULES, Ask, Exchange, Rule, Scope
from pytest_chefrelease.errors import Failed, Malformed, NotConfigured, Unverified
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.runbook.evidence import Attachment, Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import Settings

MINIMUM = Minimum(counts={"answers": 1}, facts=("rule",))
_MAX_HOPS = 3
_SHOWN = 3


def rule_names(settings: Settings, _stage: Stage) -> Sequence[str]:
    """The rules that ``[preflight] rules`` lists, each once."""
    return list(dict.fromkeys(settings.preflight.rules))


@check(
    Item(
        id="preflight.rule",
        title="The API keeps the rule before anybody is let in",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P2,
        section=Section.AUTOMATED,
        quick_check=8,
        minimum=MINIMUM,
        remedy="Fix the setting and restart; roll back where that does not mend it within 1 h.",
        timeout_s=90,
    ),
    each=rule_names,
)
async def preflight_rule(look: Context, name: str) -> Evidence:
    """Ask what the rule asks, one request after the other, and judge all answers."""
    rule, scope = RULES[name], _scope(look, name)
    asks = rule.requests(scope)
    if not asks:
        raise Unverified(
            f"no path is configured for {name}",
            expected=rule.promise,
            remedy="Set its paths in [preflight], or take it out of preflight.rules.",
        )
    if rule.needs_presence:
        await _demand_presence(look)
    seen = [Exchange(each, await _answer(look, each)) for each in asks]
    return _judged(name, rule, seen, scope, look.api)


def _scope(look: Context, name: str) -> Scope:
    table = look.settings.preflight
    origin = table.allowed_origin or _origin(look.settings.target.web)
    if name == "cors" and not origin:
        raise NotConfigured(
            "no origin is known that the API allows",
            remedy="Pass --web-url=URL or set preflight.allowed_origin in release.toml.",
        )
    return Scope(table, origin, look.settings.smoke.login_paths)


def _origin(url: str | None) -> str:
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


async def _answer(look: Context, each: Ask) -> Answer:
    """The answer, after redirects that only spell the same path differently.

    ``/docs`` that redirects to ``/docs/`` is not hidden.
    """
    url = look.api + each.path
    answer = await ask(look, each.method, url, headers=each.headers, body=each.body)
    for _ in range(_MAX_HOPS):
        target = urljoin(answer.url, answer.headers.get("location", ""))
        if not 300 <= answer.status < 400 or not _is_below(target, url) or target == answer.url:
            break
        answer = await ask(look, each.method, target, headers=each.headers, body=each.body)
    return answer


def _is_below(target: str, url: str) -> bool:
    """Whether the target is the address itself in other words, or lies below it."""
    there, here = urlsplit(target), urlsplit(url)
    same_path = f"{there.path}/".startswith(f"{here.path.rstrip('/')}/")
    return there.hostname == here.hostname and same_path


async def _demand_presence(look: Context) -> None:
    """Raise Unverified unless the API itself answers: on the wrong host, all is absent.

    A protected path that asks for a token is the API's, and so is a health endpoint that tells
    a status; a firewall's or an empty page's answer is neither.
    """
    table = look.settings.preflight
    asked: list[Answer] = []
    for path in (*table.protected_paths[:1], look.settings.target.health):
        answer = await ask(look, "GET", look.api + path)
        seen = Evidence(
            "", f"GET {answer.url}", answer.observed_at, attachments=(transcript(answer),)
        )
        demand_open(answer.status, answer.headers, seen.source, seen)
        if _is_of_the_api(answer):
            return
        asked.append(answer)
        if answer.status == 404 or answer.status >= 500 or answer.is_html:
            break
    answer = asked[-1]
    kind = ", an HTML page" if answer.is_html else ""
    raise Unverified(
        f"status {answer.status}{kind}: the API itself does not seem to be there",
        expected="a protected path that asks for a token, or health's status; absence proves "
        "nothing without the API",
        where=f"GET {answer.url}",
        remedy="Check the address, or preflight.protected_paths; then verify again.",
        evidence=Evidence(
            "", look.api, answer.observed_at, attachments=tuple(map(transcript, asked))
        ),
    )


def _is_of_the_api(answer: Answer) -> bool:
    if answer.is_html or answer.is_truncated:
        return False
    if answer.status == 401:
        return True
    try:
        document = answer.json()
    except Malformed:
        return False
    return answer.status == 200 and isinstance(document, dict) and "status" in document


def _judged(name: str, rule: Rule, seen: Sequence[Exchange], scope: Scope, where: str) -> Evidence:
    problems = list(rule.problems(seen, scope))
    wrong = [e for e in seen if any(p.startswith(f"{e.ask.text}:") for p in problems)]
    evidence = Evidence(
        summary=f"{rule.promise} ({len(seen)} answer{'s' * (len(seen) > 1)})",
        source=where,
        observed_at=min(exchange.answer.observed_at for exchange in seen),
        facts={"rule": name, "answers": len(seen), "problems": len(problems)},
        attachments=_attachments(seen, wrong or seen[:1]),
    )
    for exchange in seen:
        demand_open(exchange.answer.status, exchange.answer.headers, evidence.source, evidence)
    if problems:
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise Failed(
            "; ".join(problems[:_SHOWN]) + more,
            expected=rule.promise,
            where=where,
            remedy=rule.remedy,
            evidence=evidence,
        )
    return evidence


def _attachments(seen: Sequence[Exchange], shown: Sequence[Exchange]) -> tuple[Attachment, ...]:
    rows = tuple(
        (e.ask.text, str(e.answer.status), e.answer.content_type, e.answer.excerpt(80))
        for e in seen
    )
    texts = [transcript(e.answer, e.ask.method, e.ask.headers) for e in shown[:_SHOWN]]
    return (Table("Answers", ("request", "status", "type", "body"), rows), *texts)
