"""What a test of the glue works with: an application's state, and a finished run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_chefrelease.checks.declare import catalogue


@dataclass
class Application:
    """An API whose health endpoint says what a test lets it say; ``pages`` are more paths."""

    url: str = ""
    status: int = 200
    health: dict[str, object] = field(default_factory=dict)
    delay: threading.Event | None = None
    requests: list[str] = field(default_factory=list)
    visitors: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        well = {
            "status": "ok",
            "timestamp": datetime.now(UTC).isoformat(),
            "uptime": 12,
            "version": "1.5.0",
            "services": {"database": "up"},
        }
        return well | self.health


@dataclass
class Ran:
    """What a run of the gate left behind."""

    code: int
    text: str
    folder: Path

    def record(self, stage: str = "postrelease") -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.folder / "reports" / f"{stage}.json").read_text(encoding="utf-8")
        )
        return found

    @property
    def last_line(self) -> str:
        return self.text.rstrip().splitlines()[-1]


Gate = Callable[..., Ran]


def only_health(
    pytester: pytest.Pytester, more: str = "", also: str | tuple[str, ...] = ()
) -> None:
    """A project for which every item but the health endpoint (and ``also``) is taken out."""
    wanted = ("health.endpoint", *((also,) if isinstance(also, str) else also))
    left_out = [item_id for item_id in catalogue() if item_id not in wanted]
    lines = ["[release]", 'version = "v1.5.0"', "[not_applicable]"]
    lines += [f'"{item_id}" = "this test looks at health only"' for item_id in left_out]
    text = "\n".join(lines) + "\n" + more
    pytester.path.joinpath("release.toml").write_text(text, encoding="utf-8")
