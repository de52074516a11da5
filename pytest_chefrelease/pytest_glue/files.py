"""Writes a stage run's files, each on its own: what fails takes no other with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_chefrelease.pytest_glue.older_reports import place_of
from pytest_chefrelease.report import evidence_json, kept
from pytest_chefrelease.report.atomic import write_atomically
from pytest_chefrelease.report.redact import Redactor
from pytest_chefrelease.runbook.record import StageRecord

if TYPE_CHECKING:
    from pytest_chefrelease.pytest_glue.activation import StageRun

Write = tuple[Path, Callable[[], None]]


class Files:
    """The files of one stage run. ``lost`` are those not written, with the reason."""

    def __init__(self, config: pytest.Config, run: StageRun, redactor: Redactor) -> None:
        self._config = config
        self._run = run
        self._redactor = redactor
        self.lost: dict[Path, str] = {}

    def earlier(self) -> tuple[tuple[StageRecord, ...], list[str]]:
        """What the other stages found about this very commit, and what could not be read."""
        return kept.other_stages(self._run.reports, self._run.release, self._run.stage)

    def write_evidence(self, record: StageRecord) -> None:
        """The JSON evidence: for this run, and for the board of the release's other stages."""
        for path, write in self._evidence(record):
            self._try(path, write)

    def write_reports(self, record: StageRecord, others: Sequence[StageRecord]) -> None:
        """JUnit and page, in the place of what pytest's own reporters have written."""
        for path, write in self._reports(record, others):
            self._try(path, write)

    def write_again(self, record: StageRecord, others: Sequence[StageRecord]) -> None:
        """Write all anew with another verdict; what fails again is removed.

        It would tell of a verdict that does not hold, or be cut off in the middle.
        """
        before, self.lost = self.lost, {}
        for path, write in (*self._evidence(record), *self._reports(record, others)):
            self._try(path, write)
            if path in self.lost:
                self._remove(path)
        self.lost = before | self.lost

    def _remove(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            pass  # the folder is gone, and all in it
        except OSError:
            self.lost[path] += "; what stands there does not hold"

    def append_summary(self, record: StageRecord) -> None:
        """GitHub's step summary, where there is one."""
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            from pytest_chefrelease.report.github import append_summary

            self._try(Path(summary), partial(append_summary, Path(summary), record))

    def enter_in_ledger(self, record: StageRecord) -> list[str]:
        """Remember the run; what is said where that fails. The verdict does not depend on it."""
        from pytest_chefrelease import ledger

        path = self._config.invocation_params.dir / self._run.settings.report.ledger_path
        try:
            ledger.enter(path, record)
        except OSError as error:
            return [f"{path.name} does not remember this run: {error.strerror}"]
        return []

    def note_lost(self, name: str, error: OSError) -> None:
        """Remember that pytest's own reporter could not write."""
        self.lost[self._run.reports / name] = error.strerror or type(error).__name__

    def problems(self) -> Iterator[str]:
        """What was not written and why, and where the older report is."""
        for path, why in self.lost.items():
            yield f"{path.name} was not written: {why}"
        older = self._run.reports / kept.PREVIOUS / f"{self._run.stage}.json"
        if self.lost and older.is_file():
            folder = self._run.settings.report.directory
            yield f"the older report is whole in {folder}/{kept.PREVIOUS}/"

    def paths(self) -> list[str]:
        """The reports of this run, as people find them."""
        option = self._config.option
        json_path = self._run.reports / f"{self._run.stage}.json"
        base = self._config.invocation_params.dir
        report = self._run.settings.report
        named = [getattr(option, "htmlpath", None), option.xmlpath, str(json_path)]
        named += [report.ctrf, report.sarif]
        paths = [place_of(self._config, name) for name in named if name]
        return [os.path.relpath(path, base) for path in paths if path not in self.lost]

    def _evidence(self, record: StageRecord) -> Iterator[Write]:
        for path in kept.paths_of_evidence(self._run.reports, record):
            yield path, partial(_write_evidence, path, record)

    def _reports(self, record: StageRecord, others: Sequence[StageRecord]) -> Iterator[Write]:
        from pytest_chefrelease.report.junit import finish_junit
        from pytest_chefrelease.report.junit_flavour import flavour_of

        redact = self._redactor.text
        path = place_of(self._config, self._config.option.xmlpath)
        flavour = flavour_of(os.environ, self._run.settings.report.junit)
        named = self._attachments(record) if flavour.with_attachments else {}
        write = partial(finish_junit, flavour=flavour, redact=redact, attachments=named)
        yield path, partial(write, path, record)
        yield from self._for_machines(record)
        html_path = getattr(self._config.option, "htmlpath", None)
        if html_path is None:
            return
        from pytest_chefrelease.report.actor import actor
        from pytest_chefrelease.report.html import Surroundings, finish_html

        by = actor(os.environ, self._run.repository)
        before = kept.release_before(self._run.reports, self._run.release, self._run.stage)
        around = self._redactor.clean(Surroundings(earlier=others, previous=before, by=by))
        page = place_of(self._config, html_path)
        yield page, partial(finish_html, page, record, around, redact=redact)

    def _attachments(self, record: StageRecord) -> dict[str, str]:
        """Screenshots as files; without them the JUnit file is as good."""
        from pytest_chefrelease.report.attachments import relative_to_project, write_pictures

        base = self._config.invocation_params.dir
        found: dict[str, str] = {}

        def write() -> None:
            for label, path in write_pictures(self._run.reports, record).items():
                found[label] = relative_to_project(path, os.environ, base)

        self._try(self._run.reports / f"{self._run.stage}.png", write)
        return found

    def _for_machines(self, record: StageRecord) -> Iterator[Write]:
        """The files that settings or options ask for."""
        report, base = self._run.settings.report, self._config
        if report.ctrf:
            from pytest_chefrelease.report.ctrf import to_ctrf

            path = place_of(base, report.ctrf)
            yield path, partial(_write_made, path, to_ctrf, record)
        if report.sarif:
            from pytest_chefrelease.report.sarif import to_sarif

            path = place_of(base, report.sarif)
            yield path, partial(_write_made, path, to_sarif, record)

    def _try(self, path: Path, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self.lost[path] = error.strerror or type(error).__name__
        except Exception as error:  # noqa: BLE001 (a defect in one report is no reason for none)
            self.lost[path] = f"a defect in it: {type(error).__name__}"
        else:
            self.lost.pop(path, None)


def _write_evidence(path: Path, record: StageRecord) -> None:
    write_atomically(path, evidence_json.to_parts(record))


def _write_made(path: Path, make: Callable[[StageRecord], str], record: StageRecord) -> None:
    write_atomically(path, make(record))
