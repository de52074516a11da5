"""What a look has at hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_chefrelease.doctor.source import Source
from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Around:
    """Settings, places and probes; ``directory`` is where pytest would run."""

    settings: Settings
    directory: Path
    repository: Path
    probes: Probes
    environment: Mapping[str, str] = field(repr=False)

    def variable(self, name: str, remedy: str) -> str:
        """A variable's value. Raises NotConfigured."""
        value = self.environment.get(name, "").strip()
        if not value:
            raise NotConfigured(f"{name} is not set in the environment", remedy=remedy)
        return value


Look = Callable[[Source, Around], Awaitable[str]]
