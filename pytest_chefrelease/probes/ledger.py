"""Reads the ledger: a small SQLite file with the verdicts and outcomes of earlier runs."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.errors import Malformed, NotConfigured
from pytest_chefrelease.runbook.slower import Measured

FORMAT = 2
"""SQLite's user_version of a file that this program writes."""

READABLE = (1, FORMAT)
"""Those that it can read; format 1 remembers no latency."""

_BUSY_S = 5.0
_LATENCY = """
select run.at, run.version, stage, facts from latency join run on run.id = latency.run
left join became on became.version = run.version
where environment = ? and endpoint = ? and (stage = 'prerelease' or
    (coalesce(run.version, '') <> ? and coalesce(became.outcome, '') <> 'rolled-back'))
order by run.id desc limit 1
"""


class LedgerRun(Struct, frozen=True):
    """One run of a stage; ``became`` is what came of its release, None while nobody said."""

    number: int
    at: datetime
    version: str | None
    commit: str | None
    environment: str
    stage: str
    verdict: str
    sentence: str
    became: str | None


class LedgerResult(Struct, frozen=True):
    """One check's outcome in one run; ``would`` is what a shadow item's would have been."""

    run: int
    version: str
    stage: str
    item: str
    parameter: str | None
    outcome: str
    would: str | None
    is_blocking: bool


class LedgerLatency(Struct, frozen=True):
    """What a run measured of one endpoint."""

    at: datetime
    version: str | None
    stage: str
    measured: Measured


class LedgerProbe:
    """A ledger's file, read only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def runs(self, limit: int = 1_000_000) -> list[LedgerRun]:
        """The newest runs, the newest first. Raises NotConfigured without a file, Malformed."""
        rows = self._rows(
            "select run.id, run.at, run.version, commit_hash, environment, stage, verdict, "
            "sentence, became.outcome from run left join became on became.version = run.version "
            "order by run.id desc limit ?",
            limit,
        )
        return [LedgerRun(row[0], datetime.fromisoformat(row[1]), *row[2:]) for row in rows]

    def results(self) -> list[LedgerResult]:
        """The outcomes of all checks in runs that name a version."""
        rows = self._rows(
            "select run.id, run.version, stage, item, parameter, outcome, would, blocking "
            "from result join run on run.id = result.run where run.version is not null"
        )
        return [replace(LedgerResult(*row), is_blocking=bool(row[-1])) for row in rows]

    def latency(self, environment: str, endpoint: str, release: str | None) -> LedgerLatency | None:
        """The newest measurement of what ran before ``release``; None where there is none.

        That is a calibration before a deploy, or an earlier release after its own, unless it
        was rolled back.
        """
        with self._open() as connection:
            if connection.execute("pragma user_version").fetchone()[0] == 1:
                return None
            row = connection.execute(_LATENCY, (environment, endpoint, release or "")).fetchone()
        if row is None:
            return None
        at, version, stage, facts = row
        try:
            measured = Measured.from_facts(endpoint, json.loads(facts))
        except ValueError as error:
            raise self._malformed("an entry of latency without its figures") from error
        return LedgerLatency(datetime.fromisoformat(at), version, stage, measured)

    def became(self) -> dict[str, str]:
        """What came of each version of which somebody has said it."""
        return dict(self._rows("select version, outcome from became"))

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._open() as connection:
            return connection.execute(query, values).fetchall()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if not self.path.is_file():
            raise NotConfigured("there is no ledger yet", where=str(self.path))
        # As an URI, so that a file is never created here, and never written.
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_S)) as connection:
                (found,) = connection.execute("pragma user_version").fetchone()
                if found not in READABLE:
                    raise self._malformed(f"format {found}")
                yield connection
        except sqlite3.Error as error:
            raise self._malformed(str(error)) from error

    def _malformed(self, seen: str) -> Malformed:
        return Malformed(
            f"no ledger that can be read: {seen}",
            expected=f"a SQLite file of format {' or '.join(map(str, READABLE))}",
            where=self.path.name,
            remedy="Move the file away; a new ledger begins with the next run.",
        )
