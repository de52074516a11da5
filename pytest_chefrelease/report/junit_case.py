"""One result as a JUnit testcase."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator

from pytest_chefrelease.report.junit_flavour import Flavour
from pytest_chefrelease.report.plain import one_line, plain
from pytest_chefrelease.report.readable import fact
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.outcome import Outcome, Result

_LONGEST_MESSAGE = 1_000
_LONGEST_VALUE = 2_000


def address(nodeid: str) -> tuple[str, str]:
    """Class name and name under which pytest writes a test into its file."""
    place, bracket, parameters = nodeid.partition("[")
    path, *names = place.split("::")
    classname = ".".join([path.replace("/", ".").removesuffix(".py"), *names[:-1]])
    name = names[-1] if names else ""
    return plain(classname), plain(f"{name}{bracket}{parameters}")


def case_of(result: Result, flavour: Flavour, *, tolerant: bool) -> ET.Element:
    """The element: properties, then failure, error or skipped, then what remains to be said.

    ``tolerant`` says that the run allows what is unverified: it is skipped, not an error.
    """
    classname, name = address(result.nodeid or result.label)
    case = ET.Element("testcase", classname=classname, name=fit(name, flavour.longest_name))
    case.set("time", f"{result.duration_s:.3f}")
    if flavour.with_file:
        case.set("file", plain(result.nodeid.partition("::")[0]))
    said = list(properties(result))
    if flavour.with_case_properties:
        case.append(property_list(said))
    verdict = _verdict(result, tolerant=tolerant)
    if verdict is not None:
        case.append(verdict)
    spoken = [] if flavour.with_case_properties else [f"{name}: {value}" for name, value in said]
    if verdict is None and result.outcome is not Outcome.PASSED:
        spoken.insert(0, text_of(result))
    if spoken:
        ET.SubElement(case, "system-out").text = "\n".join(spoken)
    return case


def attach(case: ET.Element, file: str) -> None:
    """Name a file in what the testcase says, as GitLab and Jenkins read it."""
    said = case.find("system-out")
    if said is None:
        said = ET.SubElement(case, "system-out")
    said.text = "\n".join([f"[[ATTACHMENT|{plain(file)}]]", *filter(None, [said.text])])


def fit(name: str, longest: int | None) -> str:
    """The name, cut where a reader takes no longer ones, and still unique."""
    if longest is None or len(name) <= longest:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:12]
    return f"{name[: longest - 13]}~{digest}"


def property_list(pairs: Iterable[tuple[str, str]]) -> ET.Element:
    """A ``properties`` element."""
    parent = ET.Element("properties")
    for name, value in pairs:
        ET.SubElement(parent, "property", name=name, value=value)
    return parent


def properties(result: Result) -> Iterator[tuple[str, str]]:
    """What machines read of a result, as names and texts."""
    item = result.item
    yield "item", item.id
    if result.parameter is not None:
        yield "parameter", one_line(result.parameter, _LONGEST_VALUE)
    yield "stage", result.stage.value
    yield "severity", result.severity.value
    yield "blocking", "true" if result.blocking else "false"
    yield "outcome", result.outcome.value
    if item.quick_check is not None:
        yield "quick_check", str(item.quick_check)
    yield "section", item.section.value
    yield "summary", one_line(result.summary, _LONGEST_VALUE)
    if result.evidence is not None:
        yield from _evidence_properties(result.evidence)


def _evidence_properties(evidence: Evidence) -> Iterator[tuple[str, str]]:
    yield "source", one_line(evidence.source, _LONGEST_VALUE)
    yield "observed_at", evidence.observed_at.isoformat()
    for name, value in evidence.facts.items():
        plain_value = value if isinstance(value, str) else _as_text(name, value)
        yield f"fact.{one_line(name, 100)}", one_line(plain_value, _LONGEST_VALUE)


def _as_text(name: str, value: object) -> str:
    """Numbers as machines read them; lists and tables in words."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false"}.get(bool(value), "") if value is not None else ""
    if isinstance(value, int | float):
        return str(value)
    return fact(name, value)[1] if isinstance(value, list | dict) else str(value)


def _verdict(result: Result, *, tolerant: bool) -> ET.Element | None:
    """The child that gives the testcase its outcome; None where readers shall see it pass.

    A failed advisory item is no failure, nor is one that could not be verified, and a shadow
    item does not count yet.
    """
    tags = {
        Outcome.FAILED: "failure" if result.blocking else None,
        Outcome.UNVERIFIED: "error" if result.blocking and not tolerant else "skipped",
        Outcome.NOT_APPLICABLE: "skipped",
        Outcome.WAIVED: "skipped",
    }
    tag = tags.get(result.outcome)
    if tag is None:
        return None
    element = ET.Element(tag, type=result.outcome.value)
    element.set("message", one_line(result.summary, _LONGEST_MESSAGE))
    element.text = text_of(result)
    return element


def text_of(result: Result) -> str:
    """All that a person needs to act on a result, in lines."""
    parts = (
        ("seen", "" if result.seen in result.summary else result.seen),
        ("expected", result.expected),
        ("where", result.where),
        ("remedy", result.remedy),
        ("source", result.evidence.source if result.evidence else ""),
    )
    kind = "" if result.blocking else ", advisory"
    head = f"{one_line(result.label)} {result.outcome} ({result.severity}{kind}): "
    lines = [f"{name}: {plain(text)}" for name, text in parts if text]
    return "\n".join([head + plain(result.summary), *lines])
