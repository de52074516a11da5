"""Which release something says that it runs: rules as tables."""

from __future__ import annotations

import pytest

from pytest_chefrelease.checks.identity import Clue, Match, clues_of, match
from pytest_chefrelease.checks.staging.web_version import (
    MOST_SCRIPTS,
    clues_in_page,
    clues_in_script,
    hint_in,
    scripts_of,
)
from pytest_chefrelease.runbook.release import Release

COMMIT = "c0ffee5" + "0" * 33
RELEASE = Release("v1.5.0", COMMIT, "production")


def clues(*values: str) -> tuple[Clue, ...]:
    return tuple(Clue("somewhere", value) for value in values)


@pytest.mark.parametrize(
    ("said", "release", "expected"),
    [
        (("1.5.0",), RELEASE, Match.SAME),
        (("v1.5.0", COMMIT), RELEASE, Match.SAME),
        (("c0ffee5",), RELEASE, Match.SAME),
        (("C0FFEE5",), RELEASE, Match.SAME),
        (("1.4.2",), RELEASE, Match.OTHER),
        (("badcafe",), RELEASE, Match.OTHER),
        (("1.5.0", "badcafe"), RELEASE, Match.OTHER),
        (("1.4.2", "c0ffee5"), RELEASE, Match.CONTRADICTORY),
        (("1.5.0", "1.4.2"), RELEASE, Match.CONTRADICTORY),
        ((), RELEASE, Match.UNKNOWN),
        (("1.5.0",), Release(None, COMMIT, "production"), Match.UNKNOWN),
        (("c0ffee5",), Release("v1.5.0", None, "production"), Match.UNKNOWN),
        (("1.5.0", "badcafe"), Release("v1.5.0", None, "production"), Match.SAME),
    ],
)
def test_all_clues_together_decide(
    said: tuple[str, ...], release: Release, expected: Match
) -> None:
    assert match(clues(*said), release) is expected


def test_a_tag_prefix_is_no_part_of_the_version() -> None:
    release = Release("backend-v1.5.0", COMMIT, "production")

    assert match(clues("1.5.0"), release, "backend-") is Match.SAME


@pytest.mark.parametrize(
    ("document", "values"),
    [
        ({"version": "1.5.0", "commit": COMMIT}, ["1.5.0", COMMIT]),
        ({"buildSha": "c0ffee5", "status": "ok"}, ["c0ffee5"]),
        ({"version": 15}, []),
        ({"version": ""}, []),
        (["1.5.0"], []),
        (None, []),
    ],
)
def test_a_health_document_tells_by_its_usual_names(document: object, values: list[str]) -> None:
    assert [clue.value for clue in clues_of(document, "health")] == values


# --- web fronts

PAGE = """<!doctype html><html><head>
<meta name="App-Version" content="1.5.0"><meta name="viewport" content="width=device-width">
<script src="/_next/static/c0ffee5-build/app.js" defer></script>
<script src="https://cdn.example/other.js"></script><script src="chunk.js"></script>
</head></html>"""


def test_a_page_tells_by_its_meta_elements() -> None:
    assert list(clues_in_page(PAGE)) == [Clue("meta app-version", "1.5.0")]


def test_only_scripts_of_its_own_are_read_and_not_too_many() -> None:
    many = "".join(f'<script src="/{n}.js"></script>' for n in range(100))

    assert scripts_of(PAGE, "https://web.example/login") == [
        "https://web.example/_next/static/c0ffee5-build/app.js",
        "https://web.example/chunk.js",
    ]
    assert len(scripts_of(many, "https://web.example")) == MOST_SCRIPTS


@pytest.mark.parametrize(
    ("script", "values"),
    [
        ("const APP_VERSION = 'v1.5.0';", ["v1.5.0"]),
        ('n.env={NEXT_PUBLIC_APP_VERSION:"1.5.0",NEXT_PUBLIC_API_URL:"https://x"}', ["1.5.0"]),
        ('e["NEXT_PUBLIC_APP_VERSION"]="1.5.0"', ["1.5.0"]),
        ('BUILD_SHA:"c0ffee5"', ["c0ffee5"]),
        ('{version:"1.5.0"}', []),
        ("MY_APP_VERSIONS = '1'", []),
    ],
)
def test_a_script_tells_by_the_names_a_build_fixes(script: str, values: list[str]) -> None:
    assert [clue.value for clue in clues_in_script(script, "app.js")] == values


@pytest.mark.parametrize(
    ("text", "is_hint"),
    [
        (PAGE, True),
        (f'var build="{COMMIT}"', True),
        ('<meta name="generator" content="ChefCloud c0ffee5">', True),
        ('<meta name="generator" content="Next.js 14">', False),
        ('<script src="/_next/static/kX92jd-random/app.js"></script>', False),
        ("c0ffee5", False),  # seven characters anywhere may be anything
    ],
)
def test_only_the_releases_own_commit_is_a_hint(text: str, *, is_hint: bool) -> None:
    assert (hint_in(text, RELEASE, "the page") is not None) is is_hint
