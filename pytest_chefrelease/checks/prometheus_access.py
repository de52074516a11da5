"""Prometheus as settings name it."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.probes.prometheus import PrometheusApi
from pytest_chefrelease.probes.vendor_answers import token_from


def prometheus_of(look: Context) -> PrometheusApi | None:
    """The configured Prometheus, or None. Raises NotConfigured where its token is missing."""
    table = look.settings.prometheus
    if table.url is None:
        return None
    name = table.token_env
    token = token_from(look.environment, name, "Prometheus") if name else None
    return PrometheusApi(look.probes.http, table.url, token, name or "")


def window_of(look: Context) -> str:
    """The window over which rates are taken, as PromQL writes it."""
    return f"{max(1, round(look.settings.prometheus.window.total_seconds()))}s"
