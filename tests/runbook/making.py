"""Results and runs as tests need them, and hypothesis' ways of making any."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.verdict import Run

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


def item(name: str = "a.item", severity: Severity = Severity.P2, **changes: object) -> Item:
    plain = Item(
        id=name,
        title="It is well",
        stages=tuple(Stage),
        severity=severity,
        section=Section.AUTOMATED,
        minimum=Minimum(counts={"n": 1}),
        remedy=f"Mend {name}.",
    )
    return replace(plain, **changes)


def result(
    outcome: Outcome = Outcome.PASSED,
    name: str = "a.item",
    severity: Severity = Severity.P2,
    *,
    parameter: str | None = None,
    blocking: bool = True,
    symptom: Symptom | None = None,
    summary: str = "as it was seen",
) -> Result:
    return Result(
        item=item(name, severity),
        parameter=parameter,
        stage=Stage.POSTRELEASE,
        outcome=outcome,
        summary=summary,
        severity=severity,
        blocking=blocking,
        remedy=f"Mend {name}." if outcome in (Outcome.FAILED, Outcome.UNVERIFIED) else "",
        symptom=symptom,
    )


def failed(symptom: Symptom | None = None, severity: Severity = Severity.P2) -> Result:
    name = f"failed.{(symptom or severity).name.lower().replace('_', '-')}"
    return result(Outcome.FAILED, name, severity, symptom=symptom)


results = st.lists(
    st.builds(
        result,
        outcome=st.sampled_from(Outcome),
        name=st.sampled_from(["a.one", "a.two", "b.one"]),
        severity=st.sampled_from(Severity),
        parameter=st.none() | st.sampled_from(["x", "y"]),
        blocking=st.booleans(),
        symptom=st.none() | st.sampled_from(Symptom),
        summary=st.sampled_from(["seen", "seen otherwise", "Done."]),
    ),
    max_size=8,
)
runs = st.builds(
    Run,
    stage=st.sampled_from(Stage),
    left_out=st.sampled_from([0, 0, 1, 7]),
    interrupted=st.none() | st.just("it was interrupted"),
    foreign_failures=st.sampled_from([0, 0, 1, 2]),
    allow_unverified=st.booleans(),
    waiver_limit=st.none() | st.integers(0, 3),
)
