"""Each key is found on its line, in whatever form TOML allows."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.settings.lines import line_of, lines_of
from pytest_chefrelease.settings.places import dotted
from tests.settings.writing import mistakes

DOCUMENT = """\
# a comment = 1
title = "x"
a.b.c = 1
"quo.ted" = { inner = 1, 'list' = [1, { deep = 2 }] }
list = [
  # nothing here
  1,
  { two = 2 },
]

[table]
text = \"\"\"
[not.a.table]
key = 1
\"\"\"
after = 1

[ sub . "ü ñ" . table ]
key = 1

[[array]]
n = 1
[array.inner]
m = 1
[[array]]
n.o = 1
[[array.nested]]
p = 1
[[array.nested]]
p = 2

[sub.other]
key = 2
"""

FOUND = {
    ("title",): 2,
    ("a", "b", "c"): 3,
    ("a",): 3,
    ("quo.ted",): 4,
    ("quo.ted", "list", 1, "deep"): 4,
    ("list",): 5,
    ("list", 0): 7,
    ("list", 1, "two"): 8,
    ("table",): 11,
    ("table", "text"): 12,
    ("table", "after"): 16,
    ("sub", "ü ñ", "table", "key"): 19,
    ("sub",): 18,
    ("array",): 21,
    ("array", 0): 21,
    ("array", 0, "n"): 22,
    ("array", 0, "inner", "m"): 24,
    ("array", 1): 25,
    ("array", 1, "n", "o"): 26,
    ("array", 1, "nested", 0, "p"): 28,
    ("array", 1, "nested", 1, "p"): 30,
    ("sub", "other", "key"): 33,
    # what does not stand there is shown where it would belong
    ("array", 1, "missing"): 25,
    ("table", "missing", "deeper"): 11,
}


@pytest.mark.parametrize(("path", "line"), FOUND.items(), ids=str)
def test_a_key_is_found_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(DOCUMENT, path) == line


def test_what_stands_nowhere_has_no_line() -> None:
    assert line_of(DOCUMENT, ("missing", "deeper")) is None


def test_every_key_that_tomllib_reads_has_a_line() -> None:
    lines = lines_of(DOCUMENT)

    assert [path for path in paths_in(tomllib.loads(DOCUMENT)) if path not in lines] == []


def paths_in(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The path of every key and element below ``value``."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [p for key, v in inner for p in ((*path, key), *paths_in(v, (*path, key)))]


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True))
def test_a_key_of_any_characters_is_found(names: list[str]) -> None:
    basic = [dotted((name,)) for name in names]
    text = "\n".join(f"{name} = 1" for name in basic)
    read = tomllib.loads(text)

    assert [line_of(text, (name,)) for name in read] == list(range(1, len(names) + 1))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("release = { versoin = 1 }", "1: release.versoin"),
        ("release.versoin = 1", "1: release.versoin"),
        ("\nrelease . 'versoin' = 1", "2: release.versoin"),
        ('["release"]\n"versoin" = 1', "2: release.versoin"),
        ("[environments]\nproduction.apii = 1", "2: environments.production.apii"),
        ("[environments.'ünï côde']\napii = 1", '2: environments."ünï côde".apii'),
        ("waivers = [\n  { itme = 1 },\n]", "2: waivers[0].itme"),
        ("[[waivers]]\n[[waivers]]\nitme = 1", "3: waivers[1].itme"),
    ],
)
def test_a_mistake_is_found_in_every_form_of_toml(tmp_path: Path, text: str, line: str) -> None:
    found = [m for m in mistakes(tmp_path, text) if "unknown key" in m]

    assert [m.partition(": unknown key")[0] for m in found] == [f"release.toml:{line}"]
