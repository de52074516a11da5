"""Vendors' published documents, for doubles: which requests there are, how answers look.

The documents in ``contracts/`` are cut out of the vendors' own, unchanged.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jsonschema

FOLDER = Path(__file__).parent / "contracts"


def read(name: str) -> Any:  # noqa: ANN401 (a vendor's document)
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def openapi_answer(document: Any, target: str, body: object) -> str:  # noqa: ANN401
    """The body as JSON; fails unless the document has the GET and such an answer to it."""
    parts = urlsplit(target)
    for template, methods in document["paths"].items():
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", template)
        if re.fullmatch(pattern, parts.path):
            operation = methods["get"]
            known = {parameter.get("name") for parameter in operation.get("parameters", [])}
            assert set(parse_qs(parts.query)) <= known, f"{target} asks what is not documented"
            schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
            jsonschema.validate(body, {**schema, "components": document["components"]})
            return json.dumps(body)
    raise AssertionError(f"{target} is not documented")


def discovery_answer(document: Any, target: str, body: object) -> str:  # noqa: ANN401
    """The same by a discovery document of Google's, which has one method."""
    (method,) = document["methods"].values()
    parts = urlsplit(target)
    pattern = "/" + re.sub(r"\{[^}]+\}", "[^/]+", method["flatPath"])
    assert re.fullmatch(pattern, parts.path), f"{target} is not documented"
    assert set(parse_qs(parts.query)) <= set(method["parameters"])
    schemas = json.loads(
        re.sub(r'"\$ref": "(\w+)"', r'"$ref": "#/$defs/\1"', json.dumps(document["schemas"]))
    )
    for schema in schemas.values():
        schema.pop("id", None)
        schema["additionalProperties"] = False
    reference = {"$ref": f"#/$defs/{method['response']['$ref']}", "$defs": schemas}
    jsonschema.validate(body, reference)
    return json.dumps(body)
