"""What a backup says of itself and holds, in every form that PostgreSQL's programs write."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import zstandard
from msgspec.structs import replace

from pytest_chefrelease.probes.backups.contents import Contents, read_contents
from pytest_chefrelease.probes.backups.form import encrypted_by
from pytest_chefrelease.probes.backups.header import read_header, stamped
from pytest_chefrelease.probes.backups.rows import RowCounter
from pytest_chefrelease.probes.scratch.statements import split
from tests.backup.given import ROWS, dump, fill
from tests.probes.databases import Database, server


@pytest.fixture(scope="module")
def filled() -> Iterator[Database]:
    with server() as running:
        yield fill(running.database())


def held(path: Path) -> Contents:
    contents = read_contents(path)
    assert contents is not None
    return contents


@pytest.mark.parametrize("form", ["custom", "directory", "tar", "plain"])
def test_every_form_is_read_to_its_end(filled: Database, tmp_path: Path, form: str) -> None:
    contents = held(dump(filled, tmp_path / "backup", f"--format={form}"))

    assert (contents.problem, contents.rows) == ("", ROWS)
    assert set(contents.tables) == set(ROWS)
    assert contents.header.dump_major == filled.server.cluster.programs.major


@pytest.mark.parametrize("form", ["custom", "plain"])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_packed_ones_too_and_a_cut_one_is_told(
    filled: Database, tmp_path: Path, form: str, pack: object
) -> None:
    assert callable(pack)
    packed = pack(dump(filled, tmp_path / "plain", f"--format={form}").read_bytes())
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.write_bytes(packed)
    cut.write_bytes(packed[: len(packed) * 2 // 3])

    assert (held(whole).problem, held(whole).rows) == ("", ROWS)
    assert held(cut).problem


def test_inserts_are_counted_and_known_as_such(filled: Database, tmp_path: Path) -> None:
    contents = held(dump(filled, tmp_path / "backup", "--inserts"))

    assert contents.rows == {name: count for name, count in ROWS.items() if count}
    assert set(contents.inserted) == set(contents.rows)


def test_a_file_that_is_no_backup_is_none(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("remember to take a backup")

    assert read_contents(tmp_path / "notes") is None


def test_commands_that_psql_would_run_are_seen() -> None:
    counter = RowCounter()

    counter.feed(b"\\restrict abc\nSELECT 1;\n\\! rm -rf /\n\\unrestrict abc\n")

    assert counter.commands == ["\\! rm -rf /"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_rows_are_counted_alike_wherever_the_chunks_are_cut(size: int) -> None:
    text = (
        b"CREATE TABLE public.a (\n    id integer\n);\nCOPY public.a (id) FROM stdin;\n"
        b"1\n2\n\\\\.\n"
        b"\\.\n\nCOPY public.b (id) FROM stdin;\n\\.\n--\n-- PostgreSQL database dump complete\n"
    )
    counter = RowCounter()

    for start in range(0, len(text), size):
        counter.feed(text[start : start + size])
    counter.end()

    assert (counter.rows, counter.is_whole) == ({"public.a": 3, "public.b": 0}, True)


def test_an_archives_stamp_is_read_and_can_be_another(filled: Database, tmp_path: Path) -> None:
    head = dump(filled, tmp_path / "backup", "--format=custom").read_bytes()[:4096]
    moment = datetime(2024, 2, 29, 23, 59, 1)  # noqa: DTZ001

    before = read_header(head)

    assert before.database == filled.name
    assert read_header(stamped(head, moment)) == replace(before, written_at=moment)


@pytest.mark.parametrize(
    ("head", "program"),
    [
        (b"age-encryption.org/v1\n-> X25519", "age"),
        (b"-----BEGIN PGP MESSAGE-----\n", "gpg"),
        (b"\x85\x02\x0c\x03\xff", "gpg"),
        (b"Salted__\x01\x02", "openssl"),
        (b"PGDMP\x01\x0e\x00", None),
        (b"\x1f\x8b\x08", None),
        (b"--\n-- PostgreSQL", None),
    ],
)
def test_who_encrypted_it_is_told_by_its_first_bytes(head: bytes, program: str | None) -> None:
    assert encrypted_by(head) == program


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("SELECT 1; SELECT 2;", ("SELECT 1", "SELECT 2")),
        ("-- a; b\n/* c; /* d; */ */ SELECT ';' ;", ("SELECT ';'",)),
        ("DO $x$ BEGIN PERFORM 1; END $x$;", ("DO $x$ BEGIN PERFORM 1; END $x$",)),
        ("SELECT E'it\\'s; ', \"a;b\", $t1$;$t1$", None),
        ("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", None),
        ("BEGIN; SELECT 1; COMMIT;", ()),
    ],
)
def test_a_script_is_cut_where_postgresql_would(
    script: str, statements: tuple[str, ...] | None
) -> None:
    """None here: one statement, the script itself; nothing: it has to be sent as a whole."""
    expected = (script,) if statements is None else statements or None

    assert split(script) == expected


KEPT = """
import asyncio, time
from pytest_chefrelease.probes.scratch.keeper import Keeper

async def go():
    cluster = await Keeper().server()
    print(cluster.pid, cluster.folder, flush=True)
    await asyncio.sleep(60)

asyncio.run(go())
"""


def test_nothing_stays_when_the_run_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", KEPT], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        run.send_signal(signal.SIGKILL)
        run.wait(10)

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and (Path(folder).exists() or _is_running(int(pid))):
        time.sleep(0.1)

    assert not Path(folder).exists()
    assert not _is_running(int(pid))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
