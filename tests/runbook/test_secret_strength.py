"""Rules for secrets: weak ones are told apart by reason, random ones are never refused."""

from __future__ import annotations

import base64
import secrets
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_chefrelease.runbook.connection_secret import dsn_problems, read_connection
from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.secret_entropy import estimate
from pytest_chefrelease.runbook.secret_strength import (
    Demand,
    Surroundings,
    emptiness,
    weaknesses,
    wrapping,
)

SIGNING = Demand(32, 128)


def problems(value: str, demand: Demand = SIGNING, around: Surroundings | None = None) -> str:
    return "; ".join(weaknesses(Secret(value), demand, around or Surroundings())[0])


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a" * 32, "consists of one character"),
        ("ab" * 24, "consists of a repetition"),
        ("Xk9$" * 12, "consists of a repetition"),
        ("aaaabbbbccccddddeeeeffffgggghhhh", "consists of repeated characters"),
        ("changeme-changeme-changeme-changeme", "is a placeholder"),
        ("CHANGE_ME_CHANGE_ME_CHANGE_ME_0001", "is a placeholder"),
        ("ch4ng3m3-9f86d081884c7d659a2feaa0", "is a placeholder"),
        ("dev-secret-change-in-production!!", "is a placeholder"),
        ("your-super-secret-key-goes-right-here", "is a placeholder"),
        ("supersecret-jwt-key", "has 19 characters"),
        ("super-secret-jwt-token-with-at-least-32-characters-long", "published in a manual"),
        ("your-256-bit-secret", "published in a manual"),
        (
            "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
            "published in a manual",
        ),
        ("qwertyuiopasdfghjklzxcvbnm123456", "a keyboard or counting run"),
        ("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9", "a keyboard or counting run"),
        ("abcdefghijklmnopqrstuvwxyz012345", "a keyboard or counting run"),
        ("MNBVCXZlkjhgfdsaPOIUYTREWQ098765", "a keyboard or counting run"),
        ("correct-horse-battery-staple-monday-morning", "common words"),
        ("my$3cr3tP@ssw0rdIsVerySecureAndLong123456", "common words"),
        ("chefcloud-production-jwt-secret-2026-november", "common words"),
        ("Now is the winter of our discontent made glorious", "words of a language"),
        ("UnserGeheimnisFuerDieProduktionVonHeute", "words of a language"),
        (b"changeme".hex() * 4, "encoded text"),
        (base64_of("production jwt secret key for chefcloud"), "encoded text"),
        ("550e8400-e29b-11d4-a716-446655440000", "UUID of version 1"),
        ("0192f0c1-89ab-7def-8123-456789abcdef", "UUID of version 7"),
        ("31415926535897932384626433832795", "32 digits hold at most"),
        ("Q7Zx7QxZ7xQZxQ77ZQxxZ7QZQ7xx7ZQ7ZZxQ", "very few different characters"),
    ],
)
def test_a_weak_value_is_refused_with_its_reason_and_without_itself(
    value: str, reason: str
) -> None:
    said = problems(value)

    assert reason in said
    assert value not in said


def test_32_hex_digits_are_128_bits_and_not_256() -> None:
    value = "9f86d081884c7d659a2feaa0c55ad015"

    assert problems(value) == ""
    assert problems(value, Demand(32, 256)) == (
        "32 hexadecimal digits hold at most 128 bits, 256 are asked for"
    )


def test_a_value_that_stands_elsewhere_is_refused_with_the_place() -> None:
    value = secrets.token_urlsafe(32)
    around = Surroundings(
        others={"staging's value": Secret(value), "the value of WH_SECRET": Secret("other")},
        examples={"services/api/.env.example": {value}},
    )

    said = problems(value, around=around)

    assert said == "it is staging's value; it stands in services/api/.env.example"


def test_names_of_the_product_count_as_words() -> None:
    value = "gastrowolke-gastrowolke2-GASTROWOLKE"

    named = estimate(value, ["gastrowolke"]).bits

    assert named < 60


ALPHABETS = st.sampled_from(
    [
        ("0123456789abcdef", 32),
        ("0123456789ABCDEF", 64),
        (string.ascii_letters + string.digits, 24),
        (string.ascii_letters + string.digits + "-_", 43),
        (string.ascii_lowercase + string.digits, 32),
        (string.ascii_letters + string.digits + string.punctuation, 24),
    ]
)


@given(ALPHABETS, st.randoms(use_true_random=True))
def test_random_text_of_128_bits_is_never_refused(
    alphabet: tuple[str, int], chance: object
) -> None:
    letters, length = alphabet
    value = "".join(secrets.choice(letters) for _ in range(length))

    assert problems(value, Demand(0, 128)) == ""


def test_what_openssl_makes_is_accepted() -> None:
    made = [base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(200)]
    made += [secrets.token_hex(32) for _ in range(200)]

    assert [problems(value, Demand(32, 250)) for value in made] == [""] * 400


def test_base64_without_a_digit_is_base64_all_the_same() -> None:
    made = "qXvTdKbNwRzLmYcGhJpFsVtBnWkQrZxDyHgMjCfPlSo="

    assert problems(made, Demand(32, 250)) == ""


