"""Collects the results of a stage run and writes what comes of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from pytest_chefrelease.checks.conclude import conclude, expected_labels
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.probes.secret_stores.local_values import local_values
from pytest_chefrelease.pytest_glue.files import Files
from pytest_chefrelease.pytest_glue.lost import lost_with_its_worker
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.report.redact import Redactor
from pytest_chefrelease.runbook.item import Item
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import Course, StageRecord, incompleteness
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.shard import Shard
from pytest_chefrelease.runbook.verdict import Run

if TYPE_CHECKING:
    from pytest_chefrelease.pytest_glue.activation import StageRun

_STATUS = {
    Outcome.FAILED: ("warned", "w", "WARNED"),  # advisory: blocking failures are pytest's own
    Outcome.UNVERIFIED: ("unverified", "U", "UNVERIFIED"),
    Outcome.NOT_APPLICABLE: ("not applicable", "n", "NOT APPLICABLE"),
    Outcome.WAIVED: ("waived", "v", "WAIVED"),
    Outcome.SHADOW: ("shadow", "h", "SHADOW"),
}
_INTERRUPTED: Mapping[int, str] = {
    pytest.ExitCode.INTERRUPTED: "it was interrupted",
    pytest.ExitCode.INTERNAL_ERROR: "an internal error ended it",
}
_PHASES = ("setup", "call", "teardown")
_WITHOUT_FAILURE = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)

CARRIED = "chefrelease"
"""The attribute by which reports carry results: JSON text, empty in phases that decide nothing."""


def carried_by(report: object) -> str | None:
    """The result that a report carries, as text; None for an ordinary test's report."""
    value = getattr(report, CARRIED, None)
    return value if isinstance(value, str) else None


def _notes(release: Release) -> Iterator[str]:
    """What is to be known of the release itself."""
    if release.problem:
        yield release.problem
    if release.rolled_back_from:
        yield (
            f"After a rollback from {release.rolled_back_from}: {release.version} is what has to "
            "run, and be well."
        )


