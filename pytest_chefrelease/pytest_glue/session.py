"""One stage run within pytest: from collected tests to checks, and from results to reports."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from msgspec.structs import replace

from pytest_chefrelease.checks.declare import Check, catalogue, declared_as
from pytest_chefrelease.checks.engine import Task, timeout_of
from pytest_chefrelease.pytest_glue import selection
from pytest_chefrelease.pytest_glue.live import LiveView, live_view
from pytest_chefrelease.pytest_glue.log_records import LogRecords
from pytest_chefrelease.pytest_glue.lost import lost
from pytest_chefrelease.pytest_glue.neighbours import without_reruns
from pytest_chefrelease.pytest_glue.reporting import CARRIED, Reporting, carried_by
from pytest_chefrelease.pytest_glue.signals import Signals
from pytest_chefrelease.report.evidence_json import result_to_text
from pytest_chefrelease.runbook.item import Severity
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.shard import Shard
from pytest_chefrelease.settings.known_keys import nearest

if TYPE_CHECKING:
    from pytest_chefrelease.pytest_glue.activation import StageRun
    from pytest_chefrelease.pytest_glue.runner import Runner

_TASK = pytest.StashKey[Task]()
_RESULT = pytest.StashKey[Result | None]()
_WILDCARD = re.compile(r"[*?\[]")
_LONGEST_SAID = 4_000
_OUTER_MARGIN_S = 30.0
"""The net under a check's own limit, for one that does not let go, strikes this much later."""


