"""What is wrong with a page, by what a browser saw of it. Pure rules.

"No console errors" is no rule that can be used: pages call the API before they redirect, and
icons are missing. What counts:

- the document: no answer, a status of 400 or more, a redirect out of the site, a redirect
  that is wrong for this visitor;
- a text of the framework's error pages;
- an uncaught error or an unhandled rejection, unless only scripts of other sites are named;
- a console error that tells of an error which the application caught while rendering
  (``CONSOLE_RULE``); other console messages are shown, and do not count;
- a request that failed (no answer, or 400 and more) at the site, the API, or a configured
  origin. 401 and 403 of scripts' calls do not count without a login, cancelled requests and
  prefetches never do; nor does what ``routes.allowed_errors`` matches;
- a page that is not usable within its budget, or shows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from pytest_chefrelease.probes.page_reading import (
    PageReading,
    Request,
    ScriptError,
    State,
    origin_of,
    path_of,
)

CONSOLE_RULE = re.compile(
    r"^(Uncaught|Unhandled)|The above error occurred|Minified React error|Hydration failed"
    r"|ChunkLoadError|Loading (CSS )?chunk \S+ failed"
)
_SHOWN_TEXT = 160


class Expectation(Struct, frozen=True):
    """What is right for one page and one visitor.

    ``site`` is the web front's address, ``api`` the API's; ``login`` the path (or, of another
    site, the address) of the login page; ``is_protected`` pages ask for a login.
    """

    path: str
    site: str
    api: str | None
    login: str
    is_protected: bool
    is_logged_in: bool
    budget_s: float
    own_origins: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    error_texts: tuple[str, ...] = ()

    @property
    def is_login_page(self) -> bool:
        """Whether the page is the login page itself."""
        return path_of(self.path) == path_of(self.login)

    def owns(self, url: str) -> bool:
        """Whether the address is the site's, the API's, or of a configured origin."""
        own = [origin for origin in (self.site, self.api, *self.own_origins) if origin]
        return is_within(url, self.site) or origin_of(url) in map(origin_of, own)

    def allows(self, *texts: str) -> bool:
        """Whether settings say that an error with one of these texts is harmless."""
        return any(re.search(pattern, text) for pattern in self.allowed for text in texts)


class Fault(Struct, frozen=True):
    """One thing that is wrong; ``is_login_broken`` when nobody can log in with it."""

    seen: str
    expected: str
    remedy: str = ""
    is_login_broken: bool = False


def faults_of(reading: PageReading, expected: Expectation) -> tuple[Fault, ...]:
    """Everything that is wrong with the page, what explains most first."""
    if reading.problem:
        return (
            Fault(
                f"the browser got no page: {reading.problem}",
                "a page",
                "Check that the web front runs, and that its certificate and redirects are right.",
                is_login_broken=expected.is_login_page,
            ),
        )
    found = (
        *_of_document(reading, expected),
        *_of_texts(reading.state, expected),
        *_of_failed_requests(reading, expected),
        *_of_errors(reading, expected),
        *_of_use(reading, expected),
        *_of_form(reading, expected),
    )
    return tuple(dict.fromkeys(found))


def redirect_note(reading: PageReading, expected: Expectation) -> str:
    """Where the page led, in words, when that is right and elsewhere; empty otherwise."""
    if reading.path == path_of(expected.path) and is_within(reading.address, expected.site):
        return ""
    if is_login_redirect(reading, expected):
        return f"leads to {expected.login}, right without a login"
    return f"leads to {reading.path}"


def is_login_redirect(reading: PageReading, expected: Expectation) -> bool:
    """Whether the visitor ended on the login page without having asked for it."""
    if expected.is_login_page:
        return False
    if "://" in expected.login:
        return reading.address.startswith(expected.login)
    return reading.path == path_of(expected.login) and is_within(reading.address, expected.site)


def is_within(url: str, site: str) -> bool:
    """Whether an address is of the site: the same host, with or without ``www.``.

    On usual ports http and https are one site; other ports are services of their own.
    """
    if origin_of(url) == origin_of(site):
        return True
    one, other = urlsplit(url), urlsplit(site)
    same_host = _bare(one.hostname) == _bare(other.hostname)
    return same_host and ":" not in origin_of(url)[6:] and ":" not in origin_of(site)[6:]


def _bare(host: str | None) -> str:
    return (host or "").removeprefix("www.")


def _of_document(reading: PageReading, expected: Expectation) -> Iterator[Fault]:
    if reading.status is not None and reading.status >= 400:
        yield Fault(
            f"the document answers {reading.status}",
            "a status below 400",
            is_login_broken=expected.is_login_page,
        )
    if is_login_redirect(reading, expected):
        yield from _of_login_redirect(expected)
    elif not is_within(reading.address, expected.site):
        yield Fault(
            f"it leads to {origin_of(reading.address)}, out of the site",
            f"a page of {origin_of(expected.site)}",
            "Where the login is at another site, set routes.login_path to its address.",
            is_login_broken=expected.is_login_page,
        )
    elif expected.is_login_page and reading.path != path_of(expected.path):
        yield Fault(f"it leads to {reading.path}", "the login form", is_login_broken=True)


def _of_login_redirect(expected: Expectation) -> Iterator[Fault]:
    if expected.is_logged_in:
        yield Fault(
            f"it leads to {expected.login} although logged in",
            "the page itself",
            "The session is not accepted there: look at cookies, token lifetime and roles.",
        )
    elif not expected.is_protected and path_of(expected.path) != "/":
        yield Fault(
            f"it asks for a login (leads to {expected.login})",
            "the page itself",
            "Add it to routes.protected when that is right.",
        )


def _of_texts(state: State | None, expected: Expectation) -> Iterator[Fault]:
    text = f"{state.title}\n{state.text}".casefold() if state is not None else ""
    for phrase in expected.error_texts:
        if phrase.casefold() in text:
            yield Fault(
                f"it shows “{phrase}”",
                "the page, not an error page",
                "The application caught an error while rendering: see console and requests.",
                is_login_broken=expected.is_login_page,
            )
            return


def failed_requests(reading: PageReading, expected: Expectation) -> tuple[Request, ...]:
    """The failed requests that count."""
    return tuple(r for r in reading.events.failed if _counts(r, reading, expected))


def _counts(request: Request, reading: PageReading, expected: Expectation) -> bool:
    is_document = request.kind == "document" and request.url in (
        reading.asked,
        reading.address,
        *reading.redirects,
    )
    is_refused = request.is_data and request.status in (401, 403) and not expected.is_logged_in
    if is_document or is_refused or request.is_prefetch or expected.allows(request.url):
        return False
    return expected.owns(request.url) or _is_left_behind(request, expected)


def _is_left_behind(request: Request, expected: Expectation) -> bool:
    """A call to this very machine from a page of another one: a build's default address."""
    return request.is_data and _is_loopback(request.url) and not _is_loopback(expected.site)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


