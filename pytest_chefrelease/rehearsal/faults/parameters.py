"""The labels of checks that the stack's release.toml makes, by parameter."""

from __future__ import annotations

from pytest_chefrelease.runbook.item import Stage

PATHS = ("/", "/login", "/dashboard", "/orders", "/inventory")
LATENCY = {path: f"latency.p95[{path}]" for path in ("/health", "/inventory/items")}
SLOWER = {path: f"latency.regression[{path}]" for path in ("/health", "/inventory/items")}
HTTP = {path: f"routes.http[{path}]" for path in PATHS}
BROWSER = {path: f"routes.browser[{path}]" for path in PATHS}
BROWSER_PROTECTED = tuple(BROWSER[path] for path in ("/dashboard", "/orders", "/inventory"))

_GUARDED = (
    *("/pos/menu/categories", "/inventory/items", "/inventory/categories", "/pos/orders"),
    *("/workforce/employees", "/workforce/payroll-runs", "/finance/journal-entries"),
)
_ENDPOINTS = (
    "GET /health",
    *(f"GET {path}" for path in _GUARDED),
    "POST /auth/msr-swipe",
    "POST /auth/login",
)
_RULES = (
    *("auth-guard", "docs-hidden", "dev-portal-absent", "metrics-hidden", "cors", "request-id"),
    *("security-headers", "stack-traces-absent", "server-banner-absent"),
)
SMOKE = {name: f"smoke.endpoint[{name}]" for name in _ENDPOINTS}
PREFLIGHT = {rule: f"preflight.rule[{rule}]" for rule in _RULES}
SECRETS_OF_API = (
    "secrets.not-served[api]",
    "secrets.jwt-rotation",
    "secrets.old-is-dead[JWT_SECRET]",
)
"""What asks production's API about secrets."""
NO_5XX = "logs.no-5xx"
LOGS = {
    Stage.POSTRELEASE: (NO_5XX,),
    Stage.MONITORING: (NO_5XX, "logs.auth-failures", "logs.error-patterns"),
}
"""What reads the log, by stage."""

WATCH_ENDED = "watch.complete"
"""Red beside a P1 that was confirmed in a watch: it ends the watch before its time."""