class StageSession:
    """The plugin object of a stage run, in the controller and in each worker."""

    def __init__(self, config: pytest.Config, run: StageRun) -> None:
        self.config = config
        self.run = run
        self.runner: Runner | None = None
        self.live: LiveView | None = None
        self.reporting = Reporting(config, run)
        self.is_worker = hasattr(config, "workerinput")
        self.signals = Signals()
        self.log_records = LogRecords(self.reporting.clean)
        self._collected: dict[pytest.Item, int] = {}
        self._keywords: Mapping[str, Literal[1]] = {}
        self._has_timeout = _has_timeout(config)
        self._allows_unverified = run.settings.verdict.allow_unverified

    # --- collection -----------------------------------------------------------------

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Of the suite, leave out the rooms that --release-item can select nothing from."""
        room = selection.suite_room(collection_path)
        if room is None or _may_hold(room, self.run.settings.release.items):
            return None
        return True

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Mark a verification as what its item is, for -m and for people."""
        item_id = item_id_of(item)
        if item_id is None:
            return
        self._collected[item] = len(self._collected)
        declared = _check_of(item_id).item
        markers = [*(stage.value for stage in declared.stages), declared.severity.value.lower()]
        markers += ["browser"] * declared.needs_browser + ["manual"] * declared.manual
        for marker in markers:
            item.add_marker(_marker(marker))
        if isinstance(item, pytest.Function):
            item.obj.__doc__ = declared.title

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Select by --release-item, limit the time, and put the gravest first."""
        globs = self.run.settings.release.items
        wanted = [item for item in items if _is_wanted(item, globs)]
        if len(wanted) < len(items):
            left_out = [item for item in items if not _is_wanted(item, globs)]
            self.config.hook.pytest_deselected(items=left_out)
        for item in wanted:
            self._prepare(item)
        items[:] = self._dealt(sorted(wanted, key=self._place))

    def _place(self, item: pytest.Item) -> tuple[Severity, int, str]:
        """The gravest first, and the order that every shard has, whatever shuffles tests.

        Ordinary tests keep the order that they are given, where they are not dealt to shards.
        """
        if _TASK in item.stash:
            return _severity(item), self._collected[item], ""
        dealt = self.run.settings.release.shard is not None
        return Severity.P3, sys.maxsize, item.nodeid if dealt else ""

    def _dealt(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """The tests of this run's shard; all of them where there is none."""
        shard = self.run.settings.release.shard
        if shard is None:
            return items
        taken = [item for n, item in enumerate(items) if Shard.parse(shard).takes(n)]
        self.config.hook.pytest_deselected(items=[item for item in items if item not in taken])
        return taken

    def _prepare(self, item: pytest.Item) -> None:
        item_id = item_id_of(item)
        if item_id is None:
            return
        check = _check_of(item_id)
        marker = item.get_closest_marker("timeout")
        limit = timeout_of(check.item, self.run.settings)
        if marker is not None and marker.args:
            limit = float(marker.args[0])
        callspec = getattr(item, "callspec", None)
        parameter = callspec.params.get("release_check") if callspec else None
        without_reruns(item)
        item.stash[_TASK] = Task(check, parameter, limit, item.nodeid)
        # The limit is kept here: a timer of pytest-timeout for each test costs time and memory.
        if marker is not None or self._has_timeout:
            item.add_marker(_time_limit(0), append=False)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        tasks = [item.stash[_TASK] for item in session.items if _TASK in item.stash]
        if self.config.option.collectonly:
            self.reporting.show_checklist([(task.check.item, task.parameter) for task in tasks])
        elif self.is_worker or self.run.shared is None:
            from pytest_chefrelease.pytest_glue.runner import start_runner

            self.log_records.install()
            self.runner = start_runner(self.run, self.reporting.redact)
            if not self.is_worker and not session.testsfailed:
                self.runner.start_all(tasks)
                self.reporting.prepare()
        # What start-up has made stays to the end: the collector need not look at it again.
        gc.freeze()
        gc.enable()

    # --- running --------------------------------------------------------------------

    def result_of(self, item: pytest.Item) -> Result:
        """Wait for the check behind a test."""
        if self.runner is None:
            raise pytest.UsageError("a verification ran before collection ended")
        self.live = live_view(self.config, self.runner.watch) if not self.is_worker else None
        task = item.stash[_TASK]
        limit_s = self._outer_limit_s(task)
        try:
            meanwhile = self.live.draw if self.live else lambda: None
            result = self.runner.result(task, self._show, meanwhile, limit_s)
        except TimeoutError:
            pytest.fail(f"its check did not let go within {limit_s:g} s", pytrace=False)
        finally:
            if self.live:
                self.live.close()
        if self._allows_unverified and result.holds:
            result = replace(result, summary=f"Allowed: {result.summary}")
        item.stash[_RESULT] = result
        return result

    def _outer_limit_s(self, task: Task) -> float:
        watch_s = self.run.settings.monitoring.watch.total_seconds()
        return task.timeout_s * 2 + watch_s + _OUTER_MARGIN_S

    def must_hold(self, result: Result) -> bool:
        """Whether an unverified result is an error of its test."""
        return result.holds and not self._allows_unverified

    def _show(self, line: str) -> None:
        if self.live is not None and self.live.line(self.reporting.clean(line)):
            return
        if not self.is_worker:
            self.reporting.show_progress(line)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the report carry its check's result."""
        report = yield
        if _TASK in item.stash:
            self._annotate(item, report)
        return report

    def _annotate(self, item: pytest.Item, report: pytest.TestReport) -> None:
        """Attach the result to the phase that decides, and give it the check's own duration."""
        self._share_keywords(report)
        result = item.stash.get(_RESULT, None)
        is_decisive = report.when == "call" or (report.when == "setup" and not report.passed)
        if result is None and is_decisive:
            task, reason = item.stash[_TASK], str(report.longrepr)
            result = lost(task.check, task.parameter, task.nodeid, self.run, reason)
        carried = ""
        report.duration = 0.0
        if result is not None and is_decisive:
            item.stash[_RESULT] = None
            carried = result_to_text(result)
            report.duration = result.duration_s
        if is_decisive or report.failed:
            # Plain data set on a report crosses pytest-xdist with it; see reporting.carried_by.
            report.__dict__[CARRIED] = carried

    def _share_keywords(self, report: pytest.TestReport) -> None:
        """Keep the same keywords once: pytest keeps the reports of all phases."""
        if self._keywords != report.keywords:
            self._keywords = report.keywords
        report.keywords = self._keywords

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if not self.is_worker:
            self.reporting.add_collection(report)

    # --- reporting ------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> Iterator[None]:
        if not self.is_worker:
            self.reporting.add(report)
        yield
        # pytest keeps its reports to the end; what they carried was taken.
        if not self.is_worker and carried_by(report):
            report.__dict__[CARRIED] = ""
            if self.runner is not None:
                self.runner.forget(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        return self.reporting.status(report)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        if not self.is_worker:
            self.signals.hold_off()
        if self.runner is not None:
            self.runner.close()
        if self.is_worker or self.config.option.collectonly:
            yield
            return
        finished = self.runner.finished() if self.runner is not None else ()
        self.reporting.conclude(session, finished, datetime.now(UTC))
        with self.reporting.others_writing():
            yield
        self.reporting.finish_files(session)

    @pytest.hookimpl(tryfirst=True)
    def pytest_keyboard_interrupt(self) -> None:
        if not self.is_worker:
            self.signals.hold_off()

    def pytest_unconfigure(self) -> None:
        self.signals.restore()
        self.log_records.restore()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        self.reporting.show_verdict(terminalreporter)

    # --- pytest-xdist and pytest-html, where they are installed -----------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: object) -> None:
        from pytest_chefrelease.pytest_glue.activation import worker_input

        told: dict[str, object] = node.workerinput  # type: ignore[attr-defined]
        told.update(worker_input(self.run, self.config))

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Items have their own place in the page; the table keeps ordinary tests."""
        if self.reporting.knows(report.nodeid):
            cells.clear()

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        prefix.append(self.reporting.page_body())

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: object) -> None:
        report.title = self.reporting.title  # type: ignore[attr-defined]


def session_of(config: pytest.Config) -> StageSession:
    """The stage run that a pytest run has."""
    session = config.pluginmanager.get_plugin("chefrelease-session")
    if not isinstance(session, StageSession):
        raise pytest.UsageError("no stage is selected: pytest -m prerelease, for instance")
    return session


def parametrize(metafunc: pytest.Metafunc) -> None:
    """One test per parameter that settings give the item."""
    marker = metafunc.definition.get_closest_marker("release_item")
    if marker is None or not metafunc.config.pluginmanager.hasplugin("chefrelease-session"):
        return
    run = session_of(metafunc.config).run
    check = declared_as(marker.args[0])
    if check is None:
        pytest.fail(unknown_item(marker.args[0]), pytrace=False)
    parameters = check.parameters_for(run.settings, run.stage)
    named = [parameter for parameter in parameters if parameter is not None]
    if named:
        from pytest_chefrelease.report.plain import plain

        ids = [plain(parameter) for parameter in named]  # file names of the repository, too
        metafunc.parametrize("release_check", named, ids=ids, indirect=True)


def unknown_item(item_id: str) -> str:
    """What to say of a verification whose item nobody declares."""
    near = nearest(item_id, tuple(catalogue()))
    hint = f'did you mean "{near}"?' if near else "is its module in checks.modules of release.toml?"
    return f'no check declares the item "{item_id}"; {hint}'


def result_for(request: pytest.FixtureRequest) -> Result:
    """The fixture's value: errors here are unverified items, in pytest's and JUnit's words."""
    session = session_of(request.config)
    result = session.result_of(request.node)
    if session.must_hold(result):
        pytest.fail(explain(result), pytrace=False)
    if result.outcome in (Outcome.NOT_APPLICABLE, Outcome.WAIVED):
        pytest.skip(result.summary)
    return result


def require(result: Result) -> None:
    """Fail the test of a blocking item that failed."""
    if result.blocks:
        pytest.fail(explain(result), pytrace=False)


def explain(result: Result) -> str:
    """Summary and remedy: what ``--tb=short`` shows."""
    from pytest_chefrelease.report.plain import one_line

    said = one_line(f"{result.label}: {result.summary}", _LONGEST_SAID)
    return f"{said}\nWhat to do: {one_line(result.remedy, _LONGEST_SAID)}"


@cache
def _marker(name: str) -> pytest.MarkDecorator:
    """One object for all tests of many."""
    marker: pytest.MarkDecorator = getattr(pytest.mark, name)
    return marker


@cache
def _time_limit(seconds: float) -> pytest.MarkDecorator:
    return pytest.mark.timeout(seconds)


def _has_timeout(config: pytest.Config) -> bool:
    """Whether the project has pytest-timeout end every test after a time of its own."""
    if not config.pluginmanager.hasplugin("timeout"):
        return False
    given = os.environ.get("PYTEST_TIMEOUT") or config.getini("timeout")
    return bool(given) or config.getoption("timeout", None) is not None


def item_id_of(item: pytest.Item) -> str | None:
    """The runbook item that a test verifies, or None for an ordinary test."""
    marker = item.get_closest_marker("release_item")
    return marker.args[0] if marker is not None else None


def _is_wanted(item: pytest.Item, globs: tuple[str, ...]) -> bool:
    item_id = item_id_of(item)
    return not globs or (item_id is not None and any(fnmatchcase(item_id, g) for g in globs))


def _may_hold(room: str, globs: tuple[str, ...]) -> bool:
    return not globs or any(_could_name(glob, room) for glob in globs)


def _could_name(glob: str, room: str) -> bool:
    literal = _WILDCARD.split(glob)[0]
    start, dot, _ = literal.partition(".")
    return room == start if dot else room.startswith(start)


def _severity(item: pytest.Item) -> Severity:
    item_id = item_id_of(item)
    return _check_of(item_id).item.severity if item_id else Severity.P3


def _check_of(item_id: str) -> Check:
    """The check of a collected test: one that nobody declares is an error of collection."""
    check = declared_as(item_id)
    if check is None:
        raise pytest.UsageError(unknown_item(item_id))
    return check
