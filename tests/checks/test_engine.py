"""Whatever a check does, the engine makes a result of it, in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from pytest_chefrelease.checks import engine
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.engine import Task
from pytest_chefrelease.errors import (
    Failed,
    Finding,
    NotApplicable,
    NotConfigured,
    ProbeError,
    Unreachable,
    Unverified,
)
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Severity, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.given import ITEM, NOW, WELL, item, surroundings, task

TODAY = NOW.date()


def result_of(this: Task, settings: Mapping[str, object] | None = None) -> Result:
    return asyncio.run(engine.run(this, surroundings(settings)))


def raising(error: BaseException, of: Item = ITEM) -> Task:
    async def verify(_look: Context) -> Evidence:
        raise error

    return task(verify, of)


def returning(evidence: object, of: Item = ITEM) -> Task:
    async def verify(_look: Context) -> Evidence:
        return evidence  # type: ignore[return-value]

    return task(verify, of)


# --- what a check says -------------------------------------------------------------------


def test_enough_evidence_passes_in_its_own_words() -> None:
    result = result_of(returning(WELL))

    assert (result.outcome, result.summary, result.remedy) == (Outcome.PASSED, "all is well", "")
    assert result.evidence == WELL
    assert result.nodeid == "verifications/test_made.py::x"
    assert result.duration_s > 0


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Failed("it broke"), Outcome.FAILED),
        (Unverified("it broke"), Outcome.UNVERIFIED),
        (NotApplicable("it broke"), Outcome.NOT_APPLICABLE),
        (Finding("it broke"), Outcome.UNVERIFIED),
        (type("Worse", (Failed,), {})("it broke"), Outcome.FAILED),
        (ProbeError("it broke"), Outcome.UNVERIFIED),
        (Unreachable("it broke"), Outcome.UNVERIFIED),
        (NotConfigured("it broke"), Outcome.UNVERIFIED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_kind_of_finding_has_its_outcome(error: Exception, outcome: Outcome) -> None:
    result = result_of(raising(error))

    assert (result.outcome, result.summary) == (outcome, "it broke")


@pytest.mark.parametrize("kind", [Failed, Unreachable])
def test_the_four_parts_of_a_message_reach_the_result(kind: type[Failed | Unreachable]) -> None:
    result = result_of(raising(kind("9", expected="5", where="there", remedy="Do it.")))

    assert result.summary == "9 at there; expected 5"
    assert (result.seen, result.expected, result.where, result.remedy) == (
        "9",
        "5",
        "there",
        "Do it.",
    )


def test_a_finding_may_be_milder_than_its_item_and_name_its_symptom() -> None:
    error = Failed("x", severity=Severity.P3, symptom=Symptom.LOGIN_BROKEN, evidence=WELL)

    result = result_of(raising(error))

    assert (result.severity, result.symptom, result.evidence) == (
        Severity.P3,
        Symptom.LOGIN_BROKEN,
        WELL,
    )


def test_a_failure_falls_back_on_the_items_remedy_and_missing_evidence_does_not() -> None:
    assert result_of(raising(Failed("x"))).remedy == "Mend it."
    assert "Mend" not in result_of(raising(Unverified("x"))).remedy
    assert result_of(raising(Unverified("x"))).remedy != ""
    assert result_of(raising(NotApplicable("x", remedy="None."))).remedy == ""


# --- what a check does wrong ----------------------------------------------------------------


def test_a_check_that_takes_too_long_is_unverified_in_plain_words() -> None:
    async def verify(_look: Context) -> Evidence:
        await asyncio.sleep(60)
        return WELL

    result = result_of(task(verify, timeout_s=0.05))

    assert (result.outcome, result.summary) == (Outcome.UNVERIFIED, "no answer within 0.05 s")
    assert result.remedy.startswith("Find what is slow, or raise ")
    assert result.duration_s < 1


def test_a_time_limit_of_the_checks_own_is_not_taken_for_the_items() -> None:
    result = result_of(raising(TimeoutError("inside")))

    assert result.outcome is Outcome.UNVERIFIED
    assert result.summary.startswith("a defect in the check itself: TimeoutError in ")


def test_a_defect_is_unverified_and_names_its_place_but_not_its_words() -> None:
    result = result_of(raising(KeyError("hunter2-the-password")))

    assert result.outcome is Outcome.UNVERIFIED
    assert "KeyError in verify, test_engine.py line " in result.summary
    assert "hunter2" not in repr(result)
    assert "Traceback" not in repr(result)


@pytest.mark.parametrize("nothing", [None, True, "well", {}])
def test_a_check_that_returns_no_evidence_has_not_passed(nothing: object) -> None:
    result = result_of(returning(nothing))

    assert result.outcome is Outcome.UNVERIFIED
    assert "a defect in the check itself: TypeError" in result.summary


def test_a_library_that_exits_is_a_defect_and_ends_nothing() -> None:
    result = result_of(raising(SystemExit(0)))

    assert result.outcome is Outcome.UNVERIFIED
    assert "a defect in the check itself: SystemExit" in result.summary


def test_a_time_without_a_zone_is_a_defect_not_a_crash() -> None:
    dated = item(minimum=Minimum(counts={"n": 1}, max_age=timedelta(hours=1)))

    result = result_of(returning(replace(WELL, observed_at=NOW.replace(tzinfo=None)), dated))

    assert result.outcome is Outcome.UNVERIFIED
    assert "TypeError" in result.summary


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_what_ends_the_run_is_not_held_back(error: type[BaseException]) -> None:
    with pytest.raises(error):
        result_of(raising(error()))


def test_a_cancelled_check_ends_as_cancelled() -> None:
    async def verify(_look: Context) -> Evidence:
        await asyncio.sleep(60)
        return WELL

    async def cancel() -> None:
        running = asyncio.create_task(engine.run(task(verify), surroundings()))
        await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(cancel())


# --- no evidence, no GO ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minimum", "said"),
    [
        (Minimum(counts={"n": 2}), "saw 1 of n, needs at least 2"),
        (Minimum(facts=("status",)), "saw no status"),
        (Minimum(counts={"n": 1}, of_release=True), "the evidence is of commit unknown"),
    ],
)
def test_too_little_evidence_is_unverified_whatever_the_check_says(
    minimum: Minimum, said: str
) -> None:
    result = result_of(returning(WELL, item(minimum=minimum)))

    assert result.outcome is Outcome.UNVERIFIED
    assert result.summary.startswith(f"Not enough evidence: {said}")
    assert (result.evidence, result.where) == (WELL, "here")


@pytest.mark.parametrize(
    ("if_configured", "outcome"), [(False, Outcome.UNVERIFIED), (True, Outcome.NOT_APPLICABLE)]
)
def test_an_item_without_parameters_has_nothing_to_pass_on(
    *, if_configured: bool, outcome: Outcome
) -> None:
    async def verify(_look: Context, _parameter: str) -> Evidence:
        return WELL

    result = result_of(task(verify, item(if_configured=if_configured), is_parametrized=True))

    assert result.outcome is outcome
    assert result.summary == "nothing is configured for this item to look at"


def test_a_parameter_reaches_the_check_and_the_label() -> None:
    async def verify(_look: Context, parameter: str) -> Evidence:
        return replace(WELL, summary=f"looked at {parameter}")

    result = result_of(task(verify, parameter="/login"))

    assert (result.summary, result.label) == ("looked at /login", "made.up[/login]")


# --- what settings make of it --------------------------------------------------------------


def failing(parameter: str | None = None, of: Item = ITEM) -> Task:
    async def verify(_look: Context, _parameter: str = "") -> Evidence:
        raise Failed("it broke")

    return task(verify, of, parameter)


@pytest.mark.parametrize(
    "pattern",
    ["made.up", "made.*", "*", "made.up[/orders/[id]]", "made.up[/orders/*]", "*[id]]"],
)
def test_not_applicable_takes_ids_labels_and_globs(pattern: str) -> None:
    settings = {"not_applicable": {pattern: "no such page yet"}}

    result = result_of(failing("/orders/[id]"), settings)

    assert result.outcome is Outcome.NOT_APPLICABLE
    assert result.summary == "Not applicable: no such page yet"
    assert not result.blocks


@pytest.mark.parametrize(
    "pattern", ["made", "made.u", "up", "made.up[/order]", "made.up[x]", "[m]*"]
)
def test_what_is_not_named_stays_applicable(pattern: str) -> None:
    result = result_of(failing("/orders"), {"not_applicable": {pattern: "why"}})

    assert result.outcome is Outcome.FAILED


def test_a_check_that_is_taken_out_is_not_run() -> None:
    def verify(_look: Context) -> object:
        raise AssertionError("it was run")

    result = result_of(
        task(verify),  # type: ignore[arg-type]
        {"not_applicable": {"made.up": "why"}},
    )

    assert result.outcome is Outcome.NOT_APPLICABLE


def waiver(item_: str = "made.up", expires: date = TODAY) -> dict[str, object]:
    return {"item": item_, "reason": "hotfix", "approved_by": "Ada", "expires": expires}


@pytest.mark.parametrize("item_", ["made.up", "made.up[/login]"])
def test_a_valid_waiver_accepts_a_failure_and_says_whose_it_is(item_: str) -> None:
    result = result_of(failing("/login"), {"waivers": [waiver(item_)]})

    assert (result.outcome, result.blocks) == (Outcome.WAIVED, False)
    assert result.summary == f"Waived by Ada until {TODAY}: hotfix. It failed: it broke"


def test_an_expired_waiver_no_longer_counts_and_is_told() -> None:
    yesterday = TODAY - timedelta(days=1)

    result = result_of(failing(), {"waivers": [waiver(expires=yesterday)]})

    assert (result.outcome, result.blocks) == (Outcome.FAILED, True)
    assert result.summary == f"it broke (the waiver expired; by Ada until {yesterday}: hotfix)"


def test_an_expired_waiver_does_not_hide_its_renewal() -> None:
    old, new = waiver(expires=TODAY - timedelta(days=9)), waiver(expires=TODAY)

    for waivers in ([old, new], [new, old]):
        assert result_of(failing(), {"waivers": waivers}).outcome is Outcome.WAIVED


@pytest.mark.parametrize(
    ("of", "settings"),
    [
        (item(severity=Severity.P1), {}),
        (ITEM, {"items": {"made.up": {"severity": "P1"}}}),
    ],
)
def test_a_p1_cannot_be_waived(of: Item, settings: dict[str, object]) -> None:
    result = result_of(failing(of=of), {**settings, "waivers": [waiver()]})

    assert (result.outcome, result.blocks) == (Outcome.FAILED, True)
    assert "P1 cannot be waived" in result.summary


@pytest.mark.parametrize("item_", ["made.upp", "made.*", "made.up[/other]"])
def test_a_waiver_of_something_else_accepts_nothing(item_: str) -> None:
    assert result_of(failing("/login"), {"waivers": [waiver(item_)]}).outcome is Outcome.FAILED


def test_only_failures_are_waived() -> None:
    result = result_of(raising(Unverified("unread")), {"waivers": [waiver()]})

    assert (result.outcome, result.summary) == (Outcome.UNVERIFIED, "unread")


@pytest.mark.parametrize(
    ("this", "summary"),
    [
        (raising(Failed("it broke")), "would have failed: it broke"),
        (raising(Unverified("unread")), "would have been unverified: unread"),
        (returning(WELL), "would have passed: all is well"),
    ],
)
def test_a_shadow_is_shown_and_does_not_count(this: Task, summary: str) -> None:
    settings = {"items": {"made.up": {"shadow": True}}, "waivers": [waiver()]}

    result = result_of(this, settings)

    assert (result.outcome, result.summary) == (Outcome.SHADOW, summary)
    assert (result.blocks, result.holds) == (False, False)


def test_a_shadow_that_is_not_applicable_says_so() -> None:
    result = result_of(raising(NotApplicable("x")), {"items": {"made.up": {"shadow": True}}})

    assert result.outcome is Outcome.NOT_APPLICABLE


def test_an_advisory_failure_does_not_block() -> None:
    result = result_of(failing(of=item(blocking=False)))

    assert (result.outcome, result.blocks) == (Outcome.FAILED, False)


def test_settings_change_severity_blocking_and_time_limit() -> None:
    override = {"severity": "P3", "blocking": False, "timeout": "90s"}
    settings = {"items": {"made.up": override}}

    result = result_of(failing(), settings)

    assert (result.severity, result.blocking) == (Severity.P3, False)
    assert engine.timeout_of(ITEM, surroundings(settings).settings) == 90
    assert engine.timeout_of(ITEM, surroundings().settings) == 30
