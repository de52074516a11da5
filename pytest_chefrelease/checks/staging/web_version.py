"""Which version a web front was built from, read from what it serves.

A build fixes NEXT_PUBLIC_APP_VERSION in its scripts; some write a meta element, or name
the build by the commit. A generator or build id that holds neither says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from pytest_chefrelease.checks.identity import Clue
from pytest_chefrelease.runbook.release import Release

MOST_SCRIPTS = 20

_VERSION_METAS = ("version", "app-version", "application-version", "build-version")
_COMMIT_METAS = ("commit", "revision", "build-sha", "git-commit", "app-commit")
_ASSIGNED = re.compile(
    r"\b(?:NEXT_PUBLIC_)?(?:APP_VERSION|BUILD_VERSION|BUILD_SHA|COMMIT_SHA|GIT_SHA)"
    r"[\"']?\]?\s*[:=]\s*[\"'`]([\w.+-]{1,80})[\"'`]"
)
_BUILD = re.compile(r"/_next/static/([\w.+-]{3,80})/")


@dataclass(slots=True)
class _Head(HTMLParser):
    """Collects the meta elements and script addresses of a document."""

    metas: dict[str, str] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "meta" and told.get("name") and told.get("content"):
            self.metas.setdefault(told["name"].lower(), told["content"].strip()[:80])
        if tag == "script" and told.get("src"):
            self.scripts.append(told["src"])


def scripts_of(html: str, address: str) -> Sequence[str]:
    """The addresses of a document's own scripts, each once, at most twenty."""
    head = _read(html)
    own = urlsplit(address).netloc
    absolute = (urljoin(address, source) for source in head.scripts)
    mine = [url for url in absolute if urlsplit(url).netloc == own]
    return list(dict.fromkeys(mine))[:MOST_SCRIPTS]


def clues_in_page(html: str) -> Iterator[Clue]:
    """What the document says of its version or commit."""
    for name, content in _read(html).metas.items():
        if name in (*_VERSION_METAS, *_COMMIT_METAS):
            yield Clue(f"meta {name}", content)
    yield from clues_in_script(html, "the page")


def clues_in_script(text: str, place: str) -> Iterator[Clue]:
    """The values that a build gave to the usual names."""
    for value in dict.fromkeys(_ASSIGNED.findall(text)):
        yield Clue(place, value)


def hint_in(text: str, release: Release, place: str) -> Clue | None:
    """The release's own commit in a text, or in the name of a build or generator.

    A hint speaks for the release only: its absence says nothing.
    """
    commit = (release.commit or "").lower()
    if len(commit) < 12:
        return None
    if commit[:12] in text:
        return Clue(place, commit)
    names = (*_BUILD.findall(text), _read(text).metas.get("generator", ""))
    if any(commit[:7] in re.findall(r"[0-9a-f]{7,40}", name) for name in names):
        return Clue(f"{place}'s build", commit[:7])
    return None


def _read(html: str) -> _Head:
    head = _Head()
    head.feed(html)
    return head
