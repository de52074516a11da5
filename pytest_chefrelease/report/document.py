"""The shape of ``reports/<stage>.json``, typed; its JSON Schema is derived from these types.

Source: DESIGN.md section 6. The fields that the design names are always there; the others
are left out where they are empty, and readers ignore what they do not know.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

SCHEMA = "chefrelease/evidence/1"
Scalar = str | int | float | bool | None
WireFact = str | int | float | bool | list[Scalar | dict[str, Scalar]] | dict[str, Scalar] | None
Time = Annotated[str, Meta(description="ISO 8601 with time zone")]
Seconds = Annotated[float, Meta(ge=0, description="seconds")]
Outcome = Literal["passed", "failed", "unverified", "not-applicable", "waived", "shadow"]
LineOutcome = Outcome | Literal["pending"]
Severity = Literal["P1", "P2", "P3"]


class ReleaseEntry(Struct, frozen=True):
    """The identity that every piece of evidence of this run carries."""

    version: str | None
    commit: str | None
    environment: str
    image: str | None = None
    previous_version: str | None = None
    problem: str | None = None


class ResponseEntry(Struct, frozen=True):
    """What the runbook says to do now; the commands are printed, never run."""

    action: str
    reason: str
    within: str | None
    commands: list[str]


class LineEntry(Struct, frozen=True):
    """A line of the ten-line quick check, over all stages of this release."""

    line: Annotated[int, Meta(ge=1)]
    text: str
    outcome: LineOutcome
    stage: str | None = None
    observed_at: str | None = None


class TextEntry(Struct, frozen=True, tag="text", tag_field="kind"):
    """A piece of text that was seen."""

    title: str
    content: str


class PictureEntry(Struct, frozen=True, tag="picture", tag_field="kind"):
    """A picture; ``data`` is base64."""

    title: str
    media_type: str
    data: str


class TableEntry(Struct, frozen=True, tag="table", tag_field="kind"):
    """Rows of text under column names."""

    title: str
    columns: list[str]
    rows: list[list[str]]


class ChartEntry(Struct, frozen=True, tag="chart", tag_field="kind"):
    """Points over time: (seconds since start, value)."""

    title: str
    unit: str
    points: list[tuple[float, float]]
    limit: float | None = None
    band: tuple[float, float] | None = None


class TimelineEntry(Struct, frozen=True, tag="timeline", tag_field="kind"):
    """States of one signal: (seconds since start, state, what was seen)."""

    title: str
    length_s: float
    marks: list[tuple[float, str, str]]


AttachmentEntry = TextEntry | PictureEntry | TableEntry | ChartEntry | TimelineEntry


class MinimumEntry(Struct, frozen=True, omit_defaults=True):
    """What the item must have seen before it may pass."""

    counts: dict[str, int | float] = {}
    facts: list[str] = []
    max_age_s: float | None = None
    of_release: bool = False


class ItemEntry(Struct, frozen=True, kw_only=True):
    """The outcome of one check: an item with one parameter."""

    id: str
    parameter: str | None
    nodeid: str
    title: str
    stage: str
    severity: Severity
    blocking: bool
    outcome: Outcome
    summary: str
    facts: dict[str, WireFact]
    source: str | None
    observed_at: Time | None
    duration_s: Seconds
    remedy: str
    section: str
    quick_check: int | None
    expected: str | msgspec.UnsetType = msgspec.UNSET
    seen: str | msgspec.UnsetType = msgspec.UNSET
    where: str | msgspec.UnsetType = msgspec.UNSET
    evidence: str | msgspec.UnsetType = msgspec.UNSET
    commit: str | msgspec.UnsetType = msgspec.UNSET
    symptom: str | msgspec.UnsetType = msgspec.UNSET
    manual: bool | msgspec.UnsetType = msgspec.UNSET
    minimum: MinimumEntry | msgspec.UnsetType = msgspec.UNSET
    attachments: list[AttachmentEntry] | msgspec.UnsetType = msgspec.UNSET


class TargetEntry(Struct, frozen=True):
    """A system that the run looked at."""

    name: str
    address: str


class ConfigurationEntry(Struct, frozen=True):
    """The settings file of the run, by name and digest of its bytes."""

    name: str
    sha256: str


class LimitEntry(Struct, frozen=True, omit_defaults=True):
    """A limit of settings by which the run judged; null is none, times are in seconds."""

    key: str
    looser: Literal["higher", "lower", "more", "fewer"]
    value: float | list[str] | None
    unit: Literal["", "s", "flag"] = ""


class RunEntry(Struct, frozen=True, omit_defaults=True):
    """How the run went: what merging shards and attesting need beside the items."""

    shard: Annotated[str, Meta(pattern="^[1-9][0-9]*/[1-9][0-9]*$")] | None = None
    left_out: list[str] = []
    interrupted: str | None = None
    foreign_failures: Annotated[int, Meta(ge=0)] = 0
    allow_unverified: bool = False
    waiver_limit: int | None = None
    configuration: ConfigurationEntry | None = None


class Document(Struct, frozen=True, kw_only=True):
    """One run of one stage of the release gate: verdict, response, board, and every item."""

    schema: Literal["chefrelease/evidence/1"]
    release: ReleaseEntry
    stage: str
    started_at: Time
    finished_at: Time
    verdict: Literal["GO", "NO-GO", "HOLD"]
    sentence: Annotated[str, Meta(description="why, in one sentence")]
    to_go: Annotated[str, Meta(description="the least that would make it GO; empty when it is")]
    response: ResponseEntry
    quick_check: list[LineEntry]
    items: list[ItemEntry]
    counts: Annotated[dict[str, int], Meta(description="number of items for each outcome")]
    targets: list[TargetEntry] = []
    notes: list[str] = []
    run: RunEntry = RunEntry()
    limits: list[LimitEntry] = []


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of the document, as it is shipped in ``schema/``."""
    schema: dict[str, object] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:chefrelease:evidence:1",
        "title": "Evidence of one stage of a release",
    }
    return json.dumps(schema | msgspec.json.schema(Document), indent=1) + "\n"
