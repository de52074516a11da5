"""routes.login: the login form, right and wrong, and the data behind it."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from msgspec import structs

from pytest_chefrelease.checks.closed import demand_open, unless_closed
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.routes.account import account_of, request_of
from pytest_chefrelease.checks.routes.page import (
    demand_no_fault,
    expectation_of,
    page_evidence,
    page_lost,
)
from pytest_chefrelease.checks.routes.page_faults import (
    Expectation,
    failed_requests,
    faults_of,
    is_login_redirect,
)
from pytest_chefrelease.checks.routes.shown_data import count_shown, is_real
from pytest_chefrelease.errors import Failed, PageLost, Unverified
from pytest_chefrelease.probes.page_reading import PageReading, origin_of, path_of
from pytest_chefrelease.probes.sign_in import SignedIn
from pytest_chefrelease.runbook.evidence import Evidence, Scalar
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom


@check(
    Item(
        id="routes.login",
        title="A test account logs in and sees data; a wrong password does not",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P1,
        section=Section.ROUTES,
        symptom=Symptom.LOGIN_BROKEN,
        minimum=Minimum(counts={"data_calls": 1, "data_shown": 1}, facts=("wrong_password",)),
        remedy="Nobody can work: roll back now.",
        timeout_s=180,
        needs_browser=True,
    )
)
@unless_closed
async def routes_login(look: Context) -> Evidence:
    """Through the form to the data page, loaded afresh; then the same with a wrong password.

    The session must outlive a reload: a cookie that the browser drops lets a login look well
    until then.
    """
    account = account_of(look)
    if account is None:
        login = look.settings.login
        raise Unverified(
            f"no test account: {login.user_env} and {login.password_env} are not both set",
            expected="an account that may log in (login.user_env, login.password_env)",
            where=f"{look.web}{look.settings.routes.login_path}",
            remedy=f"Export {login.user_env} and {login.password_env} where pytest runs.",
        )
    try:
        right = await look.probes.browser.sign_in(request_of(look, *account))
        seen = _login_evidence(look, right)
        _demand_logged_in(look, right, seen)
        seen = _with_data(look, right, seen)
        wrong = await look.probes.browser.sign_in(
            request_of(look, account[0], f"not-{secrets.token_urlsafe(18)}")
        )
    except PageLost as error:
        raise page_lost(error) from None
    _demand_refused(look, wrong, seen)
    return structs.replace(
        seen,
        summary=f"logged in, {seen.facts['data_shown']} values of the API shown after a fresh "
        "load; a wrong password was refused",
        facts={**seen.facts, "wrong_password": "refused"},
    )


def _login_evidence(look: Context, signed_in: SignedIn) -> Evidence:
    reading = signed_in.landing or signed_in.form
    expected = expectation_of(
        look, look.settings.login.data_path, is_logged_in=signed_in.landing is not None
    )
    seen = page_evidence(reading, expected)
    after = path_of(signed_in.after) if signed_in.after else None
    dropped: list[Scalar] = [*signed_in.dropped]
    facts = {**seen.facts, "after_login": after, "cookies_kept": signed_in.cookies}
    facts |= {"cookies_dropped": dropped} if dropped else {}
    return structs.replace(seen, facts=facts)


def _dropped(signed_in: SignedIn) -> str:
    return f", and dropped {'; '.join(signed_in.dropped)}" if signed_in.dropped else ""


def _demand_logged_in(look: Context, signed_in: SignedIn, seen: Evidence) -> None:
    form, landing = signed_in.form, signed_in.landing
    where = form.asked
    demand_open(form.status, form.headers, where, seen)
    if signed_in.problem or landing is None:
        raise Failed(
            f"{signed_in.problem} (status {form.status})",
            expected="a login form with user, password and a button",
            where=where,
            remedy="See routes.browser for this page; name other fields by login.user_selector "
            "and login.password_selector.",
            evidence=seen,
        )
    if signed_in.shows_password:
        raise Failed(
            "the form sends the password in the address",
            expected="a form that sends it in a request's body",
            where=where,
            remedy="The form was sent before its script was there; change the test password now.",
            evidence=seen,
        )
    if not signed_in.has_left:
        raise Failed(
            "the test account does not get in: the login page stays",
            expected=f"the way to {look.settings.login.data_path}",
            where=where,
            remedy="Check that the account exists there; then roll back now.",
            evidence=seen,
        )
    expected = expectation_of(look, look.settings.login.data_path, is_logged_in=True)
    if is_login_redirect(landing, expected) and not _is_explained(landing, expected):
        raise Failed(
            "the login seems to work, but a fresh load asks for it again: the browser kept "
            f"{signed_in.cookies} cookies{_dropped(signed_in)}",
            expected="a session that outlives a reload",
            where=landing.asked,
            remedy="A cookie marked Secure is dropped over plain http, one for another domain "
            "always: look at how the session is kept.",
            evidence=seen,
        )
    faults = [
        structs.replace(fault, is_login_broken=True)
        for fault in faults_of(_of_login(landing), expected)
    ]
    demand_no_fault(faults, landing.asked, seen)


def _of_login(landing: PageReading) -> PageReading:
    """What concerns the login: styles and script errors are routes.browser's, and milder."""
    calls = tuple(request for request in landing.events.failed if request.is_data)
    events = replace(landing.events, failed=calls, uncaught=(), console=())
    return replace(landing, events=events)


