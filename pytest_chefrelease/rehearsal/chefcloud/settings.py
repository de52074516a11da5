"""What one environment of ChefCloud runs with, and what of it changes while it runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Running:
    """What a deploy, an operator or a fault changes in a running environment."""

    version: str
    commit: str
    built_at: str
    maintenance: bool = False
    health_status: str = "ok"
    services: dict[str, str] = field(default_factory=dict)
    """Overrides of what the health endpoints say of a service (``{"database": "down"}``)."""
    timestamp_offset_s: float = 0.0
    logs: bool = True
    """Whether the API logs anything."""

    @property
    def build_id(self) -> str:
        """The web build's identity: part of the address of every script and style sheet."""
        return f"{self.version.removeprefix('v')}-{self.commit[:7]}"


@dataclass(frozen=True, slots=True)
class Environment:
    """The fixed part: names, secrets and places of one environment of ChefCloud."""

    name: str
    database_url: str = field(repr=False)
    jwt_secret: str = field(repr=False)
    log: Path
    started_at: datetime
