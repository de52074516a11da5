"""Writes the ledger: each run's verdict and outcomes, and what people say came of a release."""

from __future__ import annotations

import errno
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from pytest_chefrelease.checks.policy import would_have_been
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.probes.ledger import FORMAT, LedgerProbe
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.slower import measured_in
from pytest_chefrelease.runbook.track_record import Became
from pytest_chefrelease.settings.known_keys import nearest

_BUSY_S = 5.0
_LATENCY_SCHEMA = """
create table latency (
    run integer not null references run (id), endpoint text not null, facts text not null
);
create index latency_by_run on latency (run);
"""
_SCHEMA = """
create table run (
    id integer primary key, at text not null, version text, commit_hash text,
    environment text not null, stage text not null, verdict text not null,
    sentence text not null
);
create table result (
    run integer not null references run (id), item text not null, parameter text,
    outcome text not null, would text, blocking integer not null
);
create table became (
    version text primary key, outcome text not null, at text not null, by text not null,
    note text not null
);
create index result_by_run on result (run);
"""
_LACKING = {0: _SCHEMA + _LATENCY_SCHEMA, 1: _LATENCY_SCHEMA, FORMAT: ""}
"""By a file's format, what has to be made before this program can write it."""


def enter(path: Path, record: StageRecord) -> None:
    """Add a run. A shard is no run of its own, and one that did nothing has nothing to tell.

    Raises OSError where the file cannot be written, is locked for long, or is no ledger.
    """
    if record.course.shard is not None or not record.results:
        return
    release, verdict = record.release, record.verdict
    with _writing(path) as connection:
        cursor = connection.execute(
            "insert into run (at, version, commit_hash, environment, stage, verdict, sentence) "
            "values (?, ?, ?, ?, ?, ?, ?)",
            (
                record.finished_at.isoformat(timespec="seconds"),
                release.version,
                release.commit,
                release.environment,
                record.stage.value,
                verdict.decision.value,
                verdict.sentence,
            ),
        )
        connection.executemany(
            "insert into result values (?, ?, ?, ?, ?, ?)",
            [
                (
                    cursor.lastrowid,
                    result.item.id,
                    result.parameter,
                    result.outcome.value,
                    would_have_been(result),
                    result.blocking,
                )
                for result in record.results
            ],
        )
        connection.executemany(
            "insert into latency values (?, ?, ?)",
            [
                (cursor.lastrowid, measured.endpoint, json.dumps(measured.facts()))
                for result in record.results
                for measured in measured_in(result)
            ],
        )


def _known(versions: list[str]) -> str:
    listed = ", ".join(versions[:10])
    return f"known are {listed}" if listed else "it has no run of a release with a version yet"


def say_outcome(
    path: Path, version: str, became: Became, *, by: str, note: str, at: datetime
) -> None:
    """Write down what came of a release; a later word replaces an earlier one.

    Raises SettingsError for a version that no run is known of, ProbeErrors, and OSError.
    """
    known = list(dict.fromkeys(run.version for run in LedgerProbe(path).runs() if run.version))
    if version not in known:
        near = nearest(version, tuple(known))
        hint = f'did you mean "{near}"?' if near else _known(known)
        raise SettingsError([f"{version}: no run of that version is in the ledger; {hint}"])
    with _writing(path) as connection:
        connection.execute(
            "insert or replace into became values (?, ?, ?, ?, ?)",
            (version, became.value, at.isoformat(timespec="seconds"), by, note),
        )


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    """One transaction: a run is entered whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)) as connection:
            connection.execute("begin immediate")
            (found,) = connection.execute("pragma user_version").fetchone()
            if found not in _LACKING:
                raise OSError(errno.EINVAL, f"it is a ledger of format {found}, not {FORMAT}")
            for statement in filter(str.strip, _LACKING[found].split(";")):
                connection.execute(statement)
            connection.execute(f"pragma user_version = {FORMAT}")
            yield connection
            connection.execute("commit")
    except sqlite3.Error as error:
        raise OSError(errno.EIO, f"SQLite: {error}") from error
