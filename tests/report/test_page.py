"""What the page says, read from its markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from pytest_chefrelease.report.changes import changes
from pytest_chefrelease.report.html import Surroundings, headline, page
from pytest_chefrelease.report.html.cards import needs
from pytest_chefrelease.report.html.view import OPEN_CARDS, PASSED_CARDS, TROUBLED_CARDS
from pytest_chefrelease.runbook.evidence import Picture
from pytest_chefrelease.runbook.item import Minimum, Section
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.record import StageRecord
from scripts.runbook_page import FOLDER, render
from tests.report import samples


class Words(HTMLParser):
    """The text of a page, without style and script, and its elements."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._skipped = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._skipped = tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self._skipped = False

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.text.append(data)


def read(markup: str) -> Words:
    words = Words()
    words.feed(markup)
    return words


def text_of(record: StageRecord, around: Surroundings | None = None) -> str:
    return " ".join(" ".join(read(page(record, around)).text).split())


def test_the_first_lines_answer_the_managers_questions() -> None:
    text = text_of(samples.every_outcome(), Surroundings(by="Ada Lovelace"))

    start = text[: text.index("What to do")]
    for part in (
        "NO-GO",
        "Release v1.5.0",
        "Environment production",
        "Commit 3f2a91c07d5b",
        "When 24 Nov 2026, 10:30 UTC",
        "By Ada Lovelace",
        "api https://api.example",
        "P95 612 ms over 500 ms on GET /orders (300 requests, 41 over).",
        "To make it GO: ",
    ):
        assert part in start


def test_the_response_comes_with_its_commands() -> None:
    record = samples.every_outcome()
    text = text_of(record)

    assert record.response.commands
    assert record.response.reason in text
    for command in record.response.commands:
        assert " ".join(command.split()) in text


def test_the_board_tells_outcome_stage_and_age_of_each_line() -> None:
    text = text_of(samples.every_outcome())

    assert "CI green (lint + build) pending" in text
    assert "Smoke tests pass passed postrelease, 90 s ago" in text


def test_other_stages_are_told_with_their_age() -> None:
    around = Surroundings(earlier=(samples.all_well(),))

    assert "prerelease GO 3 h ago postrelease NO-GO monitoring pending" in (
        text_of(samples.every_outcome(), around)
    )


def test_each_section_links_to_its_text_in_the_page() -> None:
    read_page = read(page(samples.every_outcome()))

    targets = {str(a["href"])[1:] for tag, a in read_page.tags if tag == "a"}
    ids = [a["id"] for _, a in read_page.tags if "id" in a]
    assert "runbook-monitoring-checklist" in targets
    assert targets <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    "section", sorted(set(Section) - {Section.SIGN_OFFS, Section.BEYOND}), ids=str
)
def test_every_section_of_the_runbook_has_its_text(section: Section) -> None:
    assert f'id="{section.anchor}"' in page(samples.all_well())


def test_the_shipped_markup_is_the_runbook() -> None:
    source = (FOLDER / "runbook.md").read_text()

    assert (FOLDER / "runbook.html").read_text() == render(source)
    assert 'npx prisma migrate resolve --rolled-back "<migration-name>"' in source


def test_what_failed_stands_first_and_open() -> None:
    tags = read(page(samples.every_outcome())).tags
    cards = [a for tag, a in tags if tag == "details" and str(a["class"]).startswith("card")]

    opened = {str(a["class"]).split()[1] for a in cards if "open" in a}
    monitoring = [str(a["class"]).split()[1] for a in cards[1:]]
    assert opened == {"failed", "unverified"}
    assert monitoring == [
        *("failed", "failed", "unverified", "shadow", "passed", "not-applicable", "waived"),
    ]


def test_a_failure_tells_its_parts_and_a_pass_its_reason() -> None:
    text = text_of(samples.every_outcome())

    assert (
        "Expected P95 below 500 ms Where https://api.example/orders Remedy Mend latency.p95."
    ) in text
    assert "n 300 P95 612 ms Error rate 0.3 % Size 48.2 kB" in text
    assert "200, status ok, version 1.5.0, all of 2 services up" in text
    assert "Minimum evidence: n at least 1, not older than 24 h" in text


def test_drawings_have_words() -> None:
    text = text_of(samples.every_outcome())

    assert "300 points, median" in text
    assert "at or over the limit of 500 ms" in text
    assert "failed from 5.2 min for 15 s: 503 from https://api.example/health" in text
    assert "health endpoint 1.4.2 1.5.0 no" in text


