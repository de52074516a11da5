"""What a team's own checks are written with; the names here are kept from version to version.

::

    from pytest_chefrelease.api import Context, Evidence, Item, Minimum, check
"""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import Check, check
from pytest_chefrelease.errors import Failed, NotApplicable, Unverified
from pytest_chefrelease.runbook.evidence import (
    Chart,
    Evidence,
    Picture,
    Table,
    Text,
    Timeline,
)
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom

__all__ = [
    "Chart",
    "Check",
    "Context",
    "Evidence",
    "Failed",
    "Item",
    "Minimum",
    "NotApplicable",
    "Picture",
    "Section",
    "Severity",
    "Stage",
    "Symptom",
    "Table",
    "Text",
    "Timeline",
    "Unverified",
    "check",
]
