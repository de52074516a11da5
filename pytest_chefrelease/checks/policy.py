"""What settings make of an item and its outcome: overrides, exclusions, shadow, waivers.

Source: DESIGN.md section 3, rules 1 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from fnmatch import fnmatchcase

from msgspec.structs import replace

from pytest_chefrelease.runbook.item import Item, Severity
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.model import ItemOverride, Settings, Waiver


def override_of(item: Item, settings: Settings) -> ItemOverride:
    """What settings change of an item's declaration."""
    return settings.items.get(item.id, ItemOverride())


def severity_of(item: Item, settings: Settings) -> Severity:
    """The severity that counts here."""
    severity = override_of(item, settings).severity
    return Severity(severity) if severity else item.severity


def is_blocking(item: Item, settings: Settings) -> bool:
    """Whether the item blocks here."""
    blocking = override_of(item, settings).blocking
    return item.blocking if blocking is None else blocking


def timeout_of(item: Item, settings: Settings) -> float:
    """The time limit of an item in seconds: its own, or the one that settings give it."""
    timeout = override_of(item, settings).timeout
    return item.timeout_s if timeout is None else timeout.total_seconds()


def not_applicable_reason(item: Item, label: str, settings: Settings) -> str | None:
    """Why settings take a check out: by the item's id, the check's label, or a glob of either."""
    for pattern, reason in settings.not_applicable.items():
        if pattern in (item.id, label) or _matches(label, pattern) or _matches(item.id, pattern):
            return f"Not applicable: {reason}"
    return None


def _matches(name: str, pattern: str) -> bool:
    """``*`` and ``?`` as in a shell; brackets are those of a label, not a character class."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def shadowed(result: Result, settings: Settings) -> Result:
    """The result of an item that settings verify and show, but do not count yet."""
    counting = (Outcome.FAILED, Outcome.UNVERIFIED, Outcome.PASSED)
    if result.outcome not in counting or not override_of(result.item, settings).shadow:
        return result
    summary = f"would have {_VERBS[result.outcome]}: {result.summary}"
    return replace(result, outcome=Outcome.SHADOW, summary=summary)


def would_have_been(result: Result) -> Outcome | None:
    """What a shadow item's outcome would have been if it counted; None for any other."""
    if result.outcome is not Outcome.SHADOW:
        return None
    said = result.summary.removeprefix("would have ")
    found = (outcome for outcome, verb in _VERBS.items() if said.startswith(f"{verb}: "))
    return next(found, None)


_VERBS = {
    Outcome.FAILED: "failed",
    Outcome.PASSED: "passed",
    Outcome.UNVERIFIED: "been unverified",
}


def waived(result: Result, waivers: Sequence[Waiver], today: date) -> Result:
    """The result after waivers: a valid one accepts a failure, any other is told."""
    if result.outcome is not Outcome.FAILED:
        return result
    fitting = [w for w in waivers if w.item in (result.item.id, result.label)]
    # Of several, the one that holds longest counts: an old one may stand beside its renewal.
    fitting.sort(key=lambda w: w.expires)
    return _waive(result, fitting[-1], today) if fitting else result


def _waive(result: Result, waiver: Waiver, today: date) -> Result:
    until = f"by {waiver.approved_by} until {waiver.expires}: {waiver.reason}"
    if result.severity is Severity.P1:
        return replace(result, summary=f"{result.summary} (P1 cannot be waived; waived {until})")
    if today > waiver.expires:
        return replace(result, summary=f"{result.summary} (the waiver expired; {until})")
    summary = f"Waived {until}. It failed: {result.summary}"
    return replace(result, outcome=Outcome.WAIVED, summary=summary)