@given(st.text(min_size=1, max_size=700))
@example("\ud800")
@example("ß" * 40)
@example("=" * 40)
def test_any_text_has_an_estimate_between_nothing_and_its_alphabets_bits(text: str) -> None:
    assert 0 <= estimate(text).bits <= 8 * len(text)


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=12))
def test_no_reason_repeats_the_value(value: str) -> None:
    assert value not in problems(value, Demand(10_000, 10_000))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        ('""', "is empty"),
        ("undefined", "the word that a missing value"),
        ("None", "the word that a missing value"),
        ("${JWT_SECRET}", "unfilled reference"),
        ("{{ jwt_secret }}", "unfilled reference"),
        ("<your secret>", "unfilled reference"),
        ("$JWT_SECRET", "unfilled reference"),
        ("********", "only a mask"),
    ],
)
def test_a_value_that_only_looks_set_is_empty(value: str, said: str) -> None:
    assert said in str(emptiness(value))


def test_a_real_value_is_not_empty() -> None:
    assert emptiness(secrets.token_urlsafe(32)) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [("abc\n", "white space"), (" abc", "white space"), ("'abc'", "quotes"), ('"abc" ', "quotes")],
)
def test_what_does_not_belong_to_a_value_is_seen(value: str, said: str) -> None:
    assert any(said in problem for problem in wrapping(value))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://u:p@db.chefcloud.io/chef", "does not demand TLS"),
        ("postgresql://u:p@db.chefcloud.io/chef?sslmode=prefer", "does not demand TLS"),
        ("postgres://u:p@10.0.0.3:5432/chef", "does not demand TLS"),
        ("postgresql://u:p@db.chefcloud.io?sslmode=require", "names no database"),
        ("postgresql:///chef", "names no host"),
        ("postgresql://u:p@db.example.com/chef?sslmode=require", "host is a placeholder"),
        ("redis://:p@cache.chefcloud.io:6379", "another kind of system"),
        ("db.chefcloud.io/chef", "no known scheme"),
        ("postgresql://u:p@[::1/chef", "does not parse"),
        ("postgresql://u:p@db.chefcloud.io:port/chef", "does not parse"),
    ],
)
def test_a_careless_connection_string_is_refused(url: str, said: str) -> None:
    found = read_connection("DATABASE_URL", url).problems

    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://u:p@db.chefcloud.io/chef?sslmode=verify-full"),
        ("DATABASE_URL", "postgresql://u:p@127.0.0.1:5432/chef"),
        ("DATABASE_URL", "postgresql://u:p@[::1]/chef"),
        ("DATABASE_URL", "postgresql://u:p@/chef?host=/var/run/postgresql"),
        ("DATABASE_URL", "postgresql://u:p@chef-db.flycast:5432/chef"),
        ("DATABASE_URL", "mysql://u:p@db.chefcloud.io/chef?sslaccept=strict"),
        ("REDIS_URL", "rediss://:p@cache.chefcloud.io:6379"),
        ("REDIS_URL", "redis://:p@localhost:6379/0"),
    ],
)
def test_a_careful_connection_string_is_accepted(name: str, url: str) -> None:
    assert read_connection(name, url, ("*.flycast",)).problems == ()


def test_a_password_is_judged_as_the_server_sees_it() -> None:
    password = read_connection("DATABASE_URL", "postgresql://u:a%2Fb%40c@localhost/chef").password

    assert password == Secret("a/b@c")


@pytest.mark.parametrize(
    ("dsn", "said"),
    [
        ("https://o450.ingest.sentry.io/4508", "no public key"),
        ("https://examplePublicKey@o0.ingest.sentry.io/0", "not 32 hexadecimal digits"),
        ("http://4f2a9c1e8b7d6053a1c9e8f70b2d4163@sentry.chefcloud.io/3", "without TLS"),
        ("https://4f2a9c1e8b7d6053a1c9e8f70b2d4163@sentry.chefcloud.io/", "no project number"),
        ("https://4f2a9c1e8b7d6053a1c9e8f70b2d4163:5@sentry.chefcloud.io/3", "secret key"),
        ("4f2a9c1e8b7d6053a1c9e8f70b2d4163", "no https:// address"),
        ("https://[", "does not parse"),
    ],
)
def test_a_dsn_that_reports_nowhere_is_refused(dsn: str, said: str) -> None:
    assert any(said in problem for problem in dsn_problems(dsn))


def test_a_dsn_as_sentry_gives_it_is_accepted() -> None:
    dsn = "https://4f2a9c1e8b7d6053a1c9e8f70b2d4163@o450.ingest.us.sentry.io/4508"

    assert list(dsn_problems(dsn)) == []


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("open sesame")

    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", repr([secret])]

    assert all("sesame" not in text for text in shown)
    assert secret == Secret("open sesame")
    assert secret != Secret("open barley")
    assert secret != "open sesame"
    assert len({secret, Secret("open sesame")}) == 1


def test_a_secret_cannot_leave_its_process() -> None:
    import pickle

    with pytest.raises(TypeError, match="stays in the process"):
        pickle.dumps(Secret("open sesame"))
