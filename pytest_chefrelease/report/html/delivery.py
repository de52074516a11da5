"""Delivers the page in the file that pytest-html wrote.

pytest-html draws its rows in the browser from one JSON blob, under a template that has no
language, no landmarks and a least width. So its file is replaced, in one step: by our page
alone where it shows no ordinary test, else by our page with pytest-html's table in it.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

from pytest_chefrelease.report.atomic import write_atomically
from pytest_chefrelease.report.html.render import Surroundings, page
from pytest_chefrelease.report.plain import plain
from pytest_chefrelease.runbook.record import StageRecord

_BLOB = re.compile(r'data-jsonblob="([^"]*)"')
_BODY = re.compile(r"<body>(.*)</body>", re.DOTALL)
_HEAD = re.compile(r'\s*<h1 id="title">.*?</h1>\s*<p>Report generated.*?</p>', re.DOTALL)
_PREFIX = re.compile(r"<!--chefrelease-->.*?<!--/chefrelease-->", re.DOTALL)
_FILTER = re.compile(
    r'<input ([^>]*class="filter"[^>]*)>\s*<span class="(\w+)">([^<]*?),?</span>', re.DOTALL
)


def finish_html(
    path: Path,
    record: StageRecord,
    around: Surroundings | None = None,
    *,
    redact: Callable[[str], str] = str,
) -> None:
    """Put the page where pytest-html wrote its own, or anew where it wrote nothing.

    ``redact`` is applied to what ordinary tests say. Raises OSError; the file is then as
    pytest-html left it, with the verdict in its summary.
    """
    ordinary = ordinary_tests(_written(path), redact)
    write_atomically(path, page(record, around, ordinary))


def _written(path: Path) -> str:
    """What pytest-html wrote; empty where it wrote nothing."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def ordinary_tests(written: str, redact: Callable[[str], str] = str) -> str:
    """pytest-html's markup for tests that verify no item; empty where there are none."""
    blob, content = _BLOB.search(written), _BODY.search(written)
    if blob is None or content is None:
        return ""
    data = json.loads(html.unescape(blob.group(1)))
    if not data.get("tests"):
        return ""
    data["environment"] = {}  # names CI variables, and is drawn as broken lists
    clean = html.escape(json.dumps(_redacted(data, redact)))
    markup = _HEAD.sub("", _PREFIX.sub("", content.group(1)), count=1)
    markup = _BLOB.sub(lambda _match: f'data-jsonblob="{clean}"', markup, count=1)
    markup = _FILTER.sub(r'<label><input \1> <span class="\2">\3</span></label>', markup)
    return markup.replace('<img src="" />', '<img src="" alt="">')


def _redacted(value: object, redact: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return plain(redact(value))
    if isinstance(value, list):
        return [_redacted(each, redact) for each in value]
    if isinstance(value, dict):
        return {redact(str(key)): _redacted(each, redact) for key, each in value.items()}
    return value
