"""Answers held to a vendor's OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4


def problems(document: Any, path: str, body: object) -> list[str]:  # noqa: ANN401
    """Where a body differs from the document, what it does not name included."""
    closed = _closed(document)
    registry: Registry[Mapping[str, object]] = Registry().with_resource(
        "urn:vendor", DRAFT4.create_resource(closed)
    )
    template = template_of(document, path)
    if template is None:
        return [f"{path} is not documented"]
    pointer = template.replace("/", "~1")
    schema = f"urn:vendor#/paths/{pointer}/get/responses/200/content/application~1json"
    validator = OAS30Validator({"$ref": f"{schema}/schema"}, registry=registry)
    return [f"{each.json_path}: {each.message}" for each in validator.iter_errors(body)]


def operation_of(document: Any, target: str) -> Any:  # noqa: ANN401
    """The GET that a path with its query is a request of; fails where there is none."""
    template = template_of(document, target)
    assert template is not None, f"{target} is not documented"
    return document["paths"][template]["get"]


def template_of(document: Any, target: str) -> str | None:  # noqa: ANN401
    path = target.partition("?")[0]
    for template in document["paths"]:
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            return str(template)
    return None


def _closed(node: Any) -> Any:  # noqa: ANN401
    """A copy in which objects have no more than their named properties."""
    if isinstance(node, list):
        return [_closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    copy = {name: _closed(each) for name, each in node.items()}
    has_names = isinstance(node.get("properties"), dict) or "title" in node
    if has_names and node.get("type") == "object":
        # A name that is only required, and nowhere described, is allowed too.
        known = {name: {} for name in node.get("required", [])} | copy.get("properties", {})
        copy |= {
            "properties": known,
            "additionalProperties": node.get("additionalProperties", False),
        }
    return copy
