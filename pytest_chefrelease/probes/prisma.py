"""Prisma's migrations: those that a release holds, and a database's history of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from pytest_chefrelease.errors import Malformed, NotConfigured
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.postgres import Session
from pytest_chefrelease.runbook.migration_history import (
    Checksums,
    DatabaseHistory,
    ReleaseMigrations,
    Row,
    Script,
    name_order,
)

_SCRIPT = "migration.sql"
_LOCK = "migration_lock.toml"
_MAX_LOG_CHARS = 4_000

_TABLES = """
    SELECT count(*) FILTER (WHERE c.relname = '_prisma_migrations'),
           count(*) FILTER (WHERE c.relname <> '_prisma_migrations')
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relkind IN ('r', 'p') AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
    )
"""
_ROWS = """
    SELECT migration_name, checksum, started_at, finished_at, rolled_back_at, left(logs, %s)
    FROM {schema}._prisma_migrations ORDER BY started_at, id
"""


def read_release_migrations(git: GitProbe, commit: str | None, directory: str) -> ReleaseMigrations:
    """The migrations of a commit, or of the work tree where there is none.

    Raises NotConfigured where the directory holds no migration.
    """
    path = directory.strip("/")
    if commit is None:
        files = _in_work_tree(git.repository / path)
    else:
        files = _in_commit(git, commit, path)
    scripts = {name.removesuffix(f"/{_SCRIPT}"): name for name in files if _is_script(name)}
    if not scripts:
        where = commit[:7] if commit else str(git.repository)
        raise NotConfigured(
            f"there are no migrations in {path} of {where}",
            expected="directories with a migration.sql",
            remedy="Set migrations.directory in release.toml.",
        )
    directories = {name.partition("/")[0] for name in files if "/" in name}
    provider, problem = _provider(files.get(_LOCK))
    return ReleaseMigrations(
        scripts=tuple(
            Script(name, len(files[scripts[name]]), checksums(files[scripts[name]]))
            for name in sorted(scripts, key=name_order)
        ),
        without_script=tuple(sorted(directories - scripts.keys(), key=name_order)),
        provider=provider,
        lock_problem=problem,
    )


def read_script_texts(
    git: GitProbe, commit: str | None, directory: str, names: Iterable[str]
) -> Mapping[str, bytes]:
    """The scripts of some migrations of a commit (or of the work tree), by name. Blocks."""
    path = directory.strip("/")
    if commit is None:
        folder = git.repository / path
        return {name: (folder / name / _SCRIPT).read_bytes() for name in names}
    wanted = set(names)
    blobs = {
        entry.path[len(path) + 1 :].partition("/")[0]: entry.blob
        for entry in git.files(commit, path)
        if _is_script(entry.path[len(path) + 1 :])
    }
    contents = git.blobs(blob for name, blob in blobs.items() if name in wanted)
    return {name: contents[blob] for name, blob in blobs.items() if name in wanted}


async def read_history(session: Session) -> DatabaseHistory:
    """The history of the URL's schema. Raises ProbeErrors: no right to read it, no such form."""
    schema = session.database.schema
    ((own, others),) = await session.rows(_TABLES, (schema,))
    if not own:
        return DatabaseHistory(None, _number(others))
    rows = await session.rows(_ROWS, (_MAX_LOG_CHARS,), schema=schema)
    return DatabaseHistory(tuple(_row(row) for row in rows), _number(others))


def checksums(script: bytes) -> Checksums:
    """The checksums by which Prisma takes a script for one that was applied."""
    with_lf = script.replace(b"\r\n", b"\n")
    digest = sha256(script)
    return Checksums(
        as_is=digest.hexdigest(),
        with_lf=sha256(with_lf).hexdigest(),
        with_crlf=sha256(script.replace(b"\n", b"\r\n")).hexdigest(),
        unpadded="".join(f"{byte:x}" for byte in digest.digest()),
    )


def _is_script(name: str) -> bool:
    return name.count("/") == 1 and name.endswith(f"/{_SCRIPT}")


def _in_commit(git: GitProbe, commit: str, path: str) -> Mapping[str, bytes]:
    """Files under the directory by their path in it; only scripts and the lock with content."""
    entries = {
        entry.path[len(path) + 1 :]: entry
        for entry in git.files(commit, path)
        if entry.mode in ("100644", "100755")  # a symbolic link holds a path, not a script
    }
    wanted = {name: e.blob for name, e in entries.items() if _is_script(name) or name == _LOCK}
    contents = git.blobs(wanted.values())
    return {name: contents[wanted[name]] if name in wanted else b"" for name in entries}


def _in_work_tree(folder: Path) -> Mapping[str, bytes]:
    found: dict[str, bytes] = {}
    for file in _files(folder):
        name = file.relative_to(folder).as_posix()
        found[name] = file.read_bytes() if _is_script(name) or name == _LOCK else b""
    return found


def _files(folder: Path) -> Iterable[Path]:
    for file in folder.glob("*"):
        if file.is_file():
            yield file
        elif file.is_dir():
            script = file / _SCRIPT
            # Its name alone stands for a directory that has no script.
            yield script if script.is_file() else file / ".empty"


def _provider(lock: bytes | None) -> tuple[str | None, str | None]:
    """The provider that migration_lock.toml names, or what is wrong with the file."""
    if lock is None:
        return None, None
    try:
        provider = tomllib.loads(lock.decode()).get("provider")
    # A number of thousands of digits is a plain ValueError, arrays in arrays have no end.
    except (ValueError, RecursionError) as error:
        return None, str(error)[:200]
    if not isinstance(provider, str):
        return None, "it names no provider"
    return provider, None


def _row(row: tuple[object, ...]) -> Row:
    name, checksum, started_at, finished_at, rolled_back_at, logs = row
    started = _moment(started_at)
    if started is None:
        raise Malformed(f"the history has a row without a start: {_text(name)}")
    return Row(
        name=_text(name),
        checksum=_text(checksum),
        started_at=started,
        finished_at=_moment(finished_at),
        rolled_back_at=_moment(rolled_back_at),
        logs=_text(logs),
    )


def _text(value: object) -> str:
    # A database with the encoding SQL_ASCII gives bytes, whatever they are.
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")


def _moment(value: object) -> datetime | None:
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
