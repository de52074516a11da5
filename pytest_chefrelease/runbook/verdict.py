"""The verdict of a stage: GO, NO-GO or HOLD, from the results and nothing else.

Source: DESIGN.md section 3, rules 1, 2, 3 and 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result


class Decision(StrEnum):
    """The three verdicts."""

    GO = "GO"
    NO_GO = "NO-GO"
    HOLD = "HOLD"


class Run(Struct, frozen=True):
    """How a stage was run, as far as the verdict depends on it.

    ``left_out`` counts the blocking checks of the stage that did not run (deselected, or
    not reached); ``interrupted`` says why the run ended early, if it did;
    ``foreign_failures`` counts failed tests selected with the stage that verify no item;
    ``missing`` names what a merged run has no evidence of, such as ``shard 3 of 5``.
    """

    stage: Stage
    left_out: int = 0
    interrupted: str | None = None
    foreign_failures: int = 0
    allow_unverified: bool = False
    waiver_limit: int | None = None
    missing: str | None = None


class Verdict(Struct, frozen=True):
    """A decision, why in one sentence, and the least that would make it GO."""

    decision: Decision
    sentence: str
    to_go: str

    @property
    def is_go(self) -> bool:
        """Whether the release may proceed."""
        return self.decision is Decision.GO


def decide(run: Run, results: Sequence[Result]) -> Verdict:
    """Judge a stage. The order of the results does not matter."""
    results = sorted(results, key=gravest_first)
    blocked = [r for r in results if r.blocks]
    if blocked:
        return Verdict(Decision.NO_GO, _why_blocked(blocked), _mend(blocked))
    if run.foreign_failures:
        tests = _number(run.foreign_failures, "selected test")
        sentence = f"{tests} failed beside the runbook's items."
        return Verdict(Decision.NO_GO, sentence, "Mend them.")
    return _decide_unblocked(run, results)


def _decide_unblocked(run: Run, results: Sequence[Result]) -> Verdict:
    if run.missing:
        sentence = f"The evidence is not whole: {run.missing} is missing."
        return Verdict(Decision.HOLD, sentence, "Run what is missing, then merge again.")
    if run.interrupted and run.stage is Stage.MONITORING:
        sentence = f"The watch was not completed: {run.interrupted}."
        return Verdict(Decision.NO_GO, sentence, "Run the watch for its full time.")
    if run.interrupted:
        sentence = f"The run was not completed: {run.interrupted}."
        return Verdict(Decision.HOLD, sentence, "Run the whole stage.")
    held = [r for r in results if r.holds]
    if held and not run.allow_unverified:
        return Verdict(Decision.HOLD, _why_held(held), _mend(held))
    if run.left_out:
        checks = _number(run.left_out, "blocking check")
        sentence = f"The run is partial: {checks} of this stage left out."
        return Verdict(Decision.HOLD, sentence, "Run the whole stage without a selection.")
    waived = [r for r in results if r.outcome is Outcome.WAIVED]
    if run.waiver_limit is not None and len(waived) > run.waiver_limit:
        sentence = f"{_number(len(waived), 'waiver')}, at most {run.waiver_limit} allowed."
        return Verdict(Decision.HOLD, sentence, "Mend waived items until the number fits.")
    if not any(r.blocking and r.outcome is Outcome.PASSED for r in results):
        sentence = "Nothing was verified: no blocking item passed."
        return Verdict(Decision.HOLD, sentence, "Configure the sources of this stage's items.")
    return Verdict(Decision.GO, _why_go(results, waived, held), "")


def _why_blocked(blocked: Sequence[Result]) -> str:
    first = blocked[0]
    more = f" {_number(len(blocked) - 1, 'more blocking failure')}." if len(blocked) > 1 else ""
    return f"{first.label} failed ({first.severity}): {_sentence(_seen(first))}{more}"


def _why_held(held: Sequence[Result]) -> str:
    first = held[0]
    more = f" {len(held) - 1} more unverified." if len(held) > 1 else ""
    return f"{first.label} could not be verified: {_sentence(_seen(first))}{more}"


def _seen(result: Result) -> str:
    """What was seen, without the rest of the summary, which stands beside the item."""
    return result.seen or result.summary


def _why_go(results: Sequence[Result], waived: Sequence[Result], held: Sequence[Result]) -> str:
    passed = sum(r.outcome is Outcome.PASSED for r in results)
    extras = []
    if waived:
        extras.append(_number(len(waived), "waiver"))
    if held:
        extras.append(f"{len(held)} unverified allowed")
    warned = sum(not r.blocking and r.outcome is Outcome.FAILED for r in results)
    if warned:
        extras.append(_number(warned, "warning"))
    with_extras = f" with {' and '.join(extras)}" if extras else ""
    return f"GO{with_extras}: {_number(passed, 'check')} passed, none blocks."


def _mend(results: Sequence[Result]) -> str:
    """The least that would make it GO: every remedy once, gravest first."""
    remedies = list(dict.fromkeys(r.remedy for r in results if r.remedy))
    shown = " ".join(_sentence(remedy) for remedy in remedies[:3])
    rest = f" And {_number(len(remedies) - 3, 'more remedy')}." if len(remedies) > 3 else ""
    return shown + rest


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _number(n: int, noun: str) -> str:
    if n == 1:
        return f"{n} {noun}"
    return f"{n} {noun[:-1]}ies" if noun.endswith("y") else f"{n} {noun}s"


def gravest_first(result: Result) -> tuple[str, ...]:
    """Sorts results by severity and name, so that the order in which they came says nothing."""
    return (
        result.severity,
        result.item.id,
        result.parameter or "",
        result.summary,
        result.remedy,
    )