_MEANING = {
    "script": "Deploy all files of the build; caches and instances must not mix two builds.",
    "stylesheet": "Deploy all files of the build; caches and instances must not mix two builds.",
}


def _of_failed_requests(reading: PageReading, expected: Expectation) -> Iterator[Fault]:
    for request in failed_requests(reading, expected):
        if _is_left_behind(request, expected):
            remedy = "NEXT_PUBLIC_API_URL is fixed at build time: build with the API's address."
        else:
            remedy = _MEANING.get(request.kind, "Look for this request in the server's logs.")
        yield Fault(f"a {request.kind} failed: {request.seen}", "no failed request", remedy)
    for request in reading.events.unfinished:
        if expected.owns(request.url) and reading.usable_ms is None:
            yield Fault(
                f"a {request.kind} never came: {request.url}",
                "an answer within the budget",
                "Look at what serves that file.",
            )


def uncaught_errors(reading: PageReading, expected: Expectation) -> tuple[ScriptError, ...]:
    """The uncaught errors that count, and those on the console that the application caught."""
    on_console = (e for e in reading.events.console if CONSOLE_RULE.search(e.text))
    found = (*reading.events.uncaught, *on_console)
    return tuple(e for e in found if _is_own(e, expected))


def _is_own(error: ScriptError, expected: Expectation) -> bool:
    if expected.allows(error.text, *error.addresses):
        return False
    return not error.addresses or any(expected.owns(address) for address in error.addresses)


def _of_errors(reading: PageReading, expected: Expectation) -> Iterator[Fault]:
    for error in uncaught_errors(reading, expected):
        text = " ".join(error.text.split())[:_SHOWN_TEXT]
        place = f" ({error.addresses[0]})" if error.addresses else ""
        yield Fault(f"an error in a script: {text}{place}", "no uncaught error")


def _of_use(reading: PageReading, expected: Expectation) -> Iterator[Fault]:
    budget = f"{expected.budget_s:g} s"
    state = reading.state
    if state is None:
        yield Fault(f"it never came to rest within {budget}", "a page that stays")
        return
    if reading.usable_ms is None:
        yield Fault(
            f"after {budget} {_why_unusable(reading, state)}",
            f"a page that can be used within {budget}",
            "A script, or a call that it waits for, did not come: see the requests.",
            is_login_broken=expected.is_login_page,
        )
    elif reading.colours == 1:
        yield Fault(
            "nothing is painted: the picture has one colour",
            "something to see",
            "Look at the style sheets, and at what lies over the page.",
            is_login_broken=expected.is_login_page,
        )


def _why_unusable(reading: PageReading, state: State) -> str:
    if state.waiting:
        return f"it still shows {', '.join(state.waiting)}"
    if state.shown == 0:
        return "nothing is visible"
    if state.fields and not state.fields_enabled:
        return f"all {state.fields} inputs are still disabled"
    ways = [path_of(address) for address in reading.events.addresses[-3:]]
    if len(ways) > 1:
        return f"its address keeps changing ({' → '.join(ways)})"
    return "it is still loading or changing"


def _of_form(reading: PageReading, expected: Expectation) -> Iterator[Fault]:
    """The login page must be one that a visitor can log in on, also when led to."""
    if "://" in expected.login or reading.path != path_of(expected.login):
        return  # a login at another site may ask in steps of its own
    if reading.state is not None and not reading.state.passwords_enabled:
        led = "" if expected.is_login_page else f"it leads to {expected.login}, and "
        yield Fault(
            f"{led}there is no password field that takes input",
            "the login form",
            "Look at the errors and requests of the login page.",
            is_login_broken=True,
        )
