"""Prints the verdict as the very last line, after pytest's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_chefrelease.pytest_glue.session import session_of


class Ending:
    """Registered beside the session: its wrapper is the outermost."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Iterator[None]:
        yield
        record = session_of(self._config).reporting.record
        if record is not None:
            from pytest_chefrelease.report.plain import one_line

            verdict = record.verdict
            line = one_line(verdict.sentence, 1_000)
            if not line.startswith(verdict.decision):
                line = f"{verdict.decision}: {line}"
            self._config.get_terminal_writer().line(line)
