"""Whatever stands in a file, the answer is settings or a SettingsError, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from pathlib import Path
from types import UnionType
from typing import Annotated, Union, get_args, get_origin

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.load import load_settings, validate
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.places import Places
from pytest_chefrelease.settings.sources import overlay
from pytest_chefrelease.settings.unknown_items import unknown_items


def names_in(annotation: object) -> set[str]:
    """Every key that settings know, at any depth."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        keys = {field.alias or name for name, field in annotation.model_fields.items()}
        fields = annotation.model_fields.values()
        return keys.union(*(names_in(field.annotation) for field in fields))
    if get_origin(annotation) in (Annotated, Union, UnionType, dict, tuple):
        return set().union(*(names_in(inner) for inner in get_args(annotation)))
    return set()


KNOWN = sorted(names_in(Settings) | {"get", "post", "production", "JWT_SECRET"})
keys = st.sampled_from(KNOWN) | st.text(max_size=5)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "P1", "branch", "/health", "https://a.example", "15m", "(", "GET"])
    | st.dates(min_value=date(1, 1, 1))
    | st.times()
    | st.datetimes(timezones=st.none() | st.just(UTC))
    | st.sampled_from([date(2026, 12, 1), time(1), datetime(2026, 12, 1, tzinfo=UTC)])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
tables = st.dictionaries(
    st.sampled_from(sorted(Settings.model_fields)) | st.text(max_size=5), values, max_size=4
)


@given(tables)
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@example({"smoke": {"endpoints": [{"get": {}, "status": [True]}]}})
@example({"ci": {"commands": {"a": {"run": None}}, "required": [[]]}})
def test_any_tables_are_settings_or_refused_line_by_line(data: dict[str, object]) -> None:
    lines = lines_about(lambda: unknown_items(validate(data), ["health.endpoint"]))

    assert [line for line in lines if not line.startswith("release.toml: ")] == []
    assert [line for line in lines if len(line.splitlines()) != 1] == []


def lines_about(read: Callable[[], object]) -> list[str]:
    """What is said about settings; none for those that are right. Nothing else is caught."""
    try:
        found = read()
    except SettingsError as error:
        return list(error.mistakes) or ["a SettingsError without a mistake"]
    return found if isinstance(found, list) else []


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example("a = 1\n[a]\n")
@example('"" = 1')
@example("[[release]]\n")
def test_any_text_is_settings_or_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "release.toml").write_text(text, encoding="utf-8", newline="")

    lines = lines_about(lambda: load_settings(tmp_path, {}, {}))

    assert [line for line in lines if not line.startswith("release.toml")] == []


@given(tables, st.dictionaries(st.sampled_from(["base_url", "watch", "release"]), values))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_options_of_any_kind_over_any_tables_are_settings_or_refused(
    data: dict[str, object], options: dict[str, object]
) -> None:
    merged, origins = overlay(data, options, {})
    lines = lines_about(lambda: validate(merged, Places(None, origins)))

    places = ("release.toml: ", "--base-url: ", "--watch: ", "--release: ")
    assert [line for line in lines if not line.startswith(places)] == []
