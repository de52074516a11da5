"""What the page shows, arranged: sections, items, results. The templates only write it down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from pytest_chefrelease.report.html.cards import Card, Rows, card_of, rows_of
from pytest_chefrelease.runbook.item import Item, Section
from pytest_chefrelease.runbook.outcome import Outcome, Result

PASSED_CARDS = 12
TROUBLED_CARDS = 50
"""More results of one item than this are rows of a table, so that 10,000 stay usable."""

OPEN_CARDS = 25
_WITHOUT_TEXT = {Section.SIGN_OFFS, Section.BEYOND}

_ORDER = {
    outcome: place
    for place, outcome in enumerate(
        (
            Outcome.FAILED,
            Outcome.UNVERIFIED,
            Outcome.WAIVED,
            Outcome.SHADOW,
            Outcome.PASSED,
            Outcome.NOT_APPLICABLE,
        )
    )
}


class ItemView(Struct, frozen=True):
    """An item with its results: cards for those that matter, tables for the mass."""

    item: Item
    cards: tuple[Card, ...]
    rows: tuple[Rows, ...]
    outcomes: str


class SectionView(Struct, frozen=True):
    """A section of the runbook with the items that were verified."""

    section: Section
    size: int
    counts: tuple[tuple[str, int], ...]
    items: tuple[ItemView, ...]
    anchor: str | None


def sections(results: Iterable[Result], now: datetime) -> list[SectionView]:
    """The results by runbook section; in each the gravest first."""
    by_section: dict[Section, list[Result]] = {section: [] for section in Section}
    for result in results:
        by_section[result.item.section].append(result)
    budget = _Budget(OPEN_CARDS)
    return [
        SectionView(
            section=section,
            size=len(found),
            counts=tuple(count_words(found)),
            items=tuple(_items(found, now, budget)),
            anchor=None if section in _WITHOUT_TEXT else section.anchor,
        )
        for section, found in by_section.items()
        if found
    ]


def troubles(results: Iterable[Result]) -> list[Result]:
    """What failed or could not be verified, the gravest first, for the head of the page."""
    found = [r for r in results if r.outcome in (Outcome.FAILED, Outcome.UNVERIFIED)]
    return sorted(found, key=lambda r: (not (r.blocks or r.holds), *_weight(r)))


def count_words(results: Iterable[Result]) -> list[tuple[str, int]]:
    """How many of each outcome, the gravest first, none with zero."""
    numbers = dict.fromkeys(_ORDER, 0)
    for result in results:
        numbers[result.outcome] += 1
    return [(outcome.value, n) for outcome, n in numbers.items() if n]


class _Budget:
    """How many failed cards may still stand open: a wall of them is read by nobody."""

    def __init__(self, cards: int) -> None:
        self._left = cards

    def take(self, result: Result) -> bool:
        if result.outcome not in (Outcome.FAILED, Outcome.UNVERIFIED) or not self._left:
            return False
        self._left -= 1
        return True


def _items(results: Sequence[Result], now: datetime, budget: _Budget) -> list[ItemView]:
    by_item: dict[str, list[Result]] = {}
    for result in sorted(results, key=_weight):
        by_item.setdefault(result.item.id, []).append(result)
    return [_item(found, now, budget) for found in by_item.values()]


def _weight(result: Result) -> tuple[int, bool, str, str]:
    return (_ORDER[result.outcome], not result.blocking, result.severity, result.item.id)


def _item(results: Sequence[Result], now: datetime, budget: _Budget) -> ItemView:
    cards: list[Card] = []
    rows: list[Rows] = []
    for outcome in _ORDER:
        same = [result for result in results if result.outcome is outcome]
        most = PASSED_CARDS if outcome is Outcome.PASSED else TROUBLED_CARDS
        shown = same if len(same) <= most else [r for r in same if _is_rich(r)][:most]
        cards += [card_of(result, now, is_open=budget.take(result)) for result in shown]
        known = {id(result) for result in shown}
        rest = [result for result in same if id(result) not in known]
        if rest:
            rows.append(rows_of(outcome, rest))
    outcomes = " ".join(name for name, _ in count_words(results))
    return ItemView(results[0].item, tuple(cards), tuple(rows), outcomes)


def _is_rich(result: Result) -> bool:
    """Whether a card shows more than a row of a table: a drawing, or what to do."""
    has_drawing = result.evidence is not None and bool(result.evidence.attachments)
    return has_drawing or result.outcome is not Outcome.PASSED
