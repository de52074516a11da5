"""Completes the JUnit file that pytest wrote with what the record knows.

pytest's own file (``xunit2``) holds the tests' names and captured output. Everything about
items comes from here: properties, outcomes, durations, and the suite's verdict and counts, so
that they are right under pytest-xdist too, where pytest's fixtures for them are not
(pytest#7767). Where pytest could not write its file, it is made from the record alone.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from pytest_chefrelease.report.atomic import write_atomically
from pytest_chefrelease.report.junit_case import address, attach, case_of, fit, property_list
from pytest_chefrelease.report.junit_flavour import PLAIN, Flavour
from pytest_chefrelease.report.plain import one_line, plain
from pytest_chefrelease.runbook.outcome import Result, count
from pytest_chefrelease.runbook.record import StageRecord

_OUTCOMES = ("failure", "error", "skipped")
_COUNTED = (("failure", "failures"), ("error", "errors"), ("skipped", "skipped"))
_OUTPUT = ("system-out", "system-err")
_SPOOLED_BYTES = 1_000_000
"""Larger ones go to a temporary file."""
_PART_BYTES = 65_536


def finish_junit(
    path: Path,
    record: StageRecord,
    *,
    flavour: Flavour = PLAIN,
    redact: Callable[[str], str] = str,
    attachments: Mapping[str, str] | None = None,
) -> None:
    """Rewrite the file at ``path``, which pytest has written, or write it anew.

    ``attachments`` are files of results, by label. ``redact`` is applied to what pytest
    captured. Raises OSError; the file is then as it was.
    """
    suites = _read(path)
    suite = suites.find("testsuite")
    if suite is None:
        suite = _new_suite(suites, record)
    for element in suite.iter():
        _clean(element, redact)
    cases = _Cases(flavour, attachments or {}, tolerant=record.verdict.is_go)
    with SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as spool:
        # Counts stand before the cases, and are known when all are made.
        spool.writelines(cases.in_order(suite, record.results))
        _put_properties(suite, record)
        _put_counts(suite, cases.counts)
        spool.seek(0)
        write_atomically(path, _parts(suites, suite, spool))


def _read(path: Path) -> ET.Element:
    """What pytest wrote, or an empty root where it wrote nothing or was cut off."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 (pytest wrote it, a moment ago)
    except (FileNotFoundError, ET.ParseError):
        return ET.Element("testsuites", name="pytest tests")
    return root if root.tag == "testsuites" else ET.Element("testsuites", name="pytest tests")


def _new_suite(suites: ET.Element, record: StageRecord) -> ET.Element:
    duration = (record.finished_at - record.started_at).total_seconds()
    return ET.SubElement(
        suites,
        "testsuite",
        name="pytest",
        time=f"{duration:.3f}",
        timestamp=record.started_at.isoformat(),
    )


def _clean(element: ET.Element, redact: Callable[[str], str]) -> None:
    if element.text:
        element.text = plain(redact(element.text))
    for name in ("message", "value"):
        if name in element.attrib:
            element.set(name, plain(redact(element.attrib[name])))


def _parts(suites: ET.Element, suite: ET.Element, cases: IO[bytes]) -> Iterator[bytes]:
    """The file in parts: no element of a result is kept when its text is there."""
    place = "cases-stand-here"
    suite[:] = [suite[0], ET.Element(place)]
    before, _, after = ET.tostring(suites, encoding="unicode").partition(f"<{place} />")
    yield f'<?xml version="1.0" encoding="utf-8"?>\n{before}'.encode(errors="replace")
    while part := cases.read(_PART_BYTES):
        yield part
    yield f"{after}\n".encode(errors="replace")


def _bytes(element: ET.Element) -> bytes:
    return ET.tostring(element, encoding="unicode").encode(errors="replace")