class Reporting:
    """The controller's side of a stage run: results in, record and files out."""

    def __init__(self, config: pytest.Config, run: StageRun) -> None:
        self._config = config
        self._run = run
        self._results: dict[str, Result] = {}
        self._foreign_failures = 0
        self._collection_errors = 0
        self._others: tuple[StageRecord, ...] = ()
        self._crash: str | None = None
        self._finished_at = run.started_at
        self._redactor = Redactor(local_values(run.settings, run.repository, os.environ))
        self._files = Files(config, run, self._redactor)
        self.record: StageRecord | None = None
        self.problems: list[str] = []

    @property
    def title(self) -> str:
        """The page's title."""
        verdict = self.record.verdict.decision if self.record else ""
        return f"{verdict} {self._run.stage}: {self._run.release.name}".strip()

    def redact(self, result: Result) -> Result:
        """The result without any secret's value, whatever a check has put into it."""
        return self._redactor.clean(result)

    def prepare(self) -> None:
        """Load what renders reports: checks are waiting for answers, and nobody for this."""
        from pytest_chefrelease.report import junit, terminal  # noqa: F401 (loaded for later)
        from pytest_chefrelease.report.html.render import prepare

        prepare()
        catalogue()  # the verdict needs it whole, to say what a run of few items left out

    # --- results --------------------------------------------------------------------

    def add(self, report: pytest.TestReport) -> None:
        """Take the result that a report carries; count what failed beside the items."""
        text = carried_by(report)
        if text:
            self._results[report.nodeid] = evidence_json.result_from_text(text)
        elif report.failed and report.when not in _PHASES:
            self._add_crash(report)
        elif report.failed:
            self._foreign_failures += 1

    def knows(self, nodeid: str) -> bool:
        """Whether a test has given the result of an item."""
        return nodeid in self._results

    def _add_crash(self, report: pytest.TestReport) -> None:
        """Of a worker that died pytest-xdist reports what it was running, and no result."""
        self._crash = f"a worker process died while running {report.nodeid}"
        result = lost_with_its_worker(report.nodeid, self._run, "its worker process died")
        if result is None:
            self._foreign_failures += 1
        else:
            self._results.setdefault(report.nodeid, result)

    def add_collection(self, report: pytest.CollectReport) -> None:
        """Count what could not be collected."""
        self._collection_errors += report.failed

    def status(
        self, report: pytest.TestReport | pytest.CollectReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """The runbook's words for an outcome, where pytest's would mislead."""
        text = carried_by(report)
        if not text:
            return None
        result = evidence_json.result_from_text(text)
        if result.blocks or result.outcome is Outcome.PASSED:
            return None
        category, letter, word = _STATUS[result.outcome]
        return category, letter, (word, {"yellow": True})

    # --- the end --------------------------------------------------------------------

    def conclude(
        self, session: pytest.Session, finished: Sequence[Result], finished_at: datetime
    ) -> None:
        """Judge the run, set pytest's exit code, and write the evidence.

        A run that was given a wrong command verified nothing and has no verdict.
        """
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        for result in finished:
            self._results.setdefault(result.nodeid, result)
        self._others, self.problems = self._files.earlier()
        self._finished_at = finished_at
        status = int(session.exitstatus)
        self._judge(self._interruption(status))
        # What failed beside the items and was not told of must not end in GO.
        if self._is_go and status not in _WITHOUT_FAILURE:
            self._judge(f"pytest ended it with exit code {status}")
        self._settle_exit_code(session)
        if self.record is not None:
            self._files.write_evidence(self.record)

    def _judge(self, interrupted: str | None) -> None:
        run, settings = self._run, self._run.settings
        results = tuple(self._results.values())
        expected = expected_labels(catalogue().values(), settings, run.stage)
        course = Course(
            shard=Shard.parse(settings.release.shard) if settings.release.shard else None,
            left_out=tuple(sorted(expected - {result.label for result in results})),
            interrupted=interrupted,
            foreign_failures=self._foreign_failures,
            allow_unverified=settings.verdict.allow_unverified,
            waiver_limit=settings.verdict.max_waivers,
            configuration=run.configuration,
        )
        record = conclude(
            settings=settings,
            release=run.release,
            run=Run(
                stage=run.stage,
                left_out=len(course.left_out),
                interrupted=interrupted,
                foreign_failures=course.foreign_failures,
                allow_unverified=course.allow_unverified,
                waiver_limit=course.waiver_limit,
            ),
            results=results,
            started_at=run.started_at,
            finished_at=self._finished_at,
            earlier=self._others,
            notes=[*_notes(run.release), *incompleteness(course)],
        )
        self.record = replace(record, course=course)

    @property
    def _is_go(self) -> bool:
        return self.record is not None and self.record.verdict.is_go

    def _settle_exit_code(self, session: pytest.Session) -> None:
        if not self._is_go and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _interruption(self, status: int) -> str | None:
        if self._collection_errors:
            return f"{self._collection_errors} of its modules could not be collected"
        return _INTERRUPTED.get(status) or self._crash

    @contextmanager
    def others_writing(self) -> Iterator[None]:
        """While pytest's own reporters write: on a full disk they raise, and all would end."""
        try:
            yield
        except OSError as error:
            self._files.note_lost("pytest's own report", error)

    def finish_files(self, session: pytest.Session) -> None:
        """Complete what pytest's own reporters have written, and enter the run in the ledger.

        A verdict that nobody can read later is not GO.
        """
        if self.record is None:
            return
        self._files.write_reports(self.record, self._others)
        if self._files.lost:
            if self._is_go:
                why = "; ".join(dict.fromkeys(self._files.lost.values()))
                self._judge(f"its reports could not be written ({why})")
                self._settle_exit_code(session)
            self._files.write_again(self.record, self._others)
        self._files.append_summary(self.record)
        self.problems += self._files.problems()
        self.problems += self._files.enter_in_ledger(self.record)

    # --- what people see ------------------------------------------------------------

    def page_body(self) -> str:
        """The verdict in pytest-html's summary, seen only if the page could not be put there."""
        if self.record is None:
            return ""
        from pytest_chefrelease.report.html import headline

        return headline(self.record)

    def show_checklist(self, items: Sequence[tuple[Item, str | None]]) -> None:
        """Print the items that would be verified, by section."""
        from pytest_chefrelease.report.terminal import checklist

        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.write_line(checklist(items))

    def clean(self, text: str) -> str:
        """A text without any secret's value."""
        return self._redactor.text(text)

    def show_progress(self, line: str) -> None:
        """Print a line while a check runs and pytest captures output."""
        from pytest_chefrelease.report.plain import one_line

        capture = self._config.pluginmanager.get_plugin("capturemanager")
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if capture is None or terminal is None:
            return
        with capture.global_and_fixture_disabled():
            terminal.ensure_newline()
            terminal.write_line(one_line(self._redactor.text(line)))

    def show_verdict(self, terminal: pytest.TerminalReporter) -> None:
        """Print the verdict block, and what could not be written."""
        if self.record is None:
            return
        from pytest_chefrelease.report.terminal import verdict_block

        writer = self._config.get_terminal_writer()
        block = verdict_block(
            self.record,
            writer.fullwidth,
            colour=writer.hasmarkup,
            unicode=(sys.stdout.encoding or "").lower().startswith("utf"),
            reports=self._files.paths(),
        )
        terminal.ensure_newline()
        self._show_ordinary_failures(terminal)
        terminal.write_line(self._redactor.text(block))
        for problem in self.problems:
            terminal.write_line(self._redactor.text(f"Problem: {problem}"), yellow=True)
        if os.environ.get("GITHUB_ACTIONS"):
            from pytest_chefrelease.report.github import workflow_commands

            terminal.write_line(workflow_commands(self.record))

    def _show_ordinary_failures(self, terminal: pytest.TerminalReporter) -> None:
        """Failures of ordinary tests and of collection keep their text; items have the block."""
        if self._config.option.tbstyle != "no":
            return
        for category in ("failed", "error"):
            for report in terminal.stats.get(category, []):
                if carried_by(report) is None:
                    terminal.write_sep("_", report.nodeid)
                    terminal.write_line(self._redactor.text(report.longreprtext))
