"""Collects the results of a stage run and writes what comes of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_chefrelease.checks.conclude import conclude, expected_labels
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.probes.secret_stores.local_values import local_values
from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.report.atomic import write_atomically
from pytest_chefrelease.report.redact import Redactor
from pytest_chefrelease.runbook.item import Item, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord
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


CARRIED = "chefrelease"
"""The attribute by which reports carry results: JSON text, empty in phases that decide nothing."""


def carried_by(report: object) -> str | None:
    """The result that a report carries, as text; None for an ordinary test's report."""
    value = getattr(report, CARRIED, None)
    return value if isinstance(value, str) else None


class Reporting:
    """The controller's side of a stage run: results in, record and files out."""

    def __init__(self, config: pytest.Config, run: StageRun) -> None:
        self._config = config
        self._run = run
        self._results: dict[str, Result] = {}
        self._foreign_failures = 0
        self._collection_errors = 0
        self._others: tuple[StageRecord, ...] = ()
        self._redactor = Redactor(local_values(run.settings, run.repository, os.environ))
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

    # --- results --------------------------------------------------------------------

    def add(self, report: pytest.TestReport) -> None:
        """Take the result that a report carries; count failures of ordinary tests."""
        text = carried_by(report)
        if text:
            self._results[report.nodeid] = evidence_json.result_from_text(text)
        elif text is None and report.failed and not report.nodeid.startswith("verifications/"):
            self._foreign_failures += 1

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
        """Judge the run, set pytest's exit code, and write the evidence."""
        status = session.exitstatus
        if status in (pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.USAGE_ERROR):
            return
        for result in finished:
            self._results.setdefault(result.nodeid, result)
        results = tuple(self._results.values())
        self._others = self._earlier()
        run = self._run
        settings = run.settings
        expected = expected_labels(catalogue().values(), settings, run.stage)
        self.record = conclude(
            settings=settings,
            release=run.release,
            run=Run(
                stage=run.stage,
                left_out=len(expected - {result.label for result in results}),
                interrupted=self._interruption(int(status)),
                foreign_failures=self._foreign_failures,
                allow_unverified=settings.verdict.allow_unverified,
                waiver_limit=settings.verdict.max_waivers,
            ),
            results=results,
            started_at=run.started_at,
            finished_at=finished_at,
            earlier=self._others,
            notes=[run.release.problem] if run.release.problem else [],
        )
        if not self.record.verdict.is_go and status == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._write_evidence(self.record)

    def _interruption(self, status: int) -> str | None:
        if self._collection_errors:
            return f"{self._collection_errors} of its modules could not be collected"
        return _INTERRUPTED.get(status)

    def _evidence_folder(self) -> Path | None:
        commit = self._run.release.commit
        return self._run.reports / "evidence" / commit[:12] if commit else None

    def _earlier(self) -> tuple[StageRecord, ...]:
        """What the other stages found about this very commit."""
        folder = self._evidence_folder()
        found = []
        for stage in Stage:
            path = folder / f"{stage}.json" if folder else None
            if path is None or stage is self._run.stage or not path.is_file():
                continue
            try:
                found.append(evidence_json.read(path))
            except (OSError, Malformed) as error:
                self.problems.append(f"earlier evidence is left out: {error}")
        return tuple(found)

    def _write_evidence(self, record: StageRecord) -> None:
        text = evidence_json.to_text(record)
        folder = self._evidence_folder()
        paths = [self._run.reports / f"{record.stage}.json"]
        paths += [folder / f"{record.stage}.json"] if folder else []
        for path in paths:
            self._try(path, partial(write_atomically, path, text))

    def finish_files(self) -> None:
        """Complete what pytest's own reporters have written."""
        if self.record is None:
            return
        from pytest_chefrelease.report.junit import finish_junit
        from pytest_chefrelease.report.junit_flavour import flavour_of

        path = Path(self._config.option.xmlpath)
        finish = partial(finish_junit, flavour=flavour_of(os.environ), redact=self._redactor.text)
        self._try(path, partial(finish, path, self.record))
        self._finish_page(self.record)
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            from pytest_chefrelease.report.github import append_summary

            self._try(Path(summary), partial(append_summary, Path(summary), self.record))

    def _finish_page(self, record: StageRecord) -> None:
        """The go/no-go page takes the place of the file that pytest-html has written."""
        html_path = getattr(self._config.option, "htmlpath", None)
        if html_path is None:
            return
        from pytest_chefrelease.report.actor import actor
        from pytest_chefrelease.report.html import Surroundings, finish_html

        by = actor(os.environ, self._run.repository)
        around = self._redactor.clean(Surroundings(earlier=self._others, by=by))
        path = Path(html_path)
        self._try(path, partial(finish_html, path, record, around, redact=self._redactor.text))

    def _try(self, path: Path, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self.problems.append(f"{path.name} was not written: {error.strerror}")

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

    def show_progress(self, line: str) -> None:
        """Print a line while a check runs and pytest captures output."""
        capture = self._config.pluginmanager.get_plugin("capturemanager")
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if capture is None or terminal is None:
            return
        with capture.global_and_fixture_disabled():
            terminal.ensure_newline()
            terminal.write_line(self._redactor.text(line))

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
            reports=self._paths(),
        )
        terminal.ensure_newline()
        self._show_ordinary_failures(terminal)
        terminal.write_line(self._redactor.text(block))
        for problem in self.problems:
            terminal.write_line(f"Problem: {problem}", yellow=True)
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

    def _paths(self) -> list[str]:
        option = self._config.option
        json_path = self._run.reports / f"{self._run.stage}.json"
        paths = [getattr(option, "htmlpath", None), option.xmlpath, str(json_path)]
        base = self._config.invocation_params.dir
        return [os.path.relpath(base / path, base) for path in paths if path]
