"""Renders the go/no-go page with Jinja; every text is escaped and made harmless here."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from pytest_chefrelease.report.changes import changes
from pytest_chefrelease.report.html import view
from pytest_chefrelease.report.plain import plain
from pytest_chefrelease.report.readable import age, duration
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.record import StageRecord

_HERE = Path(__file__).parent


class Surroundings(Struct, frozen=True):
    """What the page tells besides the record.

    ``earlier`` are the other stages of the same release, ``previous`` the same stage of the
    release before; ``by`` is who ran it: a git user, or the actor of a CI system.
    """

    earlier: Sequence[StageRecord] = ()
    previous: StageRecord | None = None
    by: str = ""


class StageView(Struct, frozen=True):
    """A stage of this release: its verdict, and how long ago it was said."""

    name: str
    decision: str
    age: str
    is_this: bool


def page(record: StageRecord, around: Surroundings | None = None, ordinary: str = "") -> str:
    """The whole page, one file without any request.

    ``ordinary`` is markup of pytest-html for tests that verify no item.
    """
    values = _values(record, around or Surroundings())
    values["ordinary"] = Markup(ordinary)  # noqa: S704 (pytest-html has escaped it)
    return _environment().get_template("page.html").render(values)


def headline(record: StageRecord) -> str:
    """Verdict, reason and response in a few lines, for pytest-html's summary.

    It stays visible only where the whole page could not take the place of pytest-html's.
    """
    return _environment().get_template("headline.html").render(record=record)


def _values(record: StageRecord, around: Surroundings) -> dict[str, object]:
    now = record.finished_at
    found = changes(record, around.previous) if around.previous else []
    troubled = view.troubles(record.results)
    return {
        "record": record,
        "sections": view.sections(record.results, now),
        "troubles": troubled[:_MOST_TROUBLES],
        "more_troubles": max(len(troubled) - _MOST_TROUBLES, 0),
        "counts": view.count_words(record.results),
        "stages": _stages(record, around.earlier),
        "changes": found[:_MOST_CHANGES],
        "more_changes": max(len(found) - _MOST_CHANGES, 0),
        "previous": around.previous,
        "by": around.by,
        "when": now.strftime("%d %b %Y, %H:%M %Z").lstrip("0"),
        "took": duration((record.finished_at - record.started_at).total_seconds()),
    }


_MOST_CHANGES = 12
_MOST_TROUBLES = 8


def _stages(record: StageRecord, earlier: Sequence[StageRecord]) -> list[StageView]:
    known = {other.stage: other for other in earlier} | {record.stage: record}
    return [
        StageView(
            name=stage.value,
            decision=known[stage].verdict.decision.value if stage in known else "pending",
            age=_age(known[stage], record.finished_at) if stage in known else "",
            is_this=stage is record.stage,
        )
        for stage in Stage
    ]


def _age(record: StageRecord, now: datetime) -> str:
    return age(record.finished_at.isoformat(), now)


def prepare() -> None:
    """Load the templates before they are needed; the first time they are compiled."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
        # In a folder that only this user can write; Jinja checks that before it reads.
        bytecode_cache=FileSystemBytecodeCache(),
    )
    environment.filters["age"] = lambda then, now: age(then, now) if then else ""
    environment.filters["duration"] = duration
    script = (_HERE / "filter.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment.globals["script_hash"] = f"'sha256-{digest}'"
    environment.globals["script"] = Markup(script)  # noqa: S704 (ours)
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    environment.globals["css"] = Markup(css)  # noqa: S704 (ours)
    text = (_HERE / "runbook.html").read_text(encoding="utf-8")
    environment.globals["runbook"] = Markup(text)  # noqa: S704 (ours)
    return environment


def _harmless(value: object) -> object:
    return plain(value) if type(value) is str else value


__all__ = ["Surroundings", "headline", "page"]
