"""Writes docs/reference.md from the code: items, settings, options, commands and faults.

``python scripts/reference.py`` writes it; with ``--check`` it only says whether it is current.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.rehearsal.faults import FAULTS
from pytest_chefrelease.report.document import SCHEMA, schema_text
from pytest_chefrelease.report.html.cards import needs
from pytest_chefrelease.runbook.item import Item, Section
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.sources import CONFIG_OPTION, OPTIONS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference.md"
_HEAD = """# Reference

Generated from the code by `make docs`; edit the code, not this page.
"""


def main() -> int:
    """Write the page, or say whether it is current."""
    parts = (_items(), _options(), _settings(), _commands(), _evidence(), _faults())
    text = "\n".join([_HEAD, *(line for part in parts for line in part)]) + "\n"
    if "--check" in sys.argv:
        current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print("docs/reference.md is current" if current else "docs/reference.md is old: make docs")
        return 0 if current else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


def _items() -> Iterator[str]:
    yield "## Items\n"
    yield "R: prerelease, T: postrelease, M: monitoring. QC: line of the ten-line quick check.\n"
    items = [check.item for check in catalogue().values()]
    for section in Section:
        members = [item for item in items if item.section is section]
        if not members:
            continue
        yield f"### {section.value}\n"
        yield from _item_table(members)
        yield ""


def _item_table(members: list[Item]) -> Iterator[str]:
    letters = {"prerelease": "R", "postrelease": "T", "monitoring": "M"}
    yield (
        "| item | what it verifies, and how | stages | severity | QC "
        "| needs to have seen | shown by faults |"
    )
    yield "|---|---|---|---|---|---|---|"
    for item in members:
        stages = " ".join(letters[stage.value] for stage in item.stages)
        severity = item.severity.value + ("" if item.blocking else ", advisory")
        severity += ", if configured" if item.if_configured else ""
        line = str(item.quick_check or "")
        told = f"{item.title}. {_rule(item)}".strip()
        shown = ", ".join(f"`{fault.name}`" for fault in FAULTS if item.id in fault.items)
        yield _row(f"`{item.id}`", told, stages, severity, line, needs(item.minimum), shown)


def _rule(item: Item) -> str:
    """The first paragraph of what the check's own docstring says."""
    text = catalogue()[item.id].verify.__doc__ or ""
    return " ".join(text.partition("\n\n")[0].split())


def _options() -> Iterator[str]:
    yield "## Options\n"
    yield "The command line wins, then the environment, then the file, then the defaults.\n"
    yield "| option | environment | release.toml | meaning |"
    yield "|---|---|---|---|"
    for option in (*OPTIONS, CONFIG_OPTION):
        name = f"`{option.name}{' ' + option.metavar if option.metavar else ''}`"
        key = f"`{'.'.join(option.key)}`" if option.key else ""
        yield _row(name, f"`{option.variable}`", key, option.help)
    yield ""


def _settings() -> Iterator[str]:
    yield "## Settings\n"
    yield from _table("", Settings)


def _table(prefix: str, model: type[BaseModel]) -> Iterator[str]:
    own = []
    inner: list[tuple[str, type[BaseModel]]] = []
    for name, field in model.model_fields.items():
        key = field.alias or name
        found = _model_in(field.annotation)
        path = f"{prefix}.{key}" if prefix else key
        if found is not None and prefix.count(".") < 3:
            is_many = get_origin(field.annotation) in (dict, tuple)
            inner.append((f"{path}.NAME" if is_many else path, found))
        if found is None or prefix:
            own.append((key, _type_words(field.annotation), _default_words(field.default)))
    if prefix:
        yield f"### [{prefix}]\n"
        yield " ".join((model.__doc__ or "").split()) + "\n"
        yield "| key | type | default |"
        yield "|---|---|---|"
        yield from (_row(f"`{key}`", kind, default) for key, kind, default in own)
        yield ""
    for path, found in inner:
        yield from _table(path, found)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = (_model_in(inner) for inner in get_args(annotation))
    return next((model for model in models if model is not None), None)


def _type_words(annotation: object) -> str:
    words = {str: "text", int: "number", float: "number", bool: "true or false"}
    if isinstance(annotation, type) and not get_args(annotation):
        if issubclass(annotation, BaseModel):
            return "table"
        return words.get(annotation, "duration" if annotation is timedelta else annotation.__name__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f"list of {_type_words(arguments[0])}"
    if origin is dict:
        return f"table of {_type_words(arguments[1])}"
    if isinstance(annotation, types.UnionType):
        parts = dict.fromkeys(_type_words(a) for a in arguments if a is not type(None))
        return " or ".join(parts)
    if arguments and all(isinstance(a, str) for a in arguments):
        return " or ".join(f"`{a}`" for a in arguments)
    return _type_words(arguments[0]) if arguments else "value"


def _default_words(default: object) -> str:
    if default is PydanticUndefined or isinstance(default, BaseModel):
        return ""
    if isinstance(default, timedelta):
        seconds = default.total_seconds()
        for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
            if seconds >= size and seconds % size == 0:
                return f"`{seconds / size:g}{unit}`"
        return f"`{seconds * 1000:g}ms`"
    if default is None or default in ((), {}):
        return "none"
    if isinstance(default, tuple):
        shown = ", ".join(str(getattr(each, "name", each)) for each in default)
        return f"`{shown}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _commands() -> Iterator[str]:
    yield "## Commands\n"
    for name, command in sorted(chefrelease.commands.items()):
        context = click.Context(command, info_name=f"chefrelease {name}", terminal_width=100)
        yield f"### chefrelease {name}\n"
        yield f"```text\n{command.get_help(context)}\n```\n"


def _evidence() -> Iterator[str]:
    """The document's tables by the JSON Schema that the package ships."""
    yield "## JSON\n"
    yield f"`reports/STAGE.json` is `{SCHEMA}`. The schema is shipped in the package:"
    yield "`pytest_chefrelease/report/schema/`.\n"
    for name, model in sorted(json.loads(schema_text())["$defs"].items()):
        if "properties" not in model:
            continue
        yield f"### {name}\n"
        yield "| key | type | always there |"
        yield "|---|---|---|"
        for key, schema in model["properties"].items():
            always = "yes" if key in model.get("required", ()) else ""
            yield _row(f"`{key}`", _schema_words(schema), always)
        yield ""


def _schema_words(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_schema_words(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_schema_words(schema['items'])}" if schema.get("items") else "list"
    words = {"string": "text", "null": "nothing", "object": "table", "boolean": "true or false"}
    return words.get(str(schema.get("type", "any")), str(schema.get("type", "any")))


def _faults() -> Iterator[str]:
    yield "## Faults of the rehearsal\n"
    yield "`chefrelease rehearse --fault NAME`: what it breaks, and what the gate then says.\n"
    yield "| fault | what is broken | red | not verified | verdict | response |"
    yield "|---|---|---|---|---|---|"
    for fault in FAULTS:
        red, unverified = ", ".join(fault.red), ", ".join(fault.unverified)
        yield _row(
            f"`{fault.name}`",
            fault.title,
            red,
            unverified,
            _word(fault.verdict),
            _word(fault.action),
        )


def _word(value: object) -> str:
    return str(value.value) if isinstance(value, Enum) else str(value or "")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


if __name__ == "__main__":
    sys.exit(main())
