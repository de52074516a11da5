"""The test account: from the environment to a login in the browser, done once in a run."""

from __future__ import annotations

from urllib.parse import urljoin

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.routes.page import visit_of
from pytest_chefrelease.errors import PageLost
from pytest_chefrelease.probes.sign_in import Session, SignIn


def account_of(look: Context) -> tuple[str, str] | None:
    """User and password of the test account; None where they are not both set."""
    login = look.settings.login
    user = look.environment.get(login.user_env)
    password = look.environment.get(login.password_env)
    return (user, password) if user and password else None


def request_of(look: Context, user: str, password: str) -> SignIn:
    """How to log in with these, by settings."""
    login = look.settings.login
    return SignIn(
        login=visit_of(look, look.settings.routes.login_path, hidden=(user, password)),
        landing=urljoin(look.web + "/", login.data_path.lstrip("/")),
        user=user,
        password=password,
        user_selector=login.user_selector,
        password_selector=login.password_selector,
        submit_selector=login.submit_selector,
        data_selector=login.data_selector,
    )


async def session_of(look: Context, account: tuple[str, str]) -> Session | None:
    """The login of the test account, done once; None where it does not get in."""
    try:
        signed_in = await look.probes.browser.sign_in(request_of(look, *account))
    except PageLost:
        return None  # routes.login says so; the page is looked at without a login
    return signed_in.session if signed_in.has_left else None
