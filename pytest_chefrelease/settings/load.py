"""Loads settings: every mistake at once, each on one line with its place and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel, ValidationError

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.lines import line_of
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.sources import SettingsFile, find_file, overlay

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and the file they came from (None where there is none)."""

    settings: Settings
    path: Path | None


def load_settings(
    directory: Path,
    options: Mapping[str, object],
    environment: Mapping[str, str],
    config: str | None = None,
) -> Loaded:
    """Read and validate settings for a run in ``directory``.

    ``options`` are command-line values by destination, ``config`` is --release-config.
    Raises SettingsError with all mistakes. No network is touched.
    """
    file = find_file(directory, config or environment.get("CHEFRELEASE_RELEASE_CONFIG"))
    data, origins = overlay(file.data if file else {}, options, environment)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        lines = [_mistake(detail, file, origins) for detail in error.errors()]
        raise SettingsError(list(dict.fromkeys(lines))) from None
    return Loaded(settings, file.path if file else None)


def _mistake(
    detail: ErrorDetails, file: SettingsFile | None, origins: Mapping[tuple[str, ...], str]
) -> str:
    key = tuple(part for part in detail["loc"] if not _is_internal(part))
    for path, origin in origins.items():
        if key[: len(path)] == path:
            return f"{origin}: {_what(detail, key)}"
    place = "release.toml"
    if file is not None:
        line = line_of(file.path.read_text(encoding="utf-8"), (*file.table, *key))
        place = f"{file.path.name}:{line}" if line else file.path.name
    return f"{place}: {_dotted(key)}: {_what(detail, key)}"


def _is_internal(part: str | int) -> bool:
    """Whether pydantic put it into a location to name a member of a union."""
    return isinstance(part, str) and (
        part.startswith(("literal[", "function-", "tuple[")) or part in ("constrained-str",)
    )


def _dotted(key: Key) -> str:
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _what(detail: ErrorDetails, key: Key) -> str:
    kind = detail["type"]
    if kind == "extra_forbidden":
        return _unknown_key(key)
    if kind == "missing":
        return "is missing, it is needed here"
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if kind == "value_error":
        return f"wrong value; {message}"
    return f"wrong value; {_plain(message)} is allowed"


def _plain(message: str) -> str:
    return message.removeprefix("a valid ").replace("greater than or equal to", "at least")


def _unknown_key(key: Key) -> str:
    known = _known_keys(key[:-1])
    near = get_close_matches(str(key[-1]), known, n=1, cutoff=0.6)
    if near:
        return f"unknown key; did you mean {near[0]!r}?"
    return f"unknown key; known here: {', '.join(sorted(known))}"


def _known_keys(parents: Key) -> Sequence[str]:
    """The keys that the table at ``parents`` may hold."""
    model: type[BaseModel] | None = Settings
    for part in parents:
        if model is None:
            return []
        field = model.model_fields.get(part) if isinstance(part, str) else None
        if field is not None:
            model = _model_in(field.annotation)
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: object) -> type[BaseModel] | None:
    """The first model within a type such as ``dict[str, Annotated[Endpoint, …]]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
