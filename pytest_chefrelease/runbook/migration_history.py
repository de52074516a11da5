"""A database's migration history beside the migrations of a release, by Prisma's rules.

Sources: FACTS.md, "Prisma Migrate, run for real"; prisma-engines' checksum module for what
counts as unchanged; Prisma's error reference (P3005, P3009, P3014, P3015).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Checksums(Struct, frozen=True):
    """Hex SHA-256 of a script as it is, and with its line ends made LF or CRLF.

    ``unpadded`` is how old versions of Prisma wrote the first one: without the leading zero
    of each byte.
    """

    as_is: str
    with_lf: str
    with_crlf: str
    unpadded: str


class Script(Struct, frozen=True):
    """A migration of the release: its directory's name, its script's size and checksums."""

    name: str
    size_bytes: int
    checksums: Checksums


class ReleaseMigrations(Struct, frozen=True):
    """What the release holds: scripts, directories without one, and migration_lock.toml.

    ``provider`` is None where the lock file is missing; ``lock_problem`` says why it cannot
    be read.
    """

    scripts: tuple[Script, ...]
    without_script: tuple[str, ...] = ()
    provider: str | None = None
    lock_problem: str | None = None


class Row(Struct, frozen=True):
    """A row of ``_prisma_migrations``: one try to apply one migration."""

    name: str
    checksum: str
    started_at: datetime
    finished_at: datetime | None
    rolled_back_at: datetime | None
    logs: str

    @property
    def is_applied(self) -> bool:
        """Finished and not rolled back."""
        return self.finished_at is not None and self.rolled_back_at is None

    @property
    def is_failed(self) -> bool:
        """Begun, neither finished nor resolved: Prisma deploys nothing while it stands."""
        return self.finished_at is None and self.rolled_back_at is None


class DatabaseHistory(Struct, frozen=True):
    """The rows of a schema's history table, None where it has none, and its other tables."""

    rows: tuple[Row, ...] | None
    other_tables: int


class Problem(StrEnum):
    """What can be wrong between a release and a database, gravest first."""

    FAILED = "failed"
    WRONG_PROVIDER = "wrong provider"
    NO_SCRIPT = "directory without migration.sql"
    NO_BASELINE = "tables without a history"
    EDITED = "edited after being applied"
    NOT_IN_RELEASE = "applied, but not in the release"
    ROLLED_BACK = "rolled back and not applied again"
    PENDING = "pending"
    OUT_OF_ORDER = "out of order"


class Finding(Struct, frozen=True):
    """A problem of one migration (or of the whole, with an empty name)."""

    problem: Problem
    name: str
    text: str


class Comparison(Struct, frozen=True):
    """What a release and a database's history say together.

    ``applied`` are the rows that count, in the order of the release's names; ``pending`` the
    scripts that a deployment would apply, rolled-back ones among them; ``other_line_ends``
    the migrations applied from a checkout with other line ends, which Prisma accepts.
    """

    findings: tuple[Finding, ...]
    applied: tuple[Row, ...]
    pending: tuple[Script, ...]
    failed: tuple[Row, ...]
    other_line_ends: tuple[str, ...]
    is_empty: bool

    def of(self, problem: Problem) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(found for found in self.findings if found.problem is problem)


def compare(
    release: ReleaseMigrations, history: DatabaseHistory, accepted_order: Sequence[str] = ()
) -> Comparison:
    """Every way in which release and history disagree, gravest first.

    ``accepted_order`` names migrations that are known to be out of order.
    """
    rows = sorted(history.rows or (), key=lambda row: (row.started_at, name_order(row.name)))
    applied = {row.name: row for row in rows if row.is_applied}
    failed = tuple(row for row in rows if row.is_failed)
    open_names = {row.name for row in failed}
    pending = tuple(
        s for s in release.scripts if s.name not in applied and s.name not in open_names
    )
    findings = [
        *_failed(failed),
        *_release_problems(release),
        *_baseline(history),
        *_edited(release.scripts, applied),
        *_not_in_release(release, applied),
        *_not_applied(pending, rows),
        *_out_of_order(release.scripts, applied, pending, accepted_order),
    ]
    order = list(Problem)
    return Comparison(
        findings=tuple(sorted(findings, key=lambda found: order.index(found.problem))),
        applied=tuple(sorted(applied.values(), key=lambda row: name_order(row.name))),
        pending=pending,
        failed=failed,
        other_line_ends=tuple(
            s.name
            for s in release.scripts
            if s.name in applied and _has_other_line_ends(s.checksums, applied[s.name].checksum)
        ),
        is_empty=not rows and not history.other_tables,
    )


