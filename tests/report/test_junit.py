"""The JUnit file: what pytest wrote, completed, valid for every reader."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from junitparser import JUnitXml
from msgspec.structs import replace

from pytest_chefrelease.report.junit import finish_junit
from pytest_chefrelease.report.junit_case import address
from pytest_chefrelease.report.junit_flavour import FLAVOURS, PLAIN, Flavour, flavour_of
from pytest_chefrelease.report.redact import Redactor
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.verdict import Decision, Verdict
from tests.report import samples

# Children and attributes that an element may have; source: junit-10.xsd of Jenkins' xUnit plugin,
# which pytest names as the schema of xunit2, read by hand. pytest itself adds testcase properties
# to it. The times of suites have a form there.
SUITE_TIME = re.compile(r"(?:(?:\d{0,3},)*\d{3}|\d{0,3})*(?:\.\d*)?")
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase", "system-out", "system-err"},
    "testcase": {"skipped", "error", "failure", "system-out", "system-err"},
    "properties": {"property"},
}
ATTRIBUTES = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {
        *("name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname"),
        *("id", "package", "file", "log", "url", "group"),
    },
    "testcase": {"name", "time", "classname", "group"},
    "property": {"name", "value"},
    "skipped": {"type", "message"},
    "error": {"type", "message"},
    "failure": {"type", "message"},
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "testcase": {"name"},
    "property": {"name", "value"},
}

SUITE = """
import pytest

def test_health_endpoint():
    print("captured by pytest: hunter22")

@pytest.mark.parametrize("p", ["GET /orders"])
def test_latency_p95(p):
    assert False, "pytest's own words"

@pytest.mark.parametrize("p", ["/login"])
def test_routes_browser(p):
    pass

@pytest.fixture
def broken():
    yield
    raise RuntimeError("hunter22 broke the teardown")

def test_version_coherence(broken):
    pass

def test_of_the_project_itself():
    assert 1 == 2, "\\x07 hunter22"
