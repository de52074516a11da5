"""The web front's top routes: over HTTP, in a real browser, and behind the login.

Each item has a module here; what they share is in ``page``, ``account`` and the pure rules
of ``page_faults`` and ``shown_data``. Source: runbook, "Manual Verification (Top 5 Routes)".
"""

from pytest_chefrelease.checks.routes.browser import routes_browser
from pytest_chefrelease.checks.routes.http import routes_http
from pytest_chefrelease.checks.routes.login import routes_login

__all__ = ["routes_browser", "routes_http", "routes_login"]
