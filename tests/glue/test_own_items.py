"""A team's own items take part like ours; a mistake in them is told in words, with its place."""

from __future__ import annotations

import pytest

from pytest_chefrelease import api
from tests.glue.running import Application, Gate, only_health

CHECKS = """
from datetime import UTC, datetime
from pytest_chefrelease.api import (
    Context, Evidence, Failed, Item, Minimum, Section, Severity, Stage, check,
)

@check(
    Item(
        id="kitchen.printers",
        title="Every kitchen printer answers",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P1,
        section=Section.BEYOND,
        minimum=Minimum(counts={"printers": 2}),
        remedy="Restart the printers.",
    ),
    each=lambda settings, stage: ["north", "south"],
)
async def printers(look: Context, parameter: str) -> Evidence:
    answer = await look.probes.http.get(f"{look.api}/health")
    if answer.json()["kitchen"] != "open":
        raise Failed(f"{parameter}: the kitchen is shut", expected="open", where=answer.url)
    return Evidence("All print.", answer.url, answer.observed_at, {"printers": 2})
"""
TESTS = """
from pytest_chefrelease.plugin import verification

test_printers = verification("kitchen.printers")

def test_ordinary():
    pass
"""
NAMED = '[checks]\nmodules = ["release_checks"]\n'


@pytest.fixture
def kitchen(pytester: pytest.Pytester, application: Application) -> Application:
    only_health(pytester, NAMED)
    pytester.makepyfile(release_checks=CHECKS, test_kitchen=TESTS)
    application.health = {"kitchen": "open"}
    return application


def test_an_own_item_is_scheduled_judged_and_reported_like_ours(
    gate: Gate, kitchen: Application
) -> None:
    ran = gate("-m", "postrelease", f"--base-url={kitchen.url}", "-n", "2")

    assert ran.code == 0, ran.text
    found = [item for item in ran.record()["items"] if item["id"] == "kitchen.printers"]
    assert {item["parameter"] for item in found} == {"north", "south"}
    assert {item["outcome"] for item in found} == {"passed"}
    assert {item["section"] for item in found} == {"Beyond the runbook"}
    page = (ran.folder / "reports" / "postrelease.html").read_text(encoding="utf-8")
    assert "Every kitchen printer answers" in page


def test_an_own_item_that_fails_makes_no_go(gate: Gate, kitchen: Application) -> None:
    kitchen.health = {"kitchen": "shut"}

    ran = gate("-m", "postrelease", f"--base-url={kitchen.url}")

    assert (ran.code, ran.record()["verdict"]) == (1, "NO-GO")
    assert "south: the kitchen is shut" in ran.text
    assert "Restart the printers." in ran.text


def test_an_own_item_without_its_test_is_left_out_and_holds(
    gate: Gate, kitchen: Application, pytester: pytest.Pytester
) -> None:
    (pytester.path / "test_kitchen.py").unlink()

    ran = gate("-m", "postrelease", f"--base-url={kitchen.url}")

    assert ran.record()["verdict"] == "HOLD"
    assert "kitchen.printers[north]" in ran.record()["run"]["left_out"]


def test_an_ordinary_run_leaves_own_items_out_and_reads_nothing(
    gate: Gate, pytester: pytest.Pytester
) -> None:
    pytester.path.joinpath("release.toml").write_text('[checks]\nmodules = ["broken"]\n')
    pytester.makepyfile(test_kitchen=TESTS)

    ran = gate()

    assert ran.code == 0, ran.text
    assert "1 passed, 1 deselected" in ran.text


def test_a_verification_of_an_unknown_item_says_which_is_near(
    gate: Gate, kitchen: Application, pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_kitchen=TESTS.replace("kitchen.printers", "kitchen.printer"))

    ran = gate("-m", "postrelease", f"--base-url={kitchen.url}")

    assert ran.code == 2
    assert 'no check declares the item "kitchen.printer"' in ran.text
    assert 'did you mean "kitchen.printers"?' in ran.text


def test_a_package_offers_its_items_by_an_entry_point(
    gate: Gate, kitchen: Application, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_health(pytester)
    package = pytester.path / "site"
    (package / "kitchen-1.0.dist-info").mkdir(parents=True)
    (package / "kitchen-1.0.dist-info" / "METADATA").write_text("Name: kitchen\nVersion: 1.0\n")
    (package / "kitchen-1.0.dist-info" / "entry_points.txt").write_text(
        "[chefrelease.checks]\nkitchen = offered_checks\n"
    )
    (pytester.path / "release_checks.py").rename(package / "offered_checks.py")
    monkeypatch.setenv("PYTHONPATH", str(package))

    ran = gate("-m", "postrelease", f"--base-url={kitchen.url}")

    assert ran.code == 0, ran.text
    assert "kitchen.printers" in {item["id"] for item in ran.record()["items"]}


def test_the_public_module_exports_what_it_promises() -> None:
    assert sorted(api.__all__) == list(api.__all__)
    assert all(hasattr(api, name) for name in api.__all__)