def test_changes_since_the_last_release_are_told() -> None:
    now = samples.every_outcome()
    before = samples.every_outcome()
    passed = tuple(
        replace(r, outcome=Outcome.PASSED, summary="was well")
        if r.outcome in (Outcome.FAILED, Outcome.WAIVED)
        else replace(r, outcome=Outcome.FAILED)
        for r in before.results
    )

    kinds = [(c.kind, c.label) for c in changes(now, replace(before, results=passed))]
    assert kinds == [
        ("newly failed", "latency.p95[GET /orders]"),
        ("newly failed", "latency.regression"),
        ("newly unverified", "logs.no-5xx"),
        ("newly waived", "version.coherence"),
        ("mended", "health.endpoint"),
        ("mended", "routes.browser[/login]"),
    ]
    around = Surroundings(previous=replace(before, results=passed))
    assert "newly waived version.coherence" in text_of(now, around)


def test_what_failed_or_is_open_stands_at_the_head_and_leads_to_its_item() -> None:
    markup = page(samples.every_outcome())
    head = markup.partition('id="h-board"')[0]

    for result in samples.every_outcome().results:
        is_named = f'<a href="#i-{result.item.id}"><code>{result.label}' in head
        assert is_named is (result.outcome in (Outcome.FAILED, Outcome.UNVERIFIED)), result.label
        assert f'<article id="i-{result.item.id}"' in markup
    assert "troubles" not in page(samples.all_well()).partition("<body>")[2]


def test_slower_is_told_from_a_tenth_on() -> None:
    of = samples.item("latency.p95")
    now = samples.record_of((samples.result(of, facts={"n": 1, "p95_ms": 300.0}),))
    before = samples.record_of((samples.result(of, facts={"n": 1, "p95_ms": 200.0}),))
    alike = samples.record_of((samples.result(of, facts={"n": 1, "p95_ms": 280.0}),))

    [slower] = changes(now, before)
    assert (slower.kind, slower.words) == ("slower", "P95 300 ms, was 200 ms (50 % more)")
    assert changes(now, alike) == []


def test_a_mass_of_results_becomes_a_table() -> None:
    record = samples.many(10_000)
    markup = page(record)

    assert markup.count('class="card passed"') == 0
    assert markup.count('class="card failed"') == TROUBLED_CARDS
    assert markup.count("<details") - markup.count('class="rows') == TROUBLED_CARDS
    assert markup.count(" open><summary>") == OPEN_CARDS
    assert "GET /items/9999" in markup
    assert len(markup) < 276 * 10_000


def test_some_results_stay_cards() -> None:
    of = samples.item("secrets.present")
    results = tuple(samples.result(of, parameter=f"NAME_{n}") for n in range(PASSED_CARDS))

    assert page(samples.record_of(results)).count('class="card passed"') == PASSED_CARDS


def test_nothing_from_outside_becomes_markup() -> None:
    record = samples.hostile()
    read_page = read(page(record, Surroundings(by=samples.HOSTILE[0])))

    assert [a for tag, a in read_page.tags if tag == "script"] == [{}]
    assert [tag for tag, _ in read_page.tags if tag in ("img", "iframe", "object")] == []
    attributes = {name for _, attrs in read_page.tags for name in attrs}
    assert not attrs_that_run(attributes)
    assert "window.stolen=1" in " ".join(read_page.text)
    assert "{{ 7 * 7 }}" in " ".join(read_page.text)


def attrs_that_run(names: set[str]) -> set[str]:
    return {name for name in names if name.startswith("on") or name in ("srcdoc", "formaction")}


def test_a_picture_that_is_none_is_said_to_be_none() -> None:
    of = samples.item("routes.browser")
    pictures = (
        Picture("a drawing", "image/svg+xml", "AAAA"),
        Picture("no base64", "image/png", '"><script>'),
    )
    markup = page(samples.record_of((samples.result(of, attachments=pictures),)))

    assert markup.count("This picture cannot be shown.") == 2
    assert "<img" not in markup


def test_control_characters_are_taken_out() -> None:
    assert re.findall("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", page(samples.hostile())) == []


def test_the_headline_is_enough_where_the_page_could_not_be_written() -> None:
    record = samples.every_outcome()
    text = " ".join(read(headline(record)).text)

    assert "NO-GO" in text
    assert record.verdict.sentence in text
    assert record.response.commands[0] in text


def test_a_minimum_is_told_in_words() -> None:
    minimum = Minimum(counts={"requests": 300}, facts=("version",), of_release=True)

    assert needs(minimum) == "requests at least 300, version, of this very commit"
