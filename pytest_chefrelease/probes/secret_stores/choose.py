"""Chooses a store by the words of ``secrets.source``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_chefrelease.probes.secret_stores.env import EnvironmentStore
from pytest_chefrelease.probes.secret_stores.env_file import EnvFileStore
from pytest_chefrelease.probes.secret_stores.store import SecretStore


@dataclass(frozen=True, slots=True)
class StoreSurroundings:
    """What stores are made from: the repository that paths are relative to, and variables."""

    repository: Path
    environment: Mapping[str, str] = field(repr=False)


def choose_store(source: str, around: StoreSurroundings) -> SecretStore:
    """The store that a source such as ``env`` or ``env-file:.env.production`` names."""
    kind, _, rest = source.partition(":")
    if kind == "env-file":
        return EnvFileStore(around.repository / Path(rest).expanduser())
    if kind == "env":
        return EnvironmentStore(around.environment, prefix=rest)
    raise ValueError(f"no store is made for {kind}")