class _Cases:
    """The testcases of the file, as they are written; ``counts`` are known when all are made."""

    def __init__(self, flavour: Flavour, attachments: Mapping[str, str], *, tolerant: bool) -> None:
        self._flavour = flavour
        self._attachments = attachments
        self._tolerant = tolerant
        self.counts: Counter[str] = Counter()

    def in_order(self, suite: ET.Element, results: Iterable[Result]) -> Iterator[bytes]:
        """Each result in the place of pytest's testcase of the same name, or behind the others."""
        written = _Written(suite)
        ours: dict[int, Result] = {}
        said: set[int] = set()
        added: list[Result] = []
        for result in results:
            first, *more = written.take(result) or (None,)
            said.update(map(id, more))
            if first is None:
                added.append(result)
            else:
                ours[id(first)] = result
        for child in suite:
            result_there = ours.get(id(child))
            if result_there is not None:
                yield self._case(result_there, written.take(result_there))
            elif child.tag != "properties" and id(child) not in said:
                self._count(child)
                yield _bytes(child)
        for result in added:
            yield self._case(result, ())

    def _case(self, result: Result, theirs: Iterable[ET.Element]) -> bytes:
        case = case_of(result, self._flavour, tolerant=self._tolerant)
        if result.label in self._attachments:
            attach(case, self._attachments[result.label])
        _keep_what_pytest_saw(case, theirs)
        self._count(case)
        return _bytes(case)

    def _count(self, case: ET.Element) -> None:
        if case.tag != "testcase":
            return
        case.set("name", fit(case.get("name", ""), self._flavour.longest_name))
        self.counts["tests"] += 1
        self.counts.update(name for tag, name in _COUNTED if case.find(tag) is not None)


class _Written:
    """pytest's testcases, found by the address of a result; a ``junit_prefix`` may stand before."""

    def __init__(self, suite: ET.Element) -> None:
        self._by_name: dict[str, list[ET.Element]] = defaultdict(list)
        for case in suite.iter("testcase"):
            self._by_name[case.get("name", "")].append(case)

    def take(self, result: Result) -> list[ET.Element]:
        classname, name = address(result.nodeid)
        return [
            case
            for case in self._by_name.get(name, ())
            if f".{case.get('classname', '')}".endswith(f".{classname}")
        ]


def _keep_what_pytest_saw(case: ET.Element, theirs: Iterable[ET.Element]) -> None:
    """Captured output, and an error that the result does not tell of (in a fixture's end)."""
    decided = any(child.tag in _OUTCOMES for child in case)
    said = {child.text for child in case}
    for child in (child for other in theirs for child in other):
        broke = child.tag in ("failure", "error") and not decided
        spoke = child.tag in _OUTPUT and child.text and child.text not in said
        if broke or spoke:
            case.append(child)


def _put_properties(suite: ET.Element, record: StageRecord) -> None:
    ours = dict(suite_properties(record))
    theirs = [
        (p.get("name", ""), p.get("value", "")) for p in suite.iterfind("properties/property")
    ]
    for element in suite.findall("properties"):
        suite.remove(element)
    merged = [*ours.items(), *((name, value) for name, value in theirs if name not in ours)]
    suite.insert(0, property_list(merged))


def suite_properties(record: StageRecord) -> Iterator[tuple[str, str]]:
    """What a pipeline reads of the whole stage."""
    release, response = record.release, record.response
    yield "verdict", record.verdict.decision.value
    yield "sentence", one_line(record.verdict.sentence)
    yield "to_go", one_line(record.verdict.to_go)
    yield "stage", record.stage.value
    yield "release", one_line(release.version or "")
    yield "commit", one_line(release.commit or "")
    yield "environment", one_line(release.environment)
    if release.image:
        yield "image", one_line(release.image)
    yield "response", response.action.value
    if response.within:
        yield "within", response.within
    yield "started_at", record.started_at.isoformat()
    yield "finished_at", record.finished_at.isoformat()
    for outcome, number in count(record.results).items():
        yield f"count.{outcome}", str(number)


def _put_counts(suite: ET.Element, counts: Counter[str]) -> None:
    for name in ("tests", *(name for _, name in _COUNTED)):
        suite.set(name, str(counts[name]))
