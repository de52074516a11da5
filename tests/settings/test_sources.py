"""The command line wins, then the environment, then the file, then the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pytest_chefrelease.settings.load import load_settings
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.sources import OPTIONS, Option
from tests.settings.writing import load, mistakes


@dataclass(frozen=True)
class Case:
    """An option with a value from each source, and what settings make of it."""

    file: str
    environment: str
    option: object
    in_settings: tuple[object, object, object, object]
    """From the defaults, the file, the environment, the command line."""


CASES = {
    "--base-url": Case(
        '[environments.production]\napi = "https://file.example"',
        "https://env.example",
        "https://line.example/",
        (None, "https://file.example", "https://env.example", "https://line.example"),
    ),
    "--web-url": Case(
        '[environments.production]\nweb = "https://file.example"',
        "https://env.example",
        "https://line.example",
        (None, "https://file.example", "https://env.example", "https://line.example"),
    ),
    "--watch": Case(
        '[monitoring]\nwatch = "5m"',
        "20s",
        "3m",
        (
            timedelta(minutes=15),
            timedelta(minutes=5),
            timedelta(seconds=20),
            timedelta(minutes=3),
        ),
    ),
    "--allow-unverified": Case(
        "[verdict]\nallow_unverified = true",
        "0",
        option=True,
        in_settings=(False, True, False, True),
    ),
    "--release": Case('[release]\nversion = "v1"', "v2", "v3", (None, "v1", "v2", "v3")),
    "--release-env": Case(
        '[release]\nenvironment = "one"', "two", "three", ("production", "one", "two", "three")
    ),
    "--release-item": Case(
        '[release]\nitems = ["a.*"]',
        "b.*, c.*",
        ["d.*"],
        ((), ("a.*",), ("b.*", "c.*"), ("d.*",)),
    ),
    "--release-reports": Case(
        '[report]\ndirectory = "one"', "two", "three", ("reports", "one", "two", "three")
    ),
    "--release-ctrf": Case('[report]\nctrf = "one"', "two", "three", (None, "one", "two", "three")),
    "--release-sarif": Case(
        '[report]\nsarif = "one"', "two", "three", (None, "one", "two", "three")
    ),
    "--release-junit": Case(
        '[report]\njunit = "plain"', "github", "azure", (None, "plain", "github", "azure")
    ),
    "--release-shard": Case('[release]\nshard = "1/4"', "2/4", "3/4", (None, "1/4", "2/4", "3/4")),
    "--release-deployed-at": Case(
        "[release]\ndeployed_at = 2026-11-24T10:30:00Z",
        "2026-11-24T11:30:00Z",
        "2026-11-24T13:30:00+01:00",
        (
            None,
            datetime(2026, 11, 24, 10, 30, tzinfo=UTC),
            datetime(2026, 11, 24, 11, 30, tzinfo=UTC),
            datetime(2026, 11, 24, 12, 30, tzinfo=UTC),
        ),
    ),
}


def value_of(settings: Settings, option: Option) -> object:
    """What settings hold at the place of an option."""
    key = [settings.release.environment if k == "{environment}" else k for k in option.key]
    value: object = settings
    for part in key:
        if isinstance(value, Mapping):
            value = value.get(part)
        elif value is not None:
            value = getattr(value, part)
    return value


def test_every_option_has_a_case() -> None:
    assert list(CASES) == [option.name for option in OPTIONS]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
@pytest.mark.parametrize("sources", range(8), ids=lambda bits: f"{bits:03b}")
def test_the_nearer_source_wins(tmp_path: Path, option: Option, sources: int) -> None:
    case = CASES[option.name]
    has_line, has_environment, has_file = (bool(sources & bit) for bit in (4, 2, 1))

    loaded = load(
        tmp_path,
        case.file if has_file else "",
        options={option.dest: case.option} if has_line else {option.dest: None},
        environment={option.variable: case.environment} if has_environment else {},
    )

    winner = 3 if has_line else 2 if has_environment else 1 if has_file else 0
    assert value_of(loaded.settings, option) == case.in_settings[winner]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_an_empty_variable_is_an_unset_one(tmp_path: Path, option: Option) -> None:
    loaded = load(tmp_path, CASES[option.name].file, environment={option.variable: ""})

    assert value_of(loaded.settings, option) == CASES[option.name].in_settings[1]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_mistake_on_the_command_line_names_the_option(tmp_path: Path, option: Option) -> None:
    found = mistakes(tmp_path, CASES[option.name].file, options={option.dest: {"a": 1}})

    assert [line.partition(";")[0] for line in found] == [f"{option.name}: is a table"]


@pytest.mark.parametrize(
    ("variable", "line"),
    [
        ("BASE_URL", "an address with scheme and host, such as https://api.example, is allowed"),
        ("WATCH", "a duration such as 500ms, 20s, 15m, 24h or 90d is allowed"),
        ("ALLOW_UNVERIFIED", "true or false is allowed"),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable_first(
    tmp_path: Path, variable: str, line: str
) -> None:
    environment = {f"CHEFRELEASE_{variable}": "maybe"}

    found = mistakes(tmp_path, "[release]\nversoin = 1", environment=environment)

    assert found[0].startswith(f"CHEFRELEASE_{variable}: ")
    assert found[0].endswith(line)
    assert found[1].startswith("release.toml:2: ")


@pytest.mark.parametrize("word", ["1", "true", "TRUE", "yes", "on"])
def test_words_for_yes_set_a_flag(tmp_path: Path, word: str) -> None:
    loaded = load(tmp_path, environment={"CHEFRELEASE_ALLOW_UNVERIFIED": word})

    assert loaded.settings.verdict.allow_unverified


def test_the_url_goes_to_the_environment_that_is_released_to(tmp_path: Path) -> None:
    loaded = load(
        tmp_path,
        '[environments.staging]\napi = "https://a.example"\nweb = "https://w.example"',
        options={"release_env": "staging", "base_url": "https://b.example"},
    )

    assert loaded.settings.target.api == "https://b.example"
    assert loaded.settings.target.web == "https://w.example"


def test_a_line_in_place_of_a_table_is_named_although_an_option_goes_there(tmp_path: Path) -> None:
    found = mistakes(tmp_path, "environments = 5", options={"base_url": "https://a.example"})

    assert found == ["release.toml:1: environments: is a whole number; a table is allowed"]


def test_a_wrong_line_that_an_option_replaces_is_no_mistake(tmp_path: Path) -> None:
    loaded = load(tmp_path, "[monitoring]\nwatch = 5", options={"watch": "5m"})

    assert loaded.settings.monitoring.watch == timedelta(minutes=5)


def test_the_file_is_named_by_the_line_then_by_the_environment(tmp_path: Path) -> None:
    for name in ("line", "environment"):
        (tmp_path / f"{name}.toml").write_text(f'[release]\nversion = "{name}"')
    (tmp_path / "release.toml").write_text('[release]\nversion = "default"')
    variable = {"CHEFRELEASE_RELEASE_CONFIG": "environment.toml"}

    seen = [
        load_settings(tmp_path, {}, environment, config).settings.release.version
        for environment, config in (
            (variable, "line.toml"),
            (variable, None),
            ({"CHEFRELEASE_RELEASE_CONFIG": ""}, None),
        )
    ]

    assert seen == ["line", "environment", "default"]
