"""The watch: what ends it, what passes by, and whether it was a watch at all."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_chefrelease.checks import engine
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task
from pytest_chefrelease.checks.watch_signals import Trend, trend_of
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import Failed, NotApplicable, NotConfigured, Unverified
from pytest_chefrelease.runbook.evidence import Evidence, Timeline
from pytest_chefrelease.runbook.item import Severity, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.given import WELL, item, surroundings, task
from tests.checks.virtual_time import Clock, run

PASS, FAIL, UNREAD = "pass", "fail", "unread"
QUARTER = 900.0
P1, P2, P3 = Severity


@dataclass
class Signal:
    """A check that finds what a script says: at each look the next word, the last one for ever."""

    script: Sequence[str | BaseException]
    severity: Severity = P2
    takes_s: float = 0.0
    name: str = "a.signal"
    looks: int = 0
    looked_at: list[float] = field(default_factory=list)

    def task(self) -> Task:
        return task(self.verify, item(id=self.name, severity=self.severity), timeout_s=10)

    async def verify(self, _look: Context) -> Evidence:
        self.looked_at.append(asyncio.get_running_loop().time())
        word = self.script[min(self.looks, len(self.script) - 1)]
        self.looks += 1
        await asyncio.sleep(self.takes_s)
        if isinstance(word, BaseException):
            raise word
        if word == FAIL:
            raise Failed("it broke")
        if word == UNREAD:
            raise Unverified("unread")
        return WELL


@dataclass
class Watched:
    """What came of a watch."""

    results: list[Result]
    lasted_s: float
    said: list[str]
    ended_because: str | None


def watching(
    *signals: Signal,
    length_s: float = QUARTER,
    interval_s: float = 2.5,
    meanwhile: Callable[[Clock, Watch], object] | None = None,
    and_itself: bool = False,
    tables: Mapping[str, object] | None = None,
) -> Watched:
    """Watch the signals, all at once, in virtual time; ``meanwhile`` is called at second 100."""
    said: list[str] = []

    async def work(clock: Clock) -> Watched:
        watch = Watch(length_s, interval_s, clock=clock.steady, wall=clock.wall)
        look = surroundings(tables, watch=watch, say=said.append)
        if meanwhile is not None:
            asyncio.get_running_loop().call_later(100, meanwhile, clock, watch)
        tasks = [signal.task() for signal in signals]
        if and_itself:
            tasks.append(Task(catalogue()["watch.complete"], None, 30))
        results = await asyncio.gather(*(engine.run(this, look) for this in tasks))
        return Watched(list(results), clock.now, said, watch.ended_because)

    return run(work)


def result_of(*script: str | BaseException, severity: Severity = P2, **how: float) -> Result:
    return watching(Signal(script, severity), **how).results[0]  # type: ignore[arg-type]


# --- how often it looks ------------------------------------------------------------------


@pytest.mark.parametrize("takes_s", [0.0, 0.4, 2.4])
def test_a_signal_is_looked_at_once_per_interval_without_drift(takes_s: float) -> None:
    signal = Signal([PASS], takes_s=takes_s)

    watched = watching(signal)

    beats = signal.looked_at[:360]
    assert [round(at / 2.5, 2) for at in beats] == [float(n) for n in range(360)]
    assert len(signal.looked_at) in (360, 361)
    assert watched.lasted_s <= QUARTER + takes_s + 2.5


def test_a_slow_look_skips_beats_and_does_not_pile_up() -> None:
    signal = Signal([PASS], takes_s=6)

    watching(signal, length_s=30)

    assert [round(at, 1) for at in signal.looked_at] == [0.0, 7.5, 15.0, 22.5]


# --- what passes by --------------------------------------------------------------------------


def test_a_quiet_watch_passes_and_says_how_often_it_looked() -> None:
    result = result_of(PASS)

    assert result.outcome is Outcome.PASSED
    assert result.summary.startswith("all is well (36")
    assert " looks in 900 s)" in result.summary
    assert result.evidence is not None
    assert result.evidence.facts["failed_observations"] == 0


@pytest.mark.parametrize("severity", Severity)
def test_a_transient_that_recovered_is_reported_with_its_duration(severity: Severity) -> None:
    result = result_of(PASS, PASS, FAIL, FAIL, PASS, severity=severity)

    assert result.outcome is Outcome.PASSED
    assert result.summary.endswith("; recovered: failed 2 times, from 5 s for 5 s")
    assert result.evidence is not None
    timeline = result.evidence.attachments[0]
    assert isinstance(timeline, Timeline)
    assert [(round(at, 1), state) for at, state, _ in timeline.marks] == [
        (0.0, "passed"),
        (5.0, "failed"),
        (10.0, "passed"),
    ]


def test_each_of_several_transients_is_told() -> None:
    result = result_of(FAIL, PASS, UNREAD, UNREAD, FAIL, PASS)

    assert result.outcome is Outcome.PASSED
    assert "; recovered: failed 2 times, from 0 s for 2 s, from 10 s for 2 s" in result.summary
    assert result.summary.endswith("; unread 2 times, from 5 s for 5 s")


def test_changes_are_said_as_they_happen() -> None:
    watched = watching(Signal([PASS, FAIL, FAIL, PASS], name="a.signal"), length_s=30)

    assert watched.said == [
        "a.signal fails, 2 s into the watch: it broke",
        "a.signal is well again, 8 s into the watch",
    ]


# --- what ends it ------------------------------------------------------------------------------


def test_a_p1_confirmed_by_three_failures_in_a_row_ends_the_watch_after_five_seconds() -> None:
    watched = watching(Signal([PASS, FAIL], P1), Signal([PASS], name="b.signal"))

    assert watched.lasted_s == pytest.approx(7.5)
    assert watched.ended_because == "a.signal failed 3 times in a row"
    assert [result.outcome for result in watched.results] == [Outcome.FAILED, Outcome.PASSED]
    assert watched.results[0].summary == (
        "it broke (3 of 4 looks failed, since 2 s into the watch)"
    )


def test_a_look_under_way_does_not_delay_the_end() -> None:
    slow = Signal([PASS, PASS, PASS, PASS], takes_s=9, name="b.slow")

    watched = watching(Signal([PASS] * 8 + [FAIL], P1), slow)

    assert watched.lasted_s == pytest.approx(25)
    assert watched.results[1].outcome is Outcome.PASSED
    assert "(2 looks in " in watched.results[1].summary


@pytest.mark.parametrize(
    ("script", "severity", "tables"),
    [
        ([FAIL, FAIL, PASS, FAIL, FAIL, PASS], P1, {}),
        ([FAIL, FAIL, UNREAD, FAIL, FAIL, PASS], P1, {}),
        ([FAIL], P2, {}),
        ([UNREAD], P1, {}),
        ([Failed("milder", severity=P2)], P1, {}),
        ([Failed("milder", severity=P2), FAIL, FAIL, PASS], P1, {}),
        ([FAIL], P1, {"items": {"a.signal": {"blocking": False}}}),
        ([FAIL], P1, {"items": {"a.signal": {"severity": "P2"}}}),
        ([FAIL], P1, {"items": {"a.signal": {"shadow": True}}}),
    ],
    ids=["interrupted", "unread between", "P2", "unverified", "milder", "milder first",
         "advisory", "lowered", "shadow"],
)  # fmt: skip
def test_anything_less_than_a_confirmed_p1_lets_it_go_on(
    script: list[str | BaseException], severity: Severity, tables: dict[str, object]
) -> None:
    watched = watching(Signal(script, severity), length_s=60, tables=tables)

    assert watched.ended_because is None
    assert watched.lasted_s >= 60


def test_a_watch_that_is_ended_early_reports_what_was_seen_so_far() -> None:
    watched = watching(
        Signal([PASS]), meanwhile=lambda _clock, watch: watch.end("the run was ended early")
    )

    assert watched.lasted_s == pytest.approx(100)
    assert watched.results[0].outcome is Outcome.PASSED
    assert "in 100 s" in watched.results[0].summary


def test_the_first_reason_to_end_stands() -> None:
    watch = Watch(10, 1)

    watch.end("one")
    watch.end("two")

    assert (watch.ended_because, watch.remaining_s) == ("one", 0.0)


# --- the end must be green --------------------------------------------------------------------


def at_second(second: float, word: str, *, for_s: float = 2.5) -> list[str]:
    before = [PASS] * round(second / 2.5)
    return [*before, *[word] * round(for_s / 2.5), PASS]


@pytest.mark.parametrize(
    ("second", "outcome"),
    [(0, Outcome.PASSED), (590, Outcome.PASSED), (605, Outcome.FAILED), (895, Outcome.FAILED)],
)
def test_the_last_five_minutes_must_be_free_of_failures(second: int, outcome: Outcome) -> None:
    assert result_of(*at_second(second, FAIL)).outcome is outcome


@pytest.mark.parametrize(("second", "outcome"), [(35, Outcome.PASSED), (42.5, Outcome.FAILED)])
def test_the_last_third_of_a_short_watch_must_be_free_of_failures(
    second: float, outcome: Outcome
) -> None:
    assert result_of(*at_second(second, FAIL), length_s=60.0).outcome is outcome


def test_a_failure_that_passed_by_too_late_says_from_when_to_when() -> None:
    result = result_of(*at_second(700, FAIL, for_s=10))

    assert result.summary.startswith("it broke (4 of 36")
    assert result.summary.endswith(" looks failed, from 700 s to 710 s into the watch)")


def test_a_failure_at_the_very_end_is_not_mixed_with_an_older_one() -> None:
    result = result_of(FAIL, *[PASS] * 358, FAIL)

    assert result.outcome is Outcome.FAILED
    assert "since 898 s into the watch" in result.summary


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (at_second(100, UNREAD, for_s=200), Outcome.PASSED),
        (at_second(0, UNREAD, for_s=500), Outcome.UNVERIFIED),
        (at_second(700, UNREAD), Outcome.UNVERIFIED),
        ([UNREAD], Outcome.UNVERIFIED),
        ([PASS, FAIL, UNREAD], Outcome.UNVERIFIED),
    ],
    ids=["a while", "most of it", "in the end", "always", "after a failure"],
)
def test_stretches_without_sight_are_unverified_where_they_matter(
    script: list[str], outcome: Outcome
) -> None:
    assert result_of(*script).outcome is outcome


def test_what_could_not_be_read_in_the_end_says_since_when() -> None:
    on = result_of(*[PASS] * 280, UNREAD).summary
    back = result_of(*at_second(700, UNREAD, for_s=50)).summary

    assert "of the last 120 looks, from 700 s on)" in on
    assert "of the last 120 looks, from 700 s to 750 s)" in back


def test_a_p2_that_stood_for_the_whole_watch_has_an_unknown_cause() -> None:
    assert result_of(FAIL).symptom is Symptom.CAUSE_UNKNOWN
    assert result_of(PASS, PASS, PASS, PASS, PASS, FAIL).symptom is None
    assert result_of(FAIL, severity=P3).symptom is None
    assert result_of(Failed("x", symptom=Symptom.SERVER_ERRORS)).symptom is Symptom.SERVER_ERRORS


words = st.lists(st.sampled_from([PASS, FAIL, UNREAD]), min_size=1, max_size=24)


@given(words, st.sampled_from(Severity))
@settings(max_examples=60, deadline=None)
def test_whatever_happens_a_pass_has_a_green_end_and_was_mostly_seen(
    script: list[str], severity: Severity
) -> None:
    signal = Signal(script, severity)
    watched = watching(signal, length_s=60)

    found = [script[min(n, len(script) - 1)] for n in range(signal.looks)]
    if watched.results[0].outcome is Outcome.PASSED:
        assert set(found[16:]) == {PASS}
        assert found.count(UNREAD) * 2 <= len(found)
        assert watched.ended_because is None
    if watched.ended_because:
        assert severity is P1
        assert found[-3:] == [FAIL] * 3


# --- what cannot change is not watched -----------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (NotConfigured("no database"), Outcome.UNVERIFIED),
        (NotApplicable("no Redis"), Outcome.NOT_APPLICABLE),
    ],
)
def test_what_is_not_configured_is_told_at_once(error: Exception, outcome: Outcome) -> None:
    watched = watching(Signal([error]))

    assert (watched.results[0].outcome, watched.lasted_s) == (outcome, 0)


def test_what_has_no_object_later_does_not_hide_what_failed_before() -> None:
    result = result_of(FAIL, FAIL, NotApplicable("gone"), length_s=10.0)

    assert result.summary.endswith("; recovered: failed 2 times, from 0 s for 5 s")


# --- watch.complete ---------------------------------------------------------------------------


def watch_complete(
    *signals: Signal,
    meanwhile: Callable[[Clock, Watch], object] | None = None,
    length_s: float = QUARTER,
) -> Result:
    return watching(
        *(signals or (Signal([PASS]),)), meanwhile=meanwhile, length_s=length_s, and_itself=True
    ).results[-1]


def test_a_watch_of_its_full_time_with_a_look_in_every_interval_is_complete() -> None:
    result = watch_complete()

    assert result.outcome is Outcome.PASSED
    assert result.summary.startswith("watched 15 min awake, 36")
    assert result.evidence is not None
    assert result.evidence.facts["intervals"] == 360
    assert result.evidence.facts["unattended_intervals"] == 0
    assert (result.severity, result.item.quick_check) == (P3, 9)


@pytest.mark.parametrize("length_s", [1.0, 20.0, 61.0])
def test_a_shortened_watch_is_complete_after_its_own_time(length_s: float) -> None:
    assert watch_complete(length_s=length_s).outcome is Outcome.PASSED


@pytest.mark.parametrize("word", [FAIL, PASS])
def test_a_failing_signal_is_watched_all_the_same(word: str) -> None:
    assert watch_complete(Signal([word])).outcome is Outcome.PASSED


def sleep_for(seconds: float) -> Callable[[Clock, Watch], None]:
    def sleep(clock: Clock, _watch: Watch) -> None:
        clock.offset += seconds

    return sleep


def stand_still_for(seconds: float) -> Callable[[Clock, Watch], None]:
    def stand_still(clock: Clock, _watch: Watch) -> None:
        clock.now += seconds

    return stand_still


def test_a_machine_that_slept_did_not_watch() -> None:
    result = watch_complete(meanwhile=sleep_for(300))

    assert (result.outcome, result.symptom or result.item.symptom) == (
        Outcome.FAILED,
        Symptom.WATCH_INCOMPLETE,
    )
    assert "nobody looked for 5 min, " in result.summary
    assert "the machine slept, or its clock was set" in result.summary
    assert result.evidence is not None
    assert result.evidence.facts["gaps_s"] == 300


@pytest.mark.parametrize("back_s", [61, 3_600, 10 * 86_400])
def test_a_clock_that_is_set_back_neither_shortens_nor_prolongs_the_watch(back_s: float) -> None:
    signal = Signal([PASS])

    result = watch_complete(signal, meanwhile=sleep_for(-back_s))
    undisturbed = Signal([PASS])
    watch_complete(undisturbed)

    assert result.outcome is Outcome.PASSED, result.summary
    assert signal.looks == undisturbed.looks


def test_a_process_that_stood_still_did_not_watch() -> None:
    result = watch_complete(meanwhile=stand_still_for(60))

    assert result.outcome is Outcome.FAILED
    assert "this process stood still" in result.summary


@pytest.mark.parametrize("meanwhile", [sleep_for(2), sleep_for(-2), stand_still_for(2)])
def test_a_small_step_of_a_clock_or_a_short_delay_is_no_gap(
    meanwhile: Callable[[Clock, Watch], None],
) -> None:
    assert watch_complete(meanwhile=meanwhile).outcome is Outcome.PASSED


def test_a_watch_that_was_ended_early_is_not_complete() -> None:
    result = watch_complete(meanwhile=lambda _clock, watch: watch.end("the run was ended early"))

    assert result.outcome is Outcome.FAILED
    assert result.summary == (
        "the watch ended after 1 min 40 s: the run was ended early; expected 15 min"
    )


def test_a_watch_that_a_p1_ended_is_not_complete() -> None:
    result = watch_complete(Signal([FAIL], P1))

    assert result.outcome is Outcome.FAILED
    assert "a.signal failed 3 times in a row" in result.summary


def test_intervals_in_which_no_signal_could_be_read_were_not_watched() -> None:
    result = watch_complete(Signal(at_second(100, UNREAD, for_s=25)))

    assert result.outcome is Outcome.UNVERIFIED
    assert result.summary.startswith(
        "in 10 of 360 intervals no signal could be read, first 100 s into the watch"
    )


def test_one_signal_that_can_be_read_is_enough_for_an_interval() -> None:
    blind = Signal([UNREAD], name="b.blind")

    assert watch_complete(Signal([PASS]), blind).outcome is Outcome.PASSED


def test_a_slow_look_is_a_look_in_each_interval_that_it_takes() -> None:
    assert watch_complete(Signal([PASS], takes_s=9)).outcome is Outcome.PASSED


def test_where_nothing_can_be_watched_nobody_waits_for_a_quarter_of_an_hour() -> None:
    watched = watching(Signal([NotConfigured("no URL")]), and_itself=True)

    assert watched.lasted_s <= 5
    assert watched.results[-1].outcome is Outcome.UNVERIFIED
    assert watched.results[-1].summary == "nothing that is configured can be watched"


def test_a_line_a_minute_says_how_every_signal_stands() -> None:
    said = [line for line in watching(Signal([PASS]), and_itself=True).said if "watched" in line]

    assert len(said) == 14
    assert said[0] == "watched 1 min of 15 min: a.signal passed"


def test_a_confirmed_p1_is_called_out_at_once_with_what_to_do() -> None:
    tables = {
        "provider": {"name": "fly", "app": "cloud-api"},
        "release": {"previous_version": "v1.4.2"},
    }

    watched = watching(Signal([PASS, FAIL], P1), tables=tables)

    called = watched.said[-1].splitlines()
    assert called[0].startswith("ROLL BACK NOW: P1, a.signal failed: roll back now")
    assert re.fullmatch(r"  since \d\d:\d\d:\d\d UTC: a.signal: it broke", called[1])
    assert "    fly deploy --image IMAGE_OF_v1.4.2 -a cloud-api" in called


def test_a_failed_migration_is_not_called_a_rollback() -> None:
    stop = Failed("P3018", symptom=Symptom.MIGRATION_FAILED)

    watched = watching(Signal([PASS, stop], P1))

    assert watched.said[-1].startswith("STOP AND ASSESS: ")


@pytest.mark.parametrize(
    ("values", "trend"),
    [
        ((5, 5, 80, 90), Trend.RISING),
        ((5, 5, 90, 5, 5, 5), Trend.STEADY),
        ((100, 101, 99, 102), Trend.STEADY),
        ((9, 8, 4, 3), Trend.FALLING),
        ((1, 9), Trend.UNKNOWN),
        ((0, 0, 0, 0), Trend.STEADY),
    ],
)
def test_a_trend_is_told_by_halves_not_by_one_value(
    values: tuple[float, ...], trend: Trend
) -> None:
    assert trend_of(values) is trend


def test_real_time_is_kept_by_real_clocks() -> None:
    async def work() -> Result:
        look = surroundings(watch=Watch(0.6, 0.2))
        complete = Task(catalogue()["watch.complete"], None, 30)
        both = [engine.run(Signal([PASS]).task(), look), engine.run(complete, look)]
        return (await asyncio.gather(*both))[1]

    result = asyncio.run(work())

    assert (result.outcome, result.summary.split(",")[0]) == (Outcome.PASSED, "watched 1 s awake")
    assert 0.5 < result.duration_s < 5
