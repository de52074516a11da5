"""No value of a secret leaves the process, however it is spelt."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pytest_chefrelease.report import evidence_json
from pytest_chefrelease.report.redact import Redactor
from tests.report import samples

SECRET = 'p@ss/wörd+"<&=%\\'


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        "p%40ss%2fw%c3%b6rd%2b%22%3c%26%3d%25%5c",
        quote_plus(SECRET),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        json.dumps(SECRET).replace("/", "\\/"),
        html.escape(SECRET),
        repr(SECRET),
        repr(SECRET.encode()),
        SECRET.encode().hex(),
        SECRET.encode().hex().upper(),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        quote(base64.b64encode(SECRET.encode()).decode(), safe=""),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(f"user7:{SECRET}:more".encode()).decode(),
        base64.b64encode(f"users77:{SECRET}!".encode()).decode(),
    ],
)
def test_a_value_is_found_in_its_usual_encodings(text: str) -> None:
    cleaned = Redactor([SECRET]).text(f"before {text} after")

    assert "[redacted]" in cleaned
    assert text not in cleaned
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")


@given(
    st.binary(min_size=6, max_size=60).map(lambda raw: raw.hex()),
    st.binary(max_size=8),
    st.binary(max_size=8),
)
def test_a_value_is_found_anywhere_inside_of_base64(
    secret: str, before: bytes, after: bytes
) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()

    cleaned = Redactor([secret]).text(encoded)

    assert "[redacted]" in cleaned
    # What is left around the mark are at most the characters shared with the neighbours.
    assert len(cleaned) <= len(base64.b64encode(before + after)) + 8 + len("[redacted]")


@settings(max_examples=30)
@given(st.text(min_size=6).filter(lambda s: len(s.strip()) >= 6), st.text(), st.text())
def test_a_value_never_survives(secret: str, before: str, after: str) -> None:
    cleaned = Redactor([secret]).text(f"{before}{secret}{after}")

    assert secret.strip() not in cleaned.replace("[redacted]", "\0")


def test_the_password_of_a_connection_string_is_found_alone() -> None:
    redactor = Redactor(["postgresql://chef:correct%2Fhorse@db.example/chef?sslmode=require"])

    assert redactor.text('authentication of "correct/horse" failed') == (
        'authentication of "[redacted]" failed'
    )
    assert redactor.text("correct%2Fhorse") == "[redacted]"


def test_each_long_line_of_a_key_is_found() -> None:
    line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    key = f"-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----\n"

    assert line not in Redactor([key]).text(f"diff: +{line}")
    assert Redactor([key]).text("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_short_values_are_left_alone() -> None:
    assert Redactor(["0", "info", "admin", ""]).text("info: 0 admins") == "info: 0 admins"


def test_the_longer_of_two_values_goes_first() -> None:
    redactor = Redactor(["secret", "secret-and-more"])

    assert redactor.text("x secret-and-more y secret z") == "x [redacted] y [redacted] z"


def test_without_secrets_nothing_changes() -> None:
    assert Redactor([]).text("anything") == "anything"


def test_nested_data_is_cleaned_with_its_keys() -> None:
    data = {"a": ["hunter22", 1, None, {"hunter22": ("x", "my hunter22")}], "n": 2.5, "ok": True}

    assert Redactor(["hunter22"]).clean(data) == {
        "a": ["[redacted]", 1, None, {"[redacted]": ("x", "my [redacted]")}],
        "n": 2.5,
        "ok": True,
    }


def test_a_record_is_cleaned_whole_and_keeps_our_own_words() -> None:
    record = samples.every_outcome()
    dirty = replace(record, notes=("hunter22", "P1 monitoring passed"))

    cleaned = Redactor(["hunter22", "monitoring", "passed", "prerelease"]).clean(dirty)

    assert cleaned.notes == ("[redacted]", "P1 [redacted] [redacted]")
    back = evidence_json.from_text(evidence_json.to_text(cleaned))
    assert [r.outcome for r in back.results] == [r.outcome for r in record.results]


def test_what_holds_no_secret_is_not_copied() -> None:
    record = samples.every_outcome()

    assert Redactor(["hunter22"]).clean(record) is record


def test_a_large_text_is_cleaned_in_a_moment() -> None:
    redactor = Redactor(f"secret-number-{n:04}-{n * 7919:x}" for n in range(40))
    text = evidence_json.to_text(samples.many(2_000))

    started = time.perf_counter()
    assert redactor.text(text) == text
    elapsed = time.perf_counter() - started

    assert elapsed < 0.2 * len(text) / 1_000_000 + 0.5
