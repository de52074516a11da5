"""The labels of checks that the stack's release.toml makes, by parameter."""

from __future__ import annotations

PATHS = ("/", "/login", "/dashboard", "/orders", "/inventory")
LATENCY = {path: f"latency.p95[{path}]" for path in ("/health", "/inventory/items")}
HTTP = {path: f"routes.http[{path}]" for path in PATHS}
BROWSER = {path: f"routes.browser[{path}]" for path in PATHS}
BROWSER_PROTECTED = tuple(BROWSER[path] for path in ("/dashboard", "/orders", "/inventory"))
