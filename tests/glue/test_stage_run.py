"""A stage run as a user types it: selection, exit codes, files, words."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pytest_chefrelease.probes.ledger import LedgerProbe
from tests.glue.running import Application, Gate, only_health

HEALTH = ("--release-item", "health.*")


def test_a_url_alone_verifies_what_it_allows_and_holds(
    gate: Gate, application: Application
) -> None:
    ran = gate(
        "-m",
        "postrelease",
        f"--base-url={application.url}",
        "--release-item",
        "health.*",
        "--release-item",
        "migrations.*",
    )
    assert ran.code == 1
    record = ran.record()
    assert record["verdict"] == "HOLD"
    outcomes = {item["id"]: item["outcome"] for item in record["items"]}
    assert outcomes == {
        "health.endpoint": "passed",
        "health.readiness": "not-applicable",
        "migrations.status": "unverified",
    }
    assert ran.last_line.startswith("HOLD: ")
    assert "Traceback" not in ran.text


def test_every_item_well_is_go_with_exit_code_zero(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    ran = gate("-m", "postrelease", f"--base-url={application.url}")
    assert ran.code == 0, ran.text
    assert ran.record()["verdict"] == "GO"
    assert ran.last_line.startswith("GO")
    (remembered,) = LedgerProbe(ran.folder / "reports" / "ledger.sqlite").runs()
    assert (remembered.version, remembered.verdict) == ("v1.5.0", "GO")


def test_a_failed_item_is_no_go_and_says_to_roll_back(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    application.status = 503
    only_health(pytester, '[provider]\nname = "fly"\napp = "cloud-api"\n')
    ran = gate("-m", "postrelease", f"--base-url={application.url}")
    assert ran.code == 1
    record = ran.record()
    assert record["verdict"] == "NO-GO"
    response = record["response"]
    assert isinstance(response, dict)
    assert response["action"] == "roll-back"
    assert any("cloud-api" in command for command in response["commands"])
    assert "NO-GO" in ran.last_line
    assert "Traceback" not in ran.text


def test_ids_do_not_depend_on_where_the_suite_is_installed(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    gate("-m", "postrelease", f"--base-url={application.url}")
    root = ET.parse(pytester.path / "reports" / "postrelease.xml").getroot()
    names = {(case.get("classname"), case.get("name")) for case in root.iter("testcase")}
    assert ("verifications.test_health", "test_health_endpoint") in names


def test_a_selection_is_partial_and_never_go(gate: Gate, application: Application) -> None:
    ran = gate("-m", "postrelease", f"--base-url={application.url}", "--release=v1.5.0", *HEALTH)
    assert ran.code == 1
    assert ran.record()["verdict"] == "HOLD"
    assert "partial" in ran.text


@pytest.mark.parametrize(
    "glob", ["health.endpoint", "health.*", "hea*", "h?alth.endpoint", "*endpoint", "h*t", "[h]*"]
)
def test_whatever_glob_names_an_item_selects_it(gate: Gate, glob: str) -> None:
    ran = gate("-m", "postrelease", "--collect-only", "-q", "--release-item", glob)

    assert "test_health.py::test_health_endpoint" in ran.text


def test_an_item_that_does_not_exist_is_told_with_the_nearest(gate: Gate) -> None:
    ran = gate("-m", "postrelease", "--release-item", "heath.endpoint")

    assert ran.code == 4
    assert (
        'no check declares the item "heath.endpoint"; did you mean "health.endpoint"?' in ran.text
    )
    assert "Traceback" not in ran.text


def test_ordinary_tests_run_without_a_stage_and_nothing_is_written(
    gate: Gate, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile("def test_ordinary(): pass")
    ran = gate()
    assert ran.code == 0
    assert not (pytester.path / "reports").exists()
    assert "1 passed" in ran.text


def test_two_stages_at_once_are_a_usage_error(gate: Gate) -> None:
    ran = gate("-m", "prerelease or postrelease")
    assert ran.code == 4
    assert "one stage at a time" in ran.text
    assert "Traceback" not in ran.text


def test_mistakes_in_settings_end_with_exit_code_four_all_at_once(
    gate: Gate, pytester: pytest.Pytester
) -> None:
    pytester.path.joinpath("release.toml").write_text(
        '[release]\nversoin = "v1"\n[latency]\np95 = 5\n', encoding="utf-8"
    )
    ran = gate("-m", "prerelease")
    assert ran.code == 4
    assert 'release.toml:2: release.versoin: unknown key; did you mean "version"?' in ran.text
    assert "release.toml:4: latency.p95:" in ran.text
    assert "Traceback" not in ran.text


def test_workers_give_the_same_record_as_one_process(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    one = gate("-m", "postrelease", f"--base-url={application.url}")
    ids = [item["nodeid"] for item in one.record()["items"]]
    two = gate("-m", "postrelease", f"--base-url={application.url}", "-n", "2")
    assert two.code == 0, two.text
    assert sorted(i["nodeid"] for i in two.record()["items"]) == sorted(ids)


def test_collect_only_lists_the_checklist_and_touches_nothing(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    ran = gate("-m", "postrelease", f"--base-url={application.url}", "--collect-only")
    assert ran.code == 0
    assert "[ ] The health endpoint answers ok" in ran.text
    assert application.requests == []
    assert not (pytester.path / "reports").exists()


def test_an_existing_base_url_option_is_read_instead(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    pytester.makeconftest(
        "def pytest_addoption(parser):\n    parser.addoption('--base-url', dest='base_url')\n"
    )
    ran = gate("-m", "postrelease", f"--base-url={application.url}")
    assert ran.code == 0, ran.text


def test_allow_unverified_gives_go_and_says_how_many(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester, also="migrations.status")
    ran = gate("-m", "postrelease", f"--base-url={application.url}", "--allow-unverified")
    assert ran.code == 0, ran.text
    assert "1 unverified allowed" in ran.last_line


def test_a_check_reports_its_own_duration(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    started = time.monotonic()
    ran = gate("-m", "postrelease", f"--base-url={application.url}")
    elapsed = time.monotonic() - started
    durations = [
        item["duration_s"] for item in ran.record()["items"] if item["id"] == "health.endpoint"
    ]
    assert len(durations) == 1
    assert 0 < durations[0] < elapsed


def test_reports_that_cannot_be_written_are_said_before_anything_runs(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    pytester.path.joinpath("reports").write_text("a file where the folder should be")
    ran = gate("-m", "postrelease", f"--base-url={application.url}")
    assert ran.code == 4
    assert "reports" in ran.text
    assert application.requests == []
    assert "Traceback" not in ran.text


def test_a_failing_ordinary_test_of_the_stage_is_no_go(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    only_health(pytester)
    pytester.makepyfile(
        "import pytest\n@pytest.mark.postrelease\ndef test_mine(): assert not 'this'\n"
    )
    ran = gate("-m", "postrelease", f"--base-url={application.url}")
    assert ran.code == 1
    assert ran.record()["verdict"] == "NO-GO"


def test_nothing_selected_is_exit_code_five(gate: Gate) -> None:
    assert gate("-m", "prerelease", "--release-item", "nothing.*").code == 5


def test_the_suite_stays_out_of_runs_that_name_paths(
    gate: Gate, application: Application, pytester: pytest.Pytester
) -> None:
    path = pytester.makepyfile("import pytest\n@pytest.mark.postrelease\ndef test_mine(): pass\n")
    ran = gate("-m", "postrelease", f"--base-url={application.url}", Path(path).name)
    assert ran.code == 1
    assert "1 passed" in ran.text
    assert application.requests == []


@pytest.mark.parametrize("is_added", [True, False])
def test_an_option_of_the_projects_own_counts_where_the_environment_adds_it_to_the_command(
    gate: Gate,
    application: Application,
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_added: bool,
) -> None:
    only_health(pytester)
    pytester.makeconftest(
        f"def pytest_addoption(parser):\n"
        f"    parser.addoption('--base-url', default='{application.url}')\n"
    )
    if is_added:
        monkeypatch.setenv("PYTEST_ADDOPTS", f"--base-url={application.url} --verbose")

    ran = gate("-m", "postrelease")

    [health] = [each for each in ran.record()["items"] if each["id"] == "health.endpoint"]
    assert health["outcome"] == ("passed" if is_added else "unverified"), ran.text


def test_a_time_limit_for_the_projects_tests_is_none_for_checks_nor_is_their_table_in_the_page(
    gate: Gate, application: Application
) -> None:
    application.delay = threading.Event()
    let_go = threading.Timer(6.0, application.delay.set)
    let_go.start()

    ran = gate(*("-m", "postrelease", "--base-url", application.url, "--timeout", "1"),
               *("--release-item", "health.endpoint"))  # fmt: skip
    let_go.cancel()

    assert [item["outcome"] for item in ran.record()["items"]] == ["passed"]
    assert "Timeout" not in ran.text
    assert "data-jsonblob" not in (ran.folder / "reports" / "postrelease.html").read_text()
