"""Items: the lines of the runbook that can be verified, as they are declared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct, field


class Stage(StrEnum):
    """When an item is verified; also the name of the pytest marker that selects it."""

    PRERELEASE = "prerelease"
    POSTRELEASE = "postrelease"
    MONITORING = "monitoring"


class Severity(StrEnum):
    """The runbook's severity matrix: what a failure of the item means."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


class Symptom(StrEnum):
    """Which decision rule of the runbook a failure triggers (DESIGN.md section 3, rule 4)."""

    HEALTH_FAILING = "health failing"
    LOGIN_BROKEN = "login broken"
    MIGRATION_FAILED = "migration failed"
    SERVER_ERRORS = "5xx above 5 % of requests"
    WRONG_ENVIRONMENT = "wrong environment value"
    CAUSE_UNKNOWN = "cause unknown for 15 minutes"
    WATCH_INCOMPLETE = "watch not completed"


class Section(StrEnum):
    """The runbook's sections, in the order in which reports show them."""

    CI = "CI/CD Verification"
    STAGING = "Staging Verification"
    VERSION = "Version Tagging"
    NOTES = "Release Notes"
    SECRETS = "Secrets Checklist"
    ENVIRONMENT = "Environment Configuration"
    DEPLOYMENT = "Deployment Procedure"
    MIGRATIONS = "Migration Procedure"
    ROLLBACK = "Rollback Procedure"
    AUTOMATED = "Automated Checks"
    ROUTES = "Manual Verification (Top 5 Routes)"
    MONITORING = "Monitoring Checklist"
    INCIDENT = "Incident Response Quick Steps"
    CADENCE = "Release Cadence Recommendations"
    SIGN_OFFS = "Sign-offs"
    BEYOND = "Beyond the runbook"

    @property
    def anchor(self) -> str:
        """The fragment by which pages link to this section's text."""
        kept = (c if c.isalnum() else " " for c in self.value.lower())
        return "runbook-" + "-".join("".join(kept).split())


class Minimum(Struct, frozen=True):
    """What an item must have seen before it may pass; less is unverified.

    ``counts`` maps a fact to the least number it must hold (``{"requests": 300}``),
    ``facts`` names those that must be there and not empty, ``max_age`` bounds the age of
    the evidence's ``observed_at``, and ``of_release`` demands evidence of the release's
    own commit. At least one count or fact must be named: an item that needs to see
    nothing could pass on nothing.
    """

    counts: Mapping[str, float] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    max_age: timedelta | None = None
    of_release: bool = False

    def __post_init__(self) -> None:
        if not self.counts and not self.facts:
            raise ValueError("a minimum of evidence names at least one count or fact")


class Item(Struct, frozen=True):
    """One verifiable line of the runbook.

    ``id`` is ``section.name``; ``remedy`` is what to do when it fails, in a sentence;
    ``quick_check`` is its line (1 to 10) of the ten-line quick check, if any;
    ``if_configured`` marks the runbook's "if enabled" items, not-applicable by themselves
    where nothing is configured; ``timeout_s`` bounds one verification in seconds;
    ``holds_target`` keeps other checks off the target while this one measures;
    ``paces_itself`` marks a check that spreads its own looks over a watch; others are looked
    at again and again; ``symptom`` names the decision rule that a failure triggers (default:
    by severity); ``looks_last`` starts it when the other checks of the stage have been, because
    it judges what they caused too; ``stays_failed`` marks what never becomes well again in a watch,
    so that how long it has failed says nothing of whether its cause is known.
    """

    id: str
    title: str
    stages: tuple[Stage, ...]
    severity: Severity
    section: Section
    minimum: Minimum
    remedy: str
    blocking: bool = True
    quick_check: int | None = None
    if_configured: bool = False
    manual: bool = False
    timeout_s: float = 30.0
    holds_target: bool = False
    paces_itself: bool = False
    needs_browser: bool = False
    looks_last: bool = False
    stays_failed: bool = False
    symptom: Symptom | None = None
    signal: str | None = None

    @property
    def test_name(self) -> str:
        """The name of the test function that verifies this item."""
        return "test_" + self.id.replace(".", "_").replace("-", "_")

    def label(self, parameter: str | None) -> str:
        """The name of one check of this item: ``secrets.strength[JWT_SECRET]``."""
        return f"{self.id}[{parameter}]" if parameter else self.id

    @property
    def room(self) -> str:
        """The module in ``checks/`` that declares it: the first part of the id."""
        return self.id.partition(".")[0]
