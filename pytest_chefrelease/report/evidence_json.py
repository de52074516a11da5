"""The record of a stage as JSON (``chefrelease/evidence/1``), and back.

Source: DESIGN.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pytest_chefrelease.errors import Malformed
from pytest_chefrelease.report import document as doc
from pytest_chefrelease.report.from_document import from_document, to_result
from pytest_chefrelease.report.json_text import json_bytes, json_text
from pytest_chefrelease.report.to_document import item_entry, to_document
from pytest_chefrelease.runbook.outcome import Result, count
from pytest_chefrelease.runbook.record import StageRecord

_NO_ITEMS = '\n "items": []'
"""Nothing else in the file looks like that: quotes within texts are escaped."""


def to_json(record: StageRecord) -> dict[str, object]:
    """The record as plain JSON data, by the published schema."""
    plain: dict[str, object] = msgspec.to_builtins(to_document(record))
    return plain


def to_text(record: StageRecord) -> str:
    """The record as the text of ``reports/<stage>.json``."""
    return b"".join(to_parts(record)).decode()


def to_parts(record: StageRecord) -> Iterator[bytes]:
    """The same, item by item: so that of a long text no more than a part is in memory."""
    without = to_document(replace(record, results=()))
    frame = json_text(msgspec.structs.replace(without, counts=count(record.results)))
    before, place, after = frame.partition(_NO_ITEMS)
    if not record.results:
        yield frame.encode()
        return
    yield f"{before}{place[:-1]}".encode()
    for number, result in enumerate(record.results):
        item = json_text(item_entry(result)).rstrip().replace("\n", "\n  ")
        yield f"{',' if number else ''}\n  {item}".encode()
    yield f"\n ]{after}".encode()


def result_to_text(result: Result) -> str:
    """One result as JSON text, as it crosses from a pytest-xdist worker."""
    return json_bytes(item_entry(result)).decode()


def result_from_text(text: str | bytes) -> Result:
    """The result behind a text of ``result_to_text``. Raises Malformed."""
    try:
        return to_result(msgspec.json.decode(text, type=doc.ItemEntry))
    except (msgspec.MsgspecError, ValueError) as error:
        raise _malformed(error) from error


def from_json(data: object) -> StageRecord:
    """Rebuild a record from plain JSON data. Raises Malformed, saying what does not fit."""
    try:
        return from_document(msgspec.convert(data, doc.Document))
    except (msgspec.ValidationError, ValueError) as error:
        raise _malformed(error) from error


def from_text(text: str | bytes) -> StageRecord:
    """Rebuild a record from the text of an evidence file. Raises Malformed."""
    try:
        return from_document(msgspec.json.decode(text, type=doc.Document))
    except (msgspec.MsgspecError, ValueError) as error:
        raise _malformed(error) from error


def read(path: Path) -> StageRecord:
    """Rebuild a record from an evidence file. Raises OSError, and Malformed with its name."""
    try:
        return from_text(path.read_bytes())
    except Malformed as error:
        raise Malformed(
            error.seen,
            expected=error.expected,
            where=path.name,
            remedy="Run that stage again: this file is damaged or of another version.",
        ) from error


def _malformed(error: Exception) -> Malformed:
    return Malformed(f"no evidence of this version: {error}", expected=f"schema {doc.SCHEMA}")
