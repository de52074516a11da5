"""One JUnit file from those of the parts, by junitparser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import ParseError

from junitparser import Error, Failure, JUnitXml, JUnitXmlError, TestCase, TestSuite

from pytest_chefrelease.report.plain import one_line

_SUITE = "verifications."
_MOST = 10


def united(paths: Sequence[Path]) -> tuple[str, list[str]]:
    """The text of one file with every testcase once, and sentences about what was in them.

    A testcase of several files is the failed one, if any. Told are files that cannot be
    read, and tests beside the items that failed.
    """
    cases: dict[tuple[str, str], TestCase] = {}
    told: list[str] = []
    for path in paths:
        try:
            xml = JUnitXml.fromfile(str(path))
        except (OSError, ParseError, JUnitXmlError):
            told.append(f"{path} cannot be read: ordinary tests of that part are not shown.")
            continue
        for case in _cases(xml):
            name = (case.classname or "", case.name or "")
            if name not in cases or (_is_red(case) and not _is_red(cases[name])):
                cases[name] = case
    suite = TestSuite("pytest")
    suite.add_testcases(list(cases.values()))
    whole = JUnitXml("pytest tests")
    whole.add_testsuite(suite)
    text: bytes = whole.tostring()  # type: ignore[no-untyped-call] # (junitparser's own gap)
    return text.decode(), [*told, *_failures(cases.values())]


def _cases(xml: JUnitXml) -> Iterator[TestCase]:
    for suite in xml:
        yield from suite


def _is_red(case: TestCase) -> bool:
    return any(isinstance(result, Failure | Error) for result in case.result)


def _failures(cases: Iterable[TestCase]) -> Iterator[str]:
    red = [c for c in cases if _is_red(c) and not (c.classname or "").startswith(_SUITE)]
    for case in red[:_MOST]:
        said = one_line(case.result[0].message or "", 200)
        yield f"Beside the items failed {case.classname}.{case.name}: {said}"
