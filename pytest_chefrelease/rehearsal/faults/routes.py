"""Faults of the web front, seen by HTTP or only in a browser."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.faults.effects import Effect, intercepting, refusing
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.faults.parameters import (
    BROWSER,
    BROWSER_PROTECTED,
    HTTP,
    NO_5XX,
    PREFLIGHT,
    SMOKE,
)
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action

_WEB = "production-web"
_NEXT_ERROR = (
    "<!DOCTYPE html><html><head><title>ChefCloud</title></head><body>"
    "<h2>Application error: a client-side exception has occurred"
    " (see the browser console for more information).</h2></body></html>"
)


def _document(path: str, status: int, body: str) -> Effect:
    return intercepting(
        Intercept(_WEB, path=path, status=status, body=body, content_type="text/html")
    )


def _script(name: str, old: str, new: str) -> Effect:
    """A page's script has a mistake."""
    return intercepting(Intercept(_WEB, path=f"/_next/static/*/{name}", replace=(old, new)))


def _lost(name: str) -> Effect:
    """A static file is missing from the build."""
    return intercepting(
        Intercept(_WEB, path=f"/_next/static/*/{name}", status=404, body="Not Found")
    )


def _no_login(
    name: str, title: str, apply: Effect, *red: str, unverified: tuple[str, ...] = ()
) -> Fault:
    """A fault that no login survives: the pages behind it lead to a broken one, or to nothing."""
    return Fault(
        name,
        title,
        Stage.POSTRELEASE,
        apply,
        red=(*red, *BROWSER_PROTECTED, "routes.login"),
        unverified=unverified,
        action=Action.ROLL_BACK,
    )


def _fault(name: str, title: str, apply: Effect, *red: str) -> Fault:
    return Fault(name, title, Stage.POSTRELEASE, apply, red=red, action=Action.ROLL_BACK_OR_HOTFIX)


FAULTS = (
    _fault(
        "route-500",
        "/orders answers 500",
        _document("/orders", 500, "<html><body>Internal Server Error</body></html>"),
        HTTP["/orders"],
        BROWSER["/orders"],
    ),
    _fault(
        "route-error-page",
        "/inventory answers 200 with the framework's error page",
        _document("/inventory", 200, _NEXT_ERROR),
        HTTP["/inventory"],
        BROWSER["/inventory"],
    ),
    _fault(
        "route-missing",
        "/orders is not a page of this build: 404",
        _document("/orders", 404, "<html><body>This page could not be found.</body></html>"),
        HTTP["/orders"],
        BROWSER["/orders"],
    ),
    _no_login(
        "route-not-html",
        "/login is sent as JSON",
        intercepting(
            Intercept(_WEB, "/login", status=200, body="{}", content_type="application/json")
        ),
        HTTP["/login"],
        BROWSER["/login"],
    ),
    _no_login(
        "web-down",
        "The web front's port refuses connections",
        refusing(_WEB),
        *HTTP.values(),
        BROWSER["/"],
        BROWSER["/login"],
        unverified=("secrets.not-served[web]", "deploy.executed[web]", "deploy.maintenance-off"),
    ),
    _fault(
        "missing-chunk",
        "The script of /orders is missing: 200, and a spinner for ever",
        _lost("pages/orders.js"),
        BROWSER["/orders"],
    ),
    _fault(
        "missing-stylesheet",
        "The style sheet is missing: all text is there, and only the request tells",
        _lost("app.css"),
        *BROWSER.values(),
    ),
    _fault(
        "render-error",
        "The landing page fails while it renders; the application catches that",
        _script("pages/landing.js", "return h(", "return undefined.crash("),
        BROWSER["/"],
    ),
    _no_login(
        "script-error",
        "The script of /login throws before it shows anything",
        _script("pages/login.js", "chefcloud.page(", "chefcloud.missing.page("),
        BROWSER["/login"],
    ),
    _no_login(
        "never-hydrated",
        "The login form is shown, and its inputs stay disabled for ever",
        _script("pages/login.js", "hydrated.then(() => enable(true))", "hydrated"),
        BROWSER["/login"],
    ),
    _no_login(
        "blank-page",
        "Every page is blank: no text, nothing painted, no error",
        _script("app.js", "if (page.isProtected && !user) return toLogin();", "return show();"),
        BROWSER["/"],
        BROWSER["/login"],
    ),
    _no_login(
        "cookie-dropped",
        "The login's cookie is for another domain: it looks right by HTTP, and browsers drop it",
        _script("app.js", "SameSite=Lax${secure}", "SameSite=Lax; Domain=chefcloud.example"),
    ),
    Fault(
        "api-errors",
        "The API answers every call of the front with 500; health is fine",
        Stage.POSTRELEASE,
        intercepting(
            *(
                Intercept("production-api", path=path, status=500, body="{}")
                for path in ("/auth/me", "/dashboard/*", "/pos/orders")
            )
        ),
        red=(
            *BROWSER_PROTECTED,
            "routes.login",
            SMOKE["GET /pos/orders"],
            PREFLIGHT["auth-guard"],
            NO_5XX,
        ),
        action=Action.ROLL_BACK,
    ),
)
