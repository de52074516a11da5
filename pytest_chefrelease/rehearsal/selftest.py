"""The self-test: every item is shown its known-bad twin, and must not pass it.

A check that no defect turns red is blind, and worse than none: its GO is believed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.rehearsal.faults import FAULTS
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.looking import looked_at
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.settings.known_keys import nearest

_WATCH_S, _INTERVAL_S = 2.0, 0.3
_WHOLE_WATCH = "watch.complete"
_WHOLE_WATCH_S = 6.0
_WATCHED = "health.endpoint"

_QUICKER = {
    "routes.browser": "render-error",
    "routes.login": "route-not-html",
    "latency.p95": "latency-slow",
    "latency.regression": "latency-slow",
}
"""Faults that are seen at once where others take a page's whole time budget, or together."""


NOT_SHOWN = ("rollback.team-notified", "rollback.incident-documented", "rollback.fix-retested")
"""Sign-offs that are asked for after a rollback only, which no rehearsal walks."""


class Twin(Struct, frozen=True):
    """One check's known-bad twin: a fault, and what the check must say of it."""

    label: str
    fault: Fault
    expected: Outcome

    @property
    def item_id(self) -> str:
        """The item that the label is of."""
        return self.label.partition("[")[0]


class Sight(Struct, frozen=True):
    """What a check said of its twin: ``result`` is None where it did not run at all."""

    twin: Twin
    result: Result | None
    seconds: float

    @property
    def is_blind(self) -> bool:
        """Whether the check took the defect for well."""
        return self.result is None or self.result.outcome is not self.twin.expected


def run(ids: Sequence[str], tell: Callable[[str], None]) -> int:
    """The self-test of some items, or of all; what is told is for people.

    Returns 0, or 1 when an item is blind. Raises SettingsError for an id that is none.
    """
    _demand_known(ids)
    shown = [item_id for item_id in ids if item_id not in NOT_SHOWN]
    chosen, without = twins(shown if ids else None)
    begun = time.monotonic()
    with Stack() as stack:
        sights = look_at_twins(stack, chosen, lambda sight: tell(_line(sight)))
    blind = [sight for sight in sights if sight.is_blind]
    for item_id in without:
        tell(f"BLIND {item_id}: there is no known defect to show it")
    for sight in blind:
        tell(_blindness(sight))
    for item_id in set(NOT_SHOWN).intersection(ids or NOT_SHOWN):
        tell(f"not shown: {item_id}, which is asked for after a rollback only")
    count, seconds = len(blind) + len(without), time.monotonic() - begun
    saw = len(sights) - len(blind)
    told = "item saw its defect" if saw == 1 else "items saw their defects"
    tell(f"{saw} {told}, {count} blind, in {seconds:.0f} s")
    return 1 if count else 0


def _demand_known(ids: Sequence[str]) -> None:
    mistakes = []
    for item_id in ids:
        if item_id not in catalogue():
            near = nearest(item_id, tuple(catalogue()))
            hint = f'did you mean "{near}"?' if near else "see pytest --collect-only -m STAGE"
            mistakes.append(f"--item {item_id}: no such item; {hint}")
    if mistakes:
        raise SettingsError(mistakes)


def _line(sight: Sight) -> str:
    mark = "BLIND" if sight.is_blind else "saw  "
    return f"{mark} {sight.twin.label:<44} {sight.twin.fault.title}"


def _blindness(sight: Sight) -> str:
    said = (
        f"{sight.result.outcome.value}: {sight.result.summary}"
        if sight.result is not None
        else "it did not run"
    )
    twin = sight.twin
    return (
        f"BLIND {twin.label}: expected {twin.expected.value} for the fault {twin.fault.name}, "
        f"seen {said}. Look: chefrelease rehearse --fault {twin.fault.name}"
    )


def twins(
    ids: Sequence[str] | None = None, faults: Sequence[Fault] = FAULTS
) -> tuple[tuple[Twin, ...], tuple[str, ...]]:
    """A twin for each item, by stage; and the items that have none: they cannot be shown to see."""
    wanted = [name for name in catalogue() if name not in NOT_SHOWN] if ids is None else ids
    found = {item_id: _twin(item_id, faults) for item_id in wanted}
    with_twin = [twin for twin in found.values() if twin is not None]
    with_twin.sort(key=lambda twin: list(Stage).index(twin.fault.stage))
    return tuple(with_twin), tuple(item_id for item_id, twin in found.items() if twin is None)


def _twin(item_id: str, faults: Sequence[Fault]) -> Twin | None:
    candidates = [twin for fault in faults for twin in _twins_of(fault) if twin.item_id == item_id]
    quicker = [twin for twin in candidates if twin.fault.name == _QUICKER.get(item_id)]
    return min(quicker or candidates, key=_cost, default=None)


def _twins_of(fault: Fault) -> Iterator[Twin]:
    for label in (*fault.red, *fault.warned):
        yield Twin(label, fault, Outcome.FAILED)
    for label in fault.unverified:
        yield Twin(label, fault, Outcome.UNVERIFIED)


def _cost(twin: Twin) -> tuple[bool, bool, int, bool]:
    """Red before open, before the watch rather than in it, and a defect that nobody else sees."""
    fault = twin.fault
    return (
        twin.expected is not Outcome.FAILED,
        fault.stage is Stage.MONITORING,
        len((*fault.red, *fault.warned, *fault.unverified)),
        fault.strikes_deploy,
    )


def look_at_twins(
    stack: Stack, chosen: Sequence[Twin], tell: Callable[[Sight], None]
) -> tuple[Sight, ...]:
    """Give the stack each fault in turn, let the item's check look, and take it away again.

    Items with the same fault look at it together. The twins must be in the order of stages.
    """
    sights: list[Sight] = []
    for fault, those in _by_fault(chosen).items():
        if fault.stage is not Stage.PRERELEASE and not stack.is_released:
            stack.release()
        stack.apply(fault)
        for sight in _look(stack, fault, those):
            tell(sight)
            sights.append(sight)
        stack.reset()
    return tuple(sights)


def _by_fault(chosen: Sequence[Twin]) -> Mapping[Fault, list[Twin]]:
    groups: dict[Fault, list[Twin]] = {}
    for twin in chosen:
        groups.setdefault(twin.fault, []).append(twin)
    return groups


def _look(stack: Stack, fault: Fault, those: Sequence[Twin]) -> Iterator[Sight]:
    ids, labels = {twin.item_id for twin in those}, {twin.label for twin in those}
    watch = None
    if _WHOLE_WATCH in ids:  # it judges how another item was watched
        watch = Watch(_WHOLE_WATCH_S, _INTERVAL_S, wall=stack.gate.wall)
        ids, labels = ids | {_WATCHED}, labels | {_WATCHED}
    elif fault.stage is Stage.MONITORING:
        watch = Watch(_WATCH_S, _INTERVAL_S)
    begun = time.monotonic()
    results = looked_at(stack, fault.stage, lambda item: item.id in ids, watch, labels=labels)
    seconds = time.monotonic() - begun
    by_label = {result.label: result for result in results}
    for twin in those:
        yield Sight(twin, by_label.get(twin.label), seconds)
