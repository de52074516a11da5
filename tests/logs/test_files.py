from __future__ import annotations

import asyncio
import gzip
import os
import resource
import shutil
from pathlib import Path

import pytest
import zstandard

from pytest_chefrelease.errors import Unreachable
from pytest_chefrelease.probes.logs import pieces, sharing
from pytest_chefrelease.probes.logs.files import FileReading
from pytest_chefrelease.runbook.log_tally import Minute, Tally, quantile_ms
from tests.logs.writing import T0, many, pino, reading


def advance(of: FileReading) -> Tally:
    return asyncio.run(of.advance())


def once(path: Path, start_s: float = 0, end_s: float | None = None) -> Tally:
    """What a window holds, looked at once."""
    of = reading(path, start_s, end_s)
    try:
        return advance(of)
    finally:
        asyncio.run(of.close())


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "api.json"


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_only_the_window_counts(log: Path) -> None:
    log.write_text(many(50, -60, 1) + pino(1, 500) + many(5, 2) + pino(90, 500))

    tally = once(log, 0, 60)

    assert (tally.lines, tally.requests, tally.server_errors) == (6, 6, 1)
    assert tally.minutes == {T0 // 60_000: Minute(6, 1, 0)}
    assert (tally.first_ms, tally.last_ms) == (T0 + 1000, T0 + 2400)


def test_errors_are_grouped_by_route_status_and_message(log: Path) -> None:
    error = {"err": {"message": "connect ECONNREFUSED 10.0.0.7:5432"}}
    log.write_text(
        pino(1, 500, "/pos/orders/1", **error)
        + pino(2, 500, "/pos/orders/22?full=1", err={"message": "connect ECONNREFUSED 10.0.0.8:1"})
        + pino(3, 503, "/pos/orders/3")
    )

    tally = once(log)

    message = "request errored: connect ECONNREFUSED <address>"
    assert {name: group.count for name, group in tally.errors.items()} == {
        f"GET /pos/orders/:id\t500\t{message}": 2,
        "GET /pos/orders/:id\t503\trequest errored": 1,
    }
    assert len(tally.errors[f"GET /pos/orders/:id\t500\t{message}"].examples) == 2
    assert tally.messages[message].first_ms == T0 + 1000


def test_own_requests_are_no_refused_visitors(log: Path) -> None:
    own = {"method": "GET", "url": "/x", "headers": {"user-agent": "chefrelease/0.1 (prober)"}}
    log.write_text(pino(1, 401) + pino(2, 401, req=own) + pino(3, 403))

    tally = once(log)

    assert (tally.requests, tally.refused, tally.own) == (3, 1, 1)


def test_other_shapes_of_requests_are_not_taken_for_none(log: Path) -> None:
    line = '{"level":30,"time":%d,"response":{"status_code":502},"method":"GET","path":"/x"}\n'
    log.write_text("".join(line % (T0 + n) for n in range(20)))

    assert once(log).server_errors == 20


def test_formats_may_be_mixed_with_stack_traces_and_rubbish(log: Path) -> None:
    log.write_bytes(
        pino(1).encode()
        + b"FATAL ERROR: Reached heap limit - JavaScript heap out of memory\n"
        + b"    at Object.<anonymous> (/app/main.js:1:1)\n"
        + b"\x00\x01\xff\xfe\n"
        + b'{"level":50,"time":17\n'
        + b'::1 - - [24/Nov/2026:10:30:05 +0000] "GET /x HTTP/1.1" 500 0 "-" "-"\n'
    )

    tally = once(log)

    assert (tally.lines, tally.requests, tally.server_errors, tally.unreadable) == (6, 2, 1, 2)
    assert list(tally.messages) == [
        "FATAL ERROR: Reached heap limit - JavaScript heap out of memory"
    ]


def test_a_growing_line_counts_once_it_is_whole(log: Path) -> None:
    whole = pino(2, 500)
    log.write_text(pino(1) + whole[:40])
    following = reading(log)

    assert advance(following).lines == 1
    append(log, whole[40:60])
    assert advance(following).lines == 1
    append(log, whole[60:] + pino(3))
    assert (advance(following).lines, following.tally.server_errors) == (3, 1)
    asyncio.run(following.close())


def test_a_rotated_file_is_read_to_its_end_and_its_archive_not_again(
    log: Path, tmp_path: Path
) -> None:
    log.write_text(many(10, 1))
    following = reading(tmp_path / "api.json*")
    assert advance(following).lines == 10

    log.rename(tmp_path / "api.json.1")
    append(tmp_path / "api.json.1", many(3, 20))  # until the logger opens the new file
    log.write_text(many(5, 30))
    assert advance(following).lines == 18

    with gzip.open(tmp_path / "api.json.1.gz", "wb") as archive:
        archive.write((tmp_path / "api.json.1").read_bytes())
    (tmp_path / "api.json.1").unlink()
    assert advance(following).lines == 18
    append(log, pino(40))
    assert advance(following).lines == 19
    asyncio.run(following.close())


def test_a_file_that_leaves_the_glob_is_still_read_to_its_end(log: Path, tmp_path: Path) -> None:
    log.write_text(many(10, 1))
    following = reading(log)
    advance(following)

    log.rename(tmp_path / "old")
    append(tmp_path / "old", many(3, 20))
    log.write_text(many(5, 30))

    assert advance(following).lines == 18
    asyncio.run(following.close())


def test_copytruncate_loses_nothing_and_counts_nothing_twice(log: Path, tmp_path: Path) -> None:
    log.write_text(many(10, 1))
    following = reading(tmp_path / "api.json*")
    advance(following)

    append(log, many(3, 20))  # written between our look and the copying
    shutil.copy(log, tmp_path / "api.json.1")
    log.write_text(many(2, 30))

    assert advance(following).lines == 15
    asyncio.run(following.close())


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_archives_are_read_and_a_cut_one_as_far_as_it_goes(tmp_path: Path, suffix: str) -> None:
    text = many(2_000, 1).encode()
    packed = gzip.compress(text) if suffix == ".gz" else zstandard.compress(text)
    (tmp_path / f"whole.json{suffix}").write_bytes(packed)
    (tmp_path / f"cut.json{suffix}").write_bytes(packed[: len(packed) // 2])

    whole = once(tmp_path / f"whole.json{suffix}")
    cut = once(tmp_path / f"cut.json{suffix}")

    assert (whole.lines, whole.unreadable) == (2_000, 0)
    assert cut.lines < 2_000
    assert suffix == ".zst" or cut.unreadable >= 1


def test_files_that_end_before_the_window_are_not_opened(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(pino(1))
    old.chmod(0)
    os.utime(old, (T0 / 1000 - 3600,) * 2)
    new.write_text(pino(1))
    following = reading(tmp_path / "*.json")

    assert advance(following).lines == 1
    assert len(following._open) == 1
    asyncio.run(following.close())


def test_a_line_of_50_mb_is_passed_over_in_constant_memory(log: Path) -> None:
    with log.open("wb") as file:
        file.write(pino(1).encode())
        for _ in range(50):
            file.write(b'{"x":"' + b"a" * 1_000_000)
        file.write(b"\n" + pino(2, 500).encode())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    tally = once(log)

    assert (tally.lines, tally.oversized, tally.server_errors) == (2, 1, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_of_20_gb_only_the_window_is_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with log.open("wb") as file:  # blocks of lines with holes between, in time's order
        for n in range(20):
            file.seek(n * 1_000_000_000)
            file.write(b"\n" + many(300, -72_000 + n * 3_600).encode())
        file.seek(19_990_000_000)
        file.write(b"\n" + many(300, -100).encode())
        file.seek(20_000_000_000)
        file.write(b"\n" + (many(300, -10) + many(50, 25)).encode())
    read: list[int] = []
    scan = sharing.scan

    def spy(of: list[pieces.Piece], window: object) -> Tally:
        read.extend((piece.end or 0) - piece.start for piece in of)
        return scan(of, window)  # type: ignore[arg-type]

    monkeypatch.setattr("pytest_chefrelease.probes.logs.files.scan", spy)

    tally = once(log)

    assert tally.lines == 250
    assert log.stat().st_size > 20_000_000_000
    assert sum(read) < 11_000_000


def test_several_processes_count_what_one_does(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        pino(n / 10, 500 if n % 50 == 0 else 401 if n % 7 == 0 else 200, f"/x/{n}", responseTime=n)
        for n in range(3_000)
    ]
    log.write_text("".join(lines))
    alone = once(log)

    monkeypatch.setattr(sharing, "WORTH_SHARING", 10_000)
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    together = once(log)

    assert together.minutes == alone.minutes
    assert together.latency == alone.latency
    assert {k: g.count for k, g in together.errors.items()} == {
        k: g.count for k, g in alone.errors.items()
    }
    assert (together.lines, together.requests, together.refused) == (3_000, 3_000, 420)


def test_quantiles_are_by_route_and_rank(log: Path) -> None:
    log.write_text("".join(pino(n / 100, responseTime=n) for n in range(1, 101)))

    tally = once(log)

    assert quantile_ms(tally.latency["GET /pos/orders/:id"], 0.95) == 95


def test_a_glob_without_files_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no such log file"):
        once(tmp_path / "*.json")


def test_a_file_that_disappears_is_told_and_read_on_when_it_is_back(log: Path) -> None:
    log.write_text(many(10, 1))
    following = reading(log)
    advance(following)

    log.unlink()
    with pytest.raises(Unreachable, match="no such log file"):
        advance(following)
    log.write_text(many(5, 30))

    assert advance(following).lines == 15
    asyncio.run(following.close())


def test_a_clock_that_jumps_leaves_lines_in_the_minute_that_they_name(log: Path) -> None:
    log.write_text(
        many(5, 1) + pino(90, 500) + many(5, -7_200) + many(5, 2) + many(5, 40 * 365 * 86_400)
    )

    tally = once(log, 0, 3_600)

    assert (tally.lines, tally.server_errors) == (11, 1)
    assert sorted(tally.minutes) == [T0 // 60_000, T0 // 60_000 + 1]


def test_times_count_in_their_zones(log: Path) -> None:
    line = '{"level":"info","time":"%s","method":"GET","url":"/x","status":200}\n'
    stamps = ("2026-11-24T10:30:01Z", "2026-11-24T12:30:02+02:00", "2026-11-24T05:30:03-05:00")
    other = ("2026-11-24T10:30:01+02:00", "2026-11-24T09:29:00-01:00")
    log.write_text("".join(line % stamp for stamp in (*stamps, *other)))

    tally = once(log)

    assert (tally.requests, tally.first_ms, tally.last_ms) == (3, T0 + 1_000, T0 + 3_000)


@pytest.mark.parametrize("took", [10**400, 10**15, -3], ids=["huge", "long", "negative"])
def test_a_request_that_took_no_time_that_there_is_counts_without_it(log: Path, took: int) -> None:
    log.write_text(many(5, 1) + pino(2, responseTime=took) + many(5, 3))

    tally = once(log)

    assert tally.requests == 11
    assert tally.latency == {"GET /pos/orders/:id": {12: 10}}


def test_what_is_no_text_is_counted_and_nothing_is_made_of_it(log: Path) -> None:
    log.write_bytes(bytes(range(256)) * 500)

    tally = once(log)

    assert (tally.lines, tally.requests, tally.last_ms) == (0, 0, 0)
    assert tally.unreadable > 0


def test_own_requests_are_counted_whichever_way_a_block_is_read(log: Path) -> None:
    own = {"method": "GET", "url": "/x", "headers": {"user-agent": "chefrelease/0.1"}}
    told = {"method": "GET", "url": "/x?chefrelease/", "headers": {"user-agent": "curl/8"}}
    lines = [pino(n / 10, 500 if n == 7 else 200, req=own) for n in range(20)]
    log.write_text("".join(lines) + many(30, 3) + pino(7, req=told))
    fast = once(log)
    log.write_text("".join(lines) + many(30, 3) + pino(7, req=told) + "words\n")
    slow = once(log)

    assert (fast.own, fast.requests) == (20, 51)
    assert fast.minutes == slow.minutes == {T0 // 60_000: Minute(51, 1, 0, 20, 1)}