def _is_explained(landing: PageReading, expected: Expectation) -> bool:
    """Whether failed calls, other than refusals, explain why the page leads back to the login."""
    failed = failed_requests(landing, expected)
    return any(request.status not in (401, 403) for request in failed)


def _with_data(look: Context, signed_in: SignedIn, seen: Evidence) -> Evidence:
    """The evidence with what shows that the page holds data. Raises Failed, Unverified."""
    landing = signed_in.landing
    if landing is None or landing.state is None:
        raise Unverified("the page was not read", where=signed_in.form.asked, evidence=seen)
    expected = expectation_of(look, look.settings.login.data_path, is_logged_in=True)
    answered = [call for call in landing.events.data if 200 <= (call.status or 0) < 300]
    own = [call for call in answered if expected.owns(call.url)]
    facts = {**seen.facts, "data_calls": sum(call.count for call in own)}
    seen = structs.replace(seen, facts=facts)
    if answered and not own:
        others = ", ".join(sorted({origin_of(call.url) for call in answered}))
        raise Failed(
            f"its data comes from {others}",
            expected=f"calls to the API at {expected.api or expected.site}",
            where=landing.asked,
            remedy="NEXT_PUBLIC_API_URL is fixed at build time: build with the API's address, "
            "or correct --base-url.",
            evidence=seen,
        )
    if not own:
        raise Unverified(
            "no call for data was answered",
            expected="calls to the API that answer 2xx",
            where=landing.asked,
            remedy="If the page is rendered with its data on the server, set login.data_path "
            "to one that calls the API.",
            evidence=seen,
        )
    shown = _shown(look, signed_in, landing.state.text, seen)
    return structs.replace(seen, facts={**facts, "data_shown": shown})


def _shown(look: Context, signed_in: SignedIn, text: str, seen: Evidence) -> int:
    login = look.settings.login
    where = f"{look.web}{login.data_path}"
    if login.data_selector is not None:
        real = [value for value in signed_in.data_texts if is_real(value)]
        if not real or len(real) < len(signed_in.data_texts):
            empty = len(signed_in.data_texts) - len(real)
            seen_text = f"{empty} without a value" if signed_in.data_texts else "none"
            raise Failed(
                f"of the elements {login.data_selector} {seen_text}",
                expected="each with a real value",
                where=where,
                evidence=seen,
            )
        return len(real)
    if login.data_text is not None:
        found = len(re.findall(login.data_text, text))
        if not found:
            raise Failed(
                "the page does not show the text of login.data_text",
                expected=login.data_text,
                where=where,
                evidence=seen,
            )
        return found
    shown = count_shown(text, signed_in.landing.events.bodies if signed_in.landing else ())
    if not shown:
        raise Unverified(
            "no value that the API answered can be read on the page",
            expected="data of the test account",
            where=where,
            remedy="Give the test account some data, or name it by login.data_selector or "
            "login.data_text.",
            evidence=seen,
        )
    return shown


def _demand_refused(look: Context, wrong: SignedIn, seen: Evidence) -> None:
    landing = wrong.landing
    where = wrong.form.asked
    if wrong.problem or landing is None or landing.state is None:
        raise Unverified(
            f"a wrong password could not be tried: {wrong.problem or 'no page afterwards'}",
            where=where,
            evidence=seen,
        )
    expected = expectation_of(look, look.settings.login.data_path, is_logged_in=False)
    if is_login_redirect(landing, expected):
        return
    got = [
        call.url
        for call in landing.events.data
        if 200 <= (call.status or 0) < 300 and expected.owns(call.url)
    ]
    if wrong.has_left or count_shown(landing.state.text, landing.events.bodies):
        raise Failed(
            f"a wrong password gets in: {landing.path} is shown ({len(got)} calls answered)",
            expected="the login page, with a refusal",
            where=where,
            remedy="Anyone can log in: roll back now, and end all sessions.",
            evidence=seen,
        )
