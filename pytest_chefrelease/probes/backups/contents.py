"""Reads a backup to its end: what it holds, and whether it is whole.

``pg_restore --list`` is content with an archive whose end is missing; writing it out as SQL is
not. That text is read here as it comes, plain backups as they are.
"""

from __future__ import annotations

import gzip
import os
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, cast

from msgspec import Struct, field

from pytest_chefrelease.errors import MissingExtra
from pytest_chefrelease.probes.backups.files import refused
from pytest_chefrelease.probes.backups.form import HEAD_BYTES, Form, Packing, form_of, packing_of
from pytest_chefrelease.probes.backups.header import Header, read_header, read_sql_header
from pytest_chefrelease.probes.backups.rows import RowCounter
from pytest_chefrelease.probes.scratch.programs import Programs, find_programs

# What a pipe holds: more at a time leaves the processor's cache and took half as long again.
_CHUNK = 1 << 16
_YIELDING = 10  # nice(1)
_NEWER = "unsupported version"


class Contents(Struct, frozen=True):
    """What a backup holds, read to its end.

    ``tables`` are created by it, ``rows`` are those that it fills, by ``schema.table``;
    ``inserted`` are filled by INSERT, where statements are counted. ``problem`` says why it
    could not be read to its end; ``commands`` are what psql would run by itself.
    """

    form: Form
    packing: Packing = Packing.NONE
    header: Header = field(default_factory=Header)
    tables: tuple[str, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    inserted: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    problem: str = ""

    @property
    def is_archive(self) -> bool:
        """Whether pg_restore reads it; plain SQL is psql's."""
        return self.form is not Form.PLAIN


def read_contents(path: Path, is_wanted: Callable[[], bool] = lambda: True) -> Contents | None:
    """Read a backup on this machine to its end, or None where it is no backup at all.

    Raises MissingExtra for programs that are missing or too old, AccessDenied, Unreachable,
    and CancelledError once ``is_wanted`` says no.
    """
    try:
        if path.is_dir():
            header = read_header((path / "toc.dat").read_bytes()[:HEAD_BYTES])
            return _archive(path, Form.DIRECTORY, header, is_wanted)
        with path.open("rb") as file:
            packing = packing_of(file.read(HEAD_BYTES))
        return _file(path, packing, is_wanted)
    except OSError as error:
        raise refused(str(path), error) from None


def _file(path: Path, packing: Packing, is_wanted: Callable[[], bool]) -> Contents | None:
    with unpacked(path, packing) as stream:
        try:
            head = stream.read(HEAD_BYTES)
        except _unpacking_errors() as error:
            return Contents(Form.PLAIN, packing, problem=_cut(packing, error))
        if packing is not Packing.NONE and not head:
            # zstd's reader takes a missing end for the end.
            return Contents(Form.PLAIN, packing, problem=f"its {packing} ends before any content")
        form = form_of(head)
        if form is None:
            return None
        if form is Form.PLAIN:
            return _plain(stream, head, packing, is_wanted)
    header = read_header(head if form is Form.CUSTOM else head[512:])
    return _archive(path, form, header, is_wanted, packing)


def _plain(
    stream: IO[bytes], head: bytes, packing: Packing, is_wanted: Callable[[], bool]
) -> Contents:
    counter, problem = RowCounter(), ""
    counter.feed(head)
    try:
        for chunk in chunks(stream, is_wanted):
            counter.feed(chunk)
    except _unpacking_errors() as error:
        problem = _cut(packing, error)
    counter.end()
    if not counter.is_whole:
        problem = problem or "it ends in the middle: pg_dump's last line is missing"
    return _counted(counter, Form.PLAIN, packing, read_sql_header(head), problem)


def _archive(
    path: Path,
    form: Form,
    header: Header,
    is_wanted: Callable[[], bool],
    packing: Packing = Packing.NONE,
) -> Contents:
    """Let pg_restore write the archive out, with programs that read its version."""
    programs = find_programs(header.dump_major or 0)
    while True:
        counter = RowCounter()
        said = _written_out(path, packing, programs, counter, is_wanted)
        if _NEWER not in said:
            break
        programs = find_programs(programs.major + 1)
    problem = _first_error(said) if said or not counter.is_whole else ""
    return _counted(counter, form, packing, header, problem)


def _written_out(
    path: Path,
    packing: Packing,
    programs: Programs,
    counter: RowCounter,
    is_wanted: Callable[[], bool],
) -> str:
    """Feed the archive's SQL to the counter; gives what pg_restore complained of."""
    arguments = [programs.path("pg_restore"), "--file=-"]
    with tempfile.TemporaryFile() as complaints, tempfile.TemporaryDirectory() as folder:
        source = as_one_file(path, packing, Path(folder), is_wanted)
        with subprocess.Popen(
            [*arguments, str(source)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env={"LC_ALL": "C"},
        ) as process:
            # Restoring the same archive goes first: its time is that of a recovery.
            with suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, process.pid, _YIELDING)
            try:
                for chunk in chunks(cast("IO[bytes]", process.stdout), is_wanted):
                    counter.feed(chunk)
            except BaseException:
                process.kill()
                raise
        counter.end()
        complaints.seek(0)
        said = complaints.read(4_000).decode(errors="replace").strip()
        return said or (f"pg_restore ended with {process.returncode}" if process.returncode else "")


def as_one_file(
    path: Path, packing: Packing, folder: Path, is_wanted: Callable[[], bool] = lambda: True
) -> Path:
    """The archive as pg_restore reads it: itself, or unpacked into ``folder``."""
    if packing is Packing.NONE:
        return path
    target = folder / "unpacked"
    with unpacked(path, packing) as stream, target.open("wb") as file:
        try:
            for chunk in chunks(stream, is_wanted):
                file.write(chunk)
        except _unpacking_errors():
            # What there is of it is what pg_restore shall judge.
            return target
    return target


@contextmanager
def unpacked(path: Path, packing: Packing) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked as they are read."""
    with path.open("rb") as file:
        if packing is Packing.GZIP:
            yield cast("IO[bytes]", gzip.GzipFile(fileobj=file))
        elif packing is Packing.ZSTD:
            yield _unpacked_zstd(file)
        else:
            yield file


def _unpacked_zstd(file: IO[bytes]) -> IO[bytes]:
    try:
        import zstandard
    except ImportError:
        raise MissingExtra(
            "zstandard is not installed, which reads zstd archives",
            remedy="Run pip install 'pytest-chefrelease[logs]'.",
        ) from None
    reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
    return cast("IO[bytes]", reader)


def chunks(stream: IO[bytes], is_wanted: Callable[[], bool]) -> Iterator[bytes]:
    """What is left of a stream, a pipe's content at a time. Raises CancelledError."""
    while chunk := stream.read(_CHUNK):
        if not is_wanted():
            raise CancelledError
        yield chunk


@cache
def _unpacking_errors() -> tuple[type[Exception], ...]:
    try:
        from zstandard import ZstdError
    except ImportError:
        return (EOFError, zlib.error, gzip.BadGzipFile)
    return (EOFError, zlib.error, gzip.BadGzipFile, ZstdError)


def _cut(packing: Packing, error: Exception) -> str:
    return f"its {packing} ends in the middle or is damaged ({type(error).__name__})"


def _first_error(said: str) -> str:
    lines = [line.removeprefix("pg_restore: ").removeprefix("error: ") for line in said.split("\n")]
    return f"pg_restore cannot read it to its end: {lines[0][:200]}"


def _counted(
    counter: RowCounter, form: Form, packing: Packing, header: Header, problem: str
) -> Contents:
    return Contents(
        form=form,
        packing=packing,
        header=header,
        tables=tuple(sorted(counter.tables)),
        rows=dict(sorted(counter.rows.items())),
        inserted=tuple(sorted(counter.inserted)),
        commands=tuple(counter.commands[:5]),
        problem=problem,
    )
