from __future__ import annotations

import pytest

from pytest_chefrelease.probes.logs.parse import Line, read_line
from pytest_chefrelease.runbook.log_template import (
    message_template,
    route_template,
    without_private,
)
from tests.logs.writing import T0, pino

REQUEST = Line(T0, 50, 503, "GET", "/pos/orders", 12.0, "it broke", "")


FORMS = {
    "pino": f"""{{"level":50,"time":{T0},"req":{{"method":"GET","url":"/pos/orders"}},
        "res":{{"statusCode":503}},"responseTime":12,"msg":"it broke"}}""",
    "words": """{"level":"error","time":"2026-11-24T10:30:00.000Z","method":"GET",
        "url":"/pos/orders","statusCode":503,"responseTime":12,"message":"it broke"}""",
    "gcp": """{"severity":"ERROR","timestamp":"2026-11-24T11:30:00+01:00",
        "request":{"method":"GET","path":"/pos/orders"},"response":{"status":"503"},
        "duration_ms":12.0,"msg":"it broke"}""",
    "seconds": f"""{{"lvl":50,"ts":{T0 // 1000}.0,"method":"GET","path":"/pos/orders",
        "status":503,"request_time":0.012,"msg":"it broke"}}""",
    "docker": r"""{"log":"{\"level\":50,\"method\":\"GET\",\"url\":\"/pos/orders\",
        \"status\":503,\"responseTime\":12,\"msg\":\"it broke\"}\n","stream":"stdout",
        "time":"2026-11-24T10:30:00Z"}""",
    "fly": """2026-11-24T10:30:00Z app[148e] iad [info]{"level":50,"method":"GET",
        "url":"/pos/orders","status":503,"responseTime":12,"err":{"message":"it broke"}}""",
    "kubernetes": """2026-11-24T10:30:00.0Z stdout F {"level":"err","method":"GET",
        "url":"/pos/orders","res":{"statusCode":503},"latency_ms":12,"error":"it broke"}""",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_request_reads_the_same_in_all_forms_of_json(form: str) -> None:
    raw = "".join(part.strip() for part in FORMS[form].splitlines())

    assert read_line(raw.encode()) == REQUEST


@pytest.mark.parametrize(
    ("rest", "took_ms", "agent"),
    [
        ("", -1.0, ""),
        (' "-" "curl/8.1"', -1.0, "curl/8.1"),
        (' "https://x.example/" "Mozilla/5.0 (\\"odd\\")" 0.250', 250.0, 'Mozilla/5.0 (\\"odd\\")'),
    ],
    ids=["common", "combined", "with time"],
)
def test_access_logs_are_read_in_their_zone(rest: str, took_ms: float, agent: str) -> None:
    raw = f'10.1.2.3 - bob [24/Nov/2026:11:30:00 +0100] "GET /pos/orders HTTP/1.1" 502 17{rest}'

    assert read_line(raw.encode()) == Line(T0, 0, 502, "GET", "/pos/orders", took_ms, "", agent)


def test_a_request_that_is_none_still_has_its_status() -> None:
    raw = b'::1 - - [24/Nov/2026:10:30:00 +0000] "\\x16\\x03\\x01" 400 0 "-" "-"'

    line = read_line(raw)

    assert line is not None
    assert (line.status, line.method, line.path) == (400, "", "")


@pytest.mark.parametrize("raw", [b'{"level":50,"time":17', b"\x00\x00\x01", b"\xff\xfe\xfa", b"{]"])
def test_half_lines_and_binary_are_told_apart_from_text(raw: bytes) -> None:
    assert read_line(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        *('{"time":%s}', '{"level":"%s"}', '{"responseTime":%s}', '{"request_time":%s}'),
        *('{"responseTime":-%s}', '{"time":"%s"}', '{"status":%s}'),
    ],
)
def test_a_number_of_400_digits_tells_nothing(raw: str) -> None:
    assert read_line((raw % ("9" * 400)).encode()) == Line()


@pytest.mark.parametrize("raw", ['{"level":"%s"}', '{"time":"%s"}', '{"status":"%s"}'])
def test_a_text_of_5000_digits_is_no_number(raw: str) -> None:
    assert read_line((raw % ("9" * 5_000)).encode()) == Line()


def test_a_duration_that_is_none_tells_nothing() -> None:
    assert read_line(b'{"request_time":"nan"}') == Line()
    assert read_line(b'{"responseTime":-5}') == Line()


def test_text_has_the_level_and_time_that_stand_before_it() -> None:
    line = read_line(b"2026-11-24 10:30:00,000 ERROR connect ECONNREFUSED 10.0.0.7:5432")

    assert line is not None
    assert (line.time_ms, line.level) == (T0, 50)


def test_a_line_is_no_answer_because_it_has_a_status_of_words() -> None:
    line = read_line(b'{"level":30,"time":1,"status":"ok","msg":"ready"}')

    assert line is not None
    assert line.status == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connect ECONNREFUSED 10.0.0.7:5432", "connect ECONNREFUSED 10.0.0.8:6379"),
        ("user 4711 not found", "user 8 not found"),
        (
            "order 3f2a91c0-1111-2222-3333-444455556666",
            "order 00000000-1111-2222-3333-444455556666",
        ),
        ("took 12ms at 2026-11-24T10:30:00Z", "took 1500ms at 2026-11-25T01:02:03.5Z"),
        ("sha deadbeef01 by ann@x.example", "sha 12345678ab by bob.b@y.example"),
    ],
)
def test_other_values_make_no_other_message(one: str, other: str) -> None:
    assert message_template(one) == message_template(other)


def test_other_words_make_another_message() -> None:
    assert message_template("table orders is missing") != message_template("table users is missing")


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/pos/orders/17?x=1", "/pos/orders/:id"),
        ("/a/3f2a91c0-1111-2222-3333-444455556666/b", "/a/:id/b"),
        ("/v1/items/17/18", "/v1/items/:id/:id"),
        ("/inventory/items", "/inventory/items"),
        ("/", "/"),
    ],
)
def test_a_route_is_a_path_without_its_ids(path: str, route: str) -> None:
    assert route_template(path) == route


def test_examples_hold_neither_tokens_nor_addresses_of_people() -> None:
    shown = without_private("Bearer abc.def x eyJhbGciOi.eyJzdWIiOi.c2ln y ann@x.example")

    assert shown == "<token> x <token> y <email>"


def test_the_line_that_pino_writes_is_the_one_these_tests_use() -> None:
    line = read_line(pino(0, 500).encode())

    assert line == Line(
        T0, 50, 500, "GET", "/pos/orders/17", 12.0, "request errored", "Mozilla/5.0"
    )
