"""Doubles of vendors' APIs: one module each, answering as the vendor's document says.

A double is a ``Site``, most of them a ``Double`` of a state and what answers from it. To add
one: write its module with ``build(World) -> Site`` and name it in ``BUILDERS``; the server gives
it a port, a control and intercepts by that name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_chefrelease.rehearsal.doubles import (
    alertmanager,
    fly,
    github,
    loki,
    prometheus,
    render,
    sentry,
    status_page,
)
from pytest_chefrelease.rehearsal.site import Site
from pytest_chefrelease.rehearsal.world import World

BUILDERS: Mapping[str, Callable[[World], Site]] = {
    "alertmanager": alertmanager.build,
    "fly": fly.build,
    "github": github.build,
    "loki": loki.build,
    "prometheus": prometheus.build,
    "render": render.build,
    "sentry": sentry.build,
    "status": status_page.build,
}
