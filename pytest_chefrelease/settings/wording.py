"""Says in plain English what is wrong with a setting, and what is allowed.

The value itself is never repeated: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_ALLOWED = {
    "string": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "tuple": "a list",
    "dict": "a table",
    "model": "a table",
}
"""By the first word of pydantic's name for the kind of mistake."""

_BOUNDS = {
    "greater_than": ("too small", "more than {gt:g}"),
    "greater_than_equal": ("too small", "at least {ge:g}"),
    "less_than": ("too large", "less than {lt:g}"),
    "less_than_equal": ("too large", "at most {le:g}"),
    "too_short": ("too short", "at least {min_length} in the list"),
    "string_too_short": ("too short", "at least {min_length} characters"),
}


def sentence(details: Sequence[ErrorDetails], value: object, *, takes_table: bool) -> str:
    """What is wrong with ``value``, and what each of ``details`` would allow in its place.

    ``takes_table`` says that a table stands there rightly.
    """
    if details[0]["type"] == "missing":
        return "is missing; it is needed here"
    allowed = " or ".join(dict.fromkeys(_allowed(detail) for detail in details))
    verb = "" if " allowed" in allowed else " is allowed"
    return f"{_wrong(details[0], value, takes_table=takes_table)}; {allowed}{verb}"


def _wrong(detail: ErrorDetails, value: object, *, takes_table: bool) -> str:
    if detail["type"] in _BOUNDS:
        return _BOUNDS[detail["type"]][0]
    if isinstance(value, str):
        is_about_content = detail["type"] in ("value_error", "literal_error")
        return ("wrong value" if value.strip() else "is empty") if is_about_content else "is text"
    if takes_table and isinstance(value, dict):
        return "wrong table"
    return f"is {_kind(value)}"


def _allowed(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    if kind == "literal_error":
        return re.sub(r"'([^']*)'", r'"\1"', str(context["expected"]))
    if kind in _BOUNDS:
        return _BOUNDS[kind][1].format(**context)
    return _ALLOWED.get(kind.split("_")[0], "another kind of value")


def _kind(value: object) -> str:
    """A value's kind, in TOML's words."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (dict, "a table"),
        ((list, tuple), "a list"),
        ((date, time), "a date or time"),
    )
    return next((name for types, name in kinds if isinstance(value, types)), "of a wrong kind")
