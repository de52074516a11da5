"""Answers made up from vendors' OpenAPI documents: as documented, and here and there not quite."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from tests.rehearsal.openapi import template_of

CONTRACTS = Path(__file__).parents[1] / "rehearsal/contracts"
PREFIXES = {
    "github.openapi": "",
    "sentry.openapi": "",
    "fly.openapi": "/v1",
    "render.openapi": "/v1",
    "prometheus.openapi": "/api/v1",
    "alertmanager.swagger2": "/api/v2",
    "loki": "/loki/api/v1",
}
"""Each document, and where its paths begin."""

_TIME = re.compile("date|time|seen|event$|_?(at|At)$")
_DEEPEST = 9
_LARGE: tuple[object, ...] = (-1, 0, 2**31, 2**63, 10**30, 10**400, 1e308, -1e308, True)
_TEXTS: tuple[object, ...] = (
    *("", "\ud800", "\0", "<b>", "9" * 30, "-1", "1e309", "NaN", "x" * 5_000, "soon", "\xb2"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-24T10:30:00"),
)
_OTHER: tuple[object, ...] = (*_LARGE, *_TEXTS, None, [], {}, [[]], {"a": {}}, 0.5)
_NUMBERS = ("0", "1", "0.5", "100", "NaN", "+Inf", "1e309")
_STATUSES = (200, 200, 200, 200, 200, 200, 200, 200, 204, 302, 401, 403, 404, 422, 429, 500)
_HEADERS: tuple[tuple[str, str], ...] = (
    *(("retry-after", "\xb2"), ("retry-after", "9" * 30), ("x-ratelimit-reset", "9" * 30)),
    *(("x-ratelimit-remaining", "0"), ("link", '<>; rel="next"; results="true"; cursor="a"')),
    *(("link", '<http://127.0.0.1:9/x>; rel="next"'), ("location", "//["), ("etag", "\xff")),
    *(("content-type", "text/html"), ("content-type", "application/json; charset=utf-16")),
)


_TWO_TEXTS = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "string"}}
_STREAM = {
    "type": "object",
    "required": ["stream", "values"],
    "properties": {
        "stream": {"type": "object", "additionalProperties": {"type": "string"}},
        "values": {"type": "array", "items": _TWO_TEXTS},
    },
}
_LINES = {
    "type": "object",
    "required": ["resultType", "result"],
    "properties": {
        "resultType": {"enum": ["streams", "matrix"]},
        "result": {"type": "array", "items": _STREAM},
    },
}
_SUCCESS = {
    "type": "object",
    "required": ["status", "data"],
    "properties": {"status": {"enum": ["success"]}, "data": _LINES},
}
_LOKI = {"paths": {"/query_range": {"get": {"responses": {"200": {"schema": _SUCCESS}}}}}}
"""Loki publishes no such document; this is what its pages say of ``query_range``."""


@cache
def document(name: str) -> Any:  # noqa: ANN401
    """A vendor's document, by its file's name."""
    if name == "loki":
        return _LOKI
    return json.loads((CONTRACTS / f"{name}.json").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class MadeUp:
    """An answer of no vendor's: its status, headers and body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Inventor:
    """Makes answers up; ``wild`` is the share of values that are not as documented.

    ``hints`` are words for texts of a name, which most such texts then are.
    """

    rnd: Random
    words: Sequence[str]
    wild: float = 0.0
    hints: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def answer(self, path: str) -> MadeUp:
        """What might come for a path; any JSON where no document names it."""
        status = self.rnd.choice(_STATUSES) if self.wild else 200
        headers = dict([self.rnd.choice(_HEADERS)]) if self._is_wild(5) else {}
        body = json.dumps(self.body(path)).encode()
        if self._is_wild(3):
            body = body[: self.rnd.randrange(len(body) + 1)]
        return MadeUp(status, {"content-type": "application/json"} | headers, body)

    def body(self, path: str) -> object:
        """The JSON of a successful answer."""
        for name, prefix in PREFIXES.items():
            whole = document(name)
            template = template_of(whole, path.removeprefix(prefix))
            if path.startswith(prefix) and template is not None:
                told = whole["paths"][template]["get"]["responses"]["200"]
                schema = told.get("schema") or told["content"]["application/json"]["schema"]
                return self._value(whole, schema, "", 0)
        return {self._word(): self.rnd.choice(_OTHER) for _ in range(3)}

    def _is_wild(self, times: float = 1) -> bool:
        return self.rnd.random() < self.wild * times

    def _value(self, whole: Any, schema: Any, name: str, depth: int) -> object:  # noqa: ANN401
        if self._is_wild(0.3):
            return self.rnd.choice(_OTHER)
        while "$ref" in schema:
            target = whole
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[int(part) if isinstance(target, list) else part.replace("~1", "/")]
            schema = target
        if (schema.get("nullable") or schema.get("x-nullable")) and self.rnd.random() < 0.3:
            return None
        if "enum" in schema:
            return self.rnd.choice(schema["enum"])
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return self._value(whole, self.rnd.choice(schema[key]), name, depth)
        if "allOf" in schema:
            parts = [self._value(whole, each, name, depth) for each in schema["allOf"]]
            dicts = [part for part in parts if isinstance(part, dict)]
            return {k: v for part in dicts for k, v in part.items()} if dicts else parts[0]
        return self._of_type(whole, schema, name, depth)

    def _of_type(self, whole: Any, schema: Any, name: str, depth: int) -> object:  # noqa: ANN401
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = self.rnd.choice(kind) if isinstance(kind, list) else kind
        if kind == "object":
            return self._object(whole, schema, depth)
        if kind == "array":
            least = schema.get("minItems", 0)
            count = max(least, self.rnd.choice((0, 1, 1, 2)) if depth < _DEEPEST else 0)
            each = schema.get("items", {})
            if least == 2 and "oneOf" in each:  # Prometheus' pairs: first a number, then a text
                return [self._value(whole, one, name, depth + 1) for one in each["oneOf"]]
            return [self._value(whole, each, name, depth + 1) for _ in range(count)]
        if self._is_wild():
            return self.rnd.choice(_LARGE if kind in ("integer", "number") else _TEXTS)
        return {
            "integer": lambda: self.rnd.choice((0, 1, 2, 200, 10**9, 1_795_500_000_000)),
            "number": lambda: self.rnd.choice((0.0, 0.5, 1.0, 99.5, 1_795_500_000.123)),
            "boolean": lambda: self.rnd.random() < 0.5,
            "null": lambda: None,
        }.get(kind, lambda: self._text(schema, name))()

    def _object(self, whole: Any, schema: Any, depth: int) -> dict[str, object]:  # noqa: ANN401
        required = set(schema.get("required", ()))
        optional = 0.6 if depth < 3 else 0.3 if depth < _DEEPEST else 0.0
        made = {
            name: self._value(whole, each, name, depth + 1)
            for name, each in schema.get("properties", {}).items()
            if (name in required or self.rnd.random() < optional) and not self._is_wild()
        }
        others = schema.get("additionalProperties")
        others = {"type": "string"} if others is True else others
        if others and depth < _DEEPEST:
            for key in (self._word() for _ in range(self.rnd.randrange(3))):
                made[key] = self._value(whole, others, key, depth + 1)
        return made

    def _text(self, schema: Any, name: str) -> str:  # noqa: ANN401
        if name in self.hints and self.rnd.random() < 0.9:
            return self.rnd.choice(self.hints[name])
        if name == "value":
            return self.rnd.choice(_NUMBERS)
        if name == "values":  # Loki's pairs of a time in nanoseconds and a line
            ago_s = self.rnd.choice((0, 5, 60))
            return str(int((time.time() - ago_s) * 1e9))
        if schema.get("format") == "date-time" or _TIME.search(name):
            ago = timedelta(seconds=self.rnd.choice((0, 60, 3600, 10**6, 10**8)))
            return (datetime.now(UTC) - ago).isoformat().replace("+00:00", "Z")
        return self._word()

    def _word(self) -> str:
        return self.rnd.choice(self.words)
