"""Checks run where every HTTP answer is made up, without a socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.http import HttpProbe, _Bounds
from pytest_chefrelease.probes.http_answer import Answer
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.trust.documents import MadeUp

LIMIT_S = 5.0
"""What a check may take; one that takes longer hangs."""


@dataclass(slots=True)
class _Invented(HttpProbe):
    """A client whose every answer is made up from the path."""

    answer: Callable[[str], MadeUp] = field(kw_only=True)

    async def _once(
        self, method: str, url: str, sent: Mapping[str, str], body: bytes | None, bounds: _Bounds
    ) -> Answer:
        made = self.answer(urlsplit(url).path)
        return Answer(url, made.status, made.headers, made.body, 1.0, "HTTP/1.1", datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class FuzzedWorld:
    """What is on this machine; everything else is made up."""

    settings: Settings
    repository: Path
    environment: Mapping[str, str]
    release: Release

    async def look(self, label: str, stage: Stage, answer: Callable[[str], MadeUp]) -> Result:
        """The result of an item (``id`` or ``id[parameter]``)."""
        item, _, rest = label.partition("[")
        probes = Probes(self.settings, self.repository)
        probes._http = probes._fresh_http = _Invented(answer=answer)
        look = Context(
            settings=self.settings,
            release=self.release,
            stage=stage,
            repository=self.repository,
            probes=probes,
            once=Once(),
            environment=self.environment,
        )
        try:
            return await run(Task(catalogue()[item], rest.rstrip("]") or None, LIMIT_S), look)
        finally:
            await probes.close()


def is_defect(result: Result) -> bool:
    """Whether an exception came that no probe declares, or a check hung."""
    return "a defect in the check itself" in result.summary or "no answer within" in result.summary