def name_order(name: str) -> bytes:
    """Sorts names of migrations as Prisma does: by their bytes."""
    return name.encode("utf-8", "surrogateescape")


def _failed(rows: Iterable[Row]) -> Iterable[Finding]:
    for row in rows:
        begun = f"{row.started_at:%Y-%m-%d %H:%M:%S} UTC"
        first = _first_error(row.logs)
        said = f": {first}" if first else ", with no error in its log: is it still running?"
        yield Finding(Problem.FAILED, row.name, f"{row.name} failed (begun {begun}){said}")


def _first_error(logs: str) -> str:
    """The line of a stored log that says most: the database's own error."""
    lines = [line.strip() for line in logs.splitlines() if line.strip()]
    for line in lines:
        if line.startswith(("ERROR:", "DbError", "FATAL:")):
            return line[:200]
    return lines[-1][:200] if lines else ""


def _release_problems(release: ReleaseMigrations) -> Iterable[Finding]:
    if release.lock_problem:
        yield Finding(
            Problem.WRONG_PROVIDER,
            "",
            f"migration_lock.toml cannot be read: {release.lock_problem}",
        )
    elif release.provider not in (None, "postgresql", "postgres"):
        text = f"migration_lock.toml names the provider {release.provider!r}, not postgresql"
        yield Finding(Problem.WRONG_PROVIDER, "", text)
    for name in release.without_script:
        yield Finding(Problem.NO_SCRIPT, name, f"{name} holds no migration.sql")


def _baseline(history: DatabaseHistory) -> Iterable[Finding]:
    if not history.rows and history.other_tables:
        what = "no history table" if history.rows is None else "an empty history"
        text = f"the schema has {history.other_tables} tables, but {what}: it needs a baseline"
        yield Finding(Problem.NO_BASELINE, "", text)


def _edited(scripts: Iterable[Script], applied: dict[str, Row]) -> Iterable[Finding]:
    for script in scripts:
        row = applied.get(script.name)
        if row is not None and not is_same_script(script.checksums, row.checksum):
            text = (
                f"{script.name} was edited after being applied: checksum "
                f"{script.checksums.as_is[:12]}… in the release, {row.checksum[:12]}… applied"
            )
            yield Finding(Problem.EDITED, script.name, text)


def is_same_script(ours: Checksums, stored: str) -> bool:
    """Whether Prisma takes a script for the one that was applied: line ends do not count."""
    if stored and len(stored) != 64:
        return stored == ours.unpadded
    return stored in (ours.as_is, ours.with_lf, ours.with_crlf)


def _has_other_line_ends(ours: Checksums, stored: str) -> bool:
    return stored != ours.as_is and stored in (ours.with_lf, ours.with_crlf)


def _not_in_release(release: ReleaseMigrations, applied: dict[str, Row]) -> Iterable[Finding]:
    known = {script.name for script in release.scripts} | set(release.without_script)
    for name in sorted(applied.keys() - known, key=name_order):
        text = f"{name} is applied in the database, but not in the release"
        yield Finding(Problem.NOT_IN_RELEASE, name, text)


def _not_applied(pending: Iterable[Script], rows: Iterable[Row]) -> Iterable[Finding]:
    rolled_back = {row.name: row for row in rows if row.rolled_back_at is not None}
    for script in pending:
        row = rolled_back.get(script.name)
        if row is None:
            yield Finding(Problem.PENDING, script.name, f"{script.name} is pending")
        else:
            when = f"{row.rolled_back_at:%Y-%m-%d %H:%M:%S} UTC"
            text = f"{script.name} was rolled back ({when}) and not applied again"
            yield Finding(Problem.ROLLED_BACK, script.name, text)


def _out_of_order(
    scripts: Iterable[Script],
    applied: dict[str, Row],
    pending: Iterable[Script],
    accepted: Sequence[str],
) -> Iterable[Finding]:
    """Migrations that come, or came, after one that is named later."""
    done = [applied[script.name] for script in scripts if script.name in applied]
    last = ""
    for row in sorted(done, key=lambda row: (row.started_at, name_order(row.name))):
        if name_order(row.name) > name_order(last):
            last = row.name
        elif row.name not in accepted:
            text = f"{row.name} was applied after {last}, which is named later"
            yield Finding(Problem.OUT_OF_ORDER, row.name, text)
    for script in pending:
        if name_order(script.name) < name_order(last) and script.name not in accepted:
            text = f"{script.name} is pending, though {last}, named later, is applied"
            yield Finding(Problem.OUT_OF_ORDER, script.name, text)