"""


def schema_faults(
    element: ET.Element, *, case_properties: bool = True, case_file: bool = False
) -> list[str]:
    """What a validating reader would refuse."""
    children = dict(CHILDREN)
    attributes = dict(ATTRIBUTES)
    if case_properties:
        children["testcase"] = {*CHILDREN["testcase"], "properties"}
    if case_file:
        attributes["testcase"] = {*ATTRIBUTES["testcase"], "file"}
    faults = []
    for each in element.iter():
        faults += [f"<{each.tag}> @{a}" for a in set(each.keys()) - attributes.get(each.tag, set())]
        if each.tag in ("testsuites", "testsuite") and not SUITE_TIME.fullmatch(
            each.get("time", "")
        ):
            faults.append(f"<{each.tag}> @time {each.get('time')}")
        faults += [
            f"<{each.tag}> lacks @{a}" for a in REQUIRED.get(each.tag, set()) - set(each.keys())
        ]
        allowed = children.get(each.tag, set())
        faults += [f"<{each.tag}> <{c.tag}>" for c in each if c.tag not in allowed]
    return faults


@pytest.fixture(scope="module", params=["one process", "xdist"])
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file that real pytest wrote for tests named as the record names them."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "verifications").mkdir()
    for room in ("health", "latency", "routes", "version"):
        names = SUITE.split("\n\n")
        chosen = [n for n in names if f"test_{room}" in n or "fixture" in n]
        (folder / f"verifications/test_{room}.py").write_text(
            "import pytest\n\n" + "\n\n".join(chosen)
        )
    (folder / "test_own.py").write_text(SUITE.rsplit("\n\n", 1)[-1])
    (folder / "pytest.ini").write_text("[pytest]\njunit_logging = all\n")
    spread = ["-n", "2"] if request.param == "xdist" else ["-p", "no:xdist"]
    command = [sys.executable, "-m", "pytest", "-q", "--junitxml=out.xml", *spread]
    subprocess.run(
        [*command, "-p", "no:chefrelease", "-p", "no:cacheprovider", "."],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    return (folder / "out.xml").read_text()


@pytest.fixture
def path(tmp_path: Path, written: str) -> Path:
    path = tmp_path / "postrelease.xml"
    path.write_text(written)
    return path


def finish(
    path: Path, record: StageRecord | None = None, flavour: Flavour = PLAIN, **redact: object
) -> ET.Element:
    redactor = Redactor(["hunter22"])
    finish_junit(path, record or samples.every_outcome(), flavour=flavour, redact=redactor.text)
    return ET.fromstring(path.read_text())


def cases_of(root: ET.Element) -> dict[str, ET.Element]:
    return {f"{c.get('classname')}::{c.get('name')}": c for c in root.iter("testcase")}


def properties_of(element: ET.Element) -> dict[str, str]:
    return {p.attrib["name"]: p.attrib["value"] for p in element.iterfind("properties/property")}


def child(case: ET.Element) -> str:
    outcomes = [c.tag for c in case if c.tag in ("failure", "error", "skipped")]
    assert len(outcomes) <= 1
    return outcomes[0] if outcomes else "passed"


@pytest.mark.parametrize(
    ("nodeid", "expected"),
    [
        ("verifications/test_a.py::test_b", ("verifications.test_a", "test_b")),
        ("a/test_a.py::TestC::test_b", ("a.test_a.TestC", "test_b")),
        ("t.py::test_b[/a::b.py[0]]", ("t", "test_b[/a::b.py[0]]")),
        ("test_a.py::test_b[GET http://x/y]", ("test_a", "test_b[GET http://x/y]")),
    ],
)
def test_a_test_is_addressed_as_pytest_does(nodeid: str, expected: tuple[str, str]) -> None:
    assert address(nodeid) == expected


def test_every_result_and_every_other_test_is_there_once(path: Path) -> None:
    root = finish(path)

    names = [f"{c.get('classname')}::{c.get('name')}" for c in root.iter("testcase")]
    assert len(names) == len(set(names))
    assert set(names) == {
        *("::".join(address(r.nodeid)) for r in samples.every_outcome().results),
        "test_own::test_of_the_project_itself",
    }


def test_each_outcome_is_what_readers_of_junit_expect(path: Path) -> None:
    root = finish(path)

    found = {properties_of(case).get("item", "own"): child(case) for case in root.iter("testcase")}
    assert found == {
        "health.endpoint": "passed",
        "latency.p95": "failure",
        "routes.browser": "passed",
        "version.coherence": "skipped",
        "sentry.no-new-issues": "skipped",
        "logs.no-5xx": "error",
        "latency.regression": "passed",
        "watch.complete": "passed",
        "own": "failure",
    }


def test_a_failure_says_in_attribute_and_text_what_to_do(path: Path) -> None:
    case = cases_of(finish(path))["verifications.test_latency::test_latency_p95[GET /orders]"]
    failure = case.find("failure")

    assert failure is not None
    assert failure.get("message") == (
        "P95 612 ms over 500 ms on GET /orders (300 requests, 41 over)"
    )
    assert (failure.text or "").splitlines() == [
        f"latency.p95[GET /orders] failed (P2): {failure.get('message')}",
        "expected: P95 below 500 ms",
        "where: https://api.example/orders",
        "remedy: Mend latency.p95.",
        "source: GET https://api.example/health",
    ]


def test_a_testcase_carries_what_machines_ask_for(path: Path) -> None:
    case = cases_of(finish(path))["verifications.test_latency::test_latency_p95[GET /orders]"]

    said = properties_of(case)
    assert said["item"] == "latency.p95"
    assert said["parameter"] == "GET /orders"
    assert (said["stage"], said["severity"], said["blocking"], said["outcome"]) == (
        "postrelease",
        "P2",
        "true",
        "failed",
    )
    assert said["section"] == "Monitoring Checklist"
    assert said["fact.p95_ms"] == "612.25"
    assert case.get("time") == "31.200"


def test_the_suite_carries_verdict_release_environment_and_counts(path: Path) -> None:
    suite = finish(path).find("testsuite")

    assert suite is not None
    said = properties_of(suite)
    assert said["verdict"] == "NO-GO"
    assert (said["release"], said["commit"], said["environment"]) == (
        "v1.5.0",
        samples.COMMIT,
        "production",
    )
    assert (said["count.passed"], said["count.failed"], said["count.waived"]) == ("2", "2", "1")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "9",
        "failures": "2",
        "errors": "1",
        "skipped": "2",
    }


def test_a_warning_is_no_failure_but_can_be_read(path: Path) -> None:
    case = cases_of(finish(path))["verifications.test_latency::test_latency_regression"]

    assert child(case) == "passed"
    assert properties_of(case)["outcome"] == "failed"
    assert "12 % slower than v1.4.2" in (case.findtext("system-out") or "")


def test_what_pytest_captured_stays_and_holds_no_secret(path: Path) -> None:
    root = finish(path)

    captured = cases_of(root)["verifications.test_health::test_health_endpoint"]
    assert "captured by pytest: [redacted]" in (captured.findtext("system-out") or "")
    assert "hunter22" not in path.read_text()
    assert "[redacted]" in (
        cases_of(root)["test_own::test_of_the_project_itself"].findtext("failure") or ""
    )


def test_an_error_at_the_end_of_a_passed_check_stays(path: Path) -> None:
    of = samples.item("version.coherence")
    root = finish(path, samples.record_of((samples.result(of),)))

    case = cases_of(root)["verifications.test_version::test_version_coherence"]
    assert child(case) == "error"
    assert "broke the teardown" in (case.findtext("error") or "")


def test_what_is_allowed_to_be_unverified_is_skipped(tmp_path: Path) -> None:
    record = samples.record_of(
        (samples.result(samples.item("logs.no-5xx"), Outcome.UNVERIFIED, "no access"),)
    )
    allowed = replace(record, verdict=Verdict(Decision.GO, "GO with 1 unverified allowed.", ""))

    [case] = finish(tmp_path / "a.xml", allowed).iter("testcase")

    assert child(case) == "skipped"
    assert properties_of(case)["outcome"] == "unverified"


@pytest.mark.parametrize("broken", [None, "", "<testsuites><testsuite>", "<html/>"])
def test_without_a_file_of_pytest_it_is_made_from_the_record(
    tmp_path: Path, broken: str | None
) -> None:
    path = tmp_path / "prerelease.xml"
    if broken is not None:
        path.write_text(broken)

    root = finish(path)

    assert len(cases_of(root)) == len(samples.every_outcome().results)
    assert schema_faults(root) == []


def test_a_prefix_before_class_names_is_understood(path: Path) -> None:
    path.write_text(path.read_text().replace('classname="', 'classname="nightly.'))

    root = finish(path)

    assert len(list(root.iter("testcase"))) == 9


def test_finishing_twice_changes_nothing(path: Path) -> None:
    finish(path)
    once = path.read_text()

    finish(path)

    assert path.read_text() == once


@pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS)
@pytest.mark.parametrize(
    "record", [samples.every_outcome(), samples.hostile()], ids=["", "hostile"]
)
def test_the_file_is_valid_by_the_schema_of_its_reader(
    path: Path, flavour: Flavour, record: StageRecord
) -> None:
    root = finish(path, record, flavour)

    is_strict = flavour.name == "jenkins"
    assert schema_faults(root, case_properties=not is_strict, case_file=flavour.with_file) == []
    parsed = JUnitXml.fromfile(str(path))
    assert sum(1 for suite in parsed for _ in suite) == len(list(root.iter("testcase")))


def test_for_jenkins_properties_are_text(path: Path) -> None:
    case = cases_of(finish(path, flavour=FLAVOURS["jenkins"]))[
        "verifications.test_latency::test_latency_p95[GET /orders]"
    ]

    assert "fact.p95_ms: 612.25" in (case.findtext("system-out") or "")


@pytest.mark.parametrize("name", ["gitlab", "github"])
def test_for_gitlab_and_github_testcases_name_their_file(path: Path, name: str) -> None:
    case = cases_of(finish(path, flavour=FLAVOURS[name]))[
        "verifications.test_latency::test_latency_p95[GET /orders]"
    ]

    assert case.get("file") == "verifications/test_latency.py"


def test_for_azure_long_names_are_cut_and_stay_unique(tmp_path: Path) -> None:
    of = samples.item("smoke.endpoint")
    record = samples.record_of(
        tuple(samples.result(of, parameter="/x" * 400 + str(n)) for n in range(3))
    )

    root = finish(tmp_path / "a.xml", record, FLAVOURS["azure"])

    names = [c.get("name", "") for c in root.iter("testcase")]
    assert len(set(names)) == 3
    assert max(map(len, names)) == 512


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"GITLAB_CI": "true"}, "gitlab"),
        ({"GITHUB_ACTIONS": "true"}, "github"),
        ({"JENKINS_URL": "https://ci.example"}, "jenkins"),
        ({"TF_BUILD": "True"}, "azure"),
        ({"CI": "true", "GITLAB_CI": ""}, "plain"),
    ],
)
def test_the_flavour_is_that_of_the_ci_system(environment: dict[str, str], name: str) -> None:
    assert flavour_of(environment).name == name


def test_ten_thousand_testcases_take_seconds(tmp_path: Path) -> None:
    started = time.perf_counter()
    finish_junit(tmp_path / "a.xml", samples.many(10_000))

    assert time.perf_counter() - started < 10
    assert len(ET.parse(tmp_path / "a.xml").findall(".//testcase")) == 10_000
