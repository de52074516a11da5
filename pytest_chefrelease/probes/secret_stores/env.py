"""Secrets in the process environment, as most deployments and CI hand them over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_chefrelease.probes.secret_stores.store import Stored
from pytest_chefrelease.runbook.secret import Secret


@dataclass(frozen=True, slots=True)
class EnvironmentStore:
    """Variables of a process; ``prefix`` stands before each name (``STAGING_``)."""

    variables: Mapping[str, str] = field(repr=False)
    prefix: str = ""
    keeps_dates: bool = False

    @property
    def place(self) -> str:
        """The environment, with the prefix that is read."""
        return f"the environment ({self.prefix}…)" if self.prefix else "the environment"

    async def find(self, name: str) -> Stored | None:
        """The variable's value; a variable that is set but empty is found, and empty."""
        variable = self.prefix + name
        value = self.variables.get(variable)
        if value is None:
            return None
        return Stored(name, f"{variable} in the environment", Secret(value))
