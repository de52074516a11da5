"""Who ran the gate: the actor that a CI system names, else the user of git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

_LONGEST_WAIT_S = 2.0
_VARIABLES = (
    "GITHUB_ACTOR",
    "GITLAB_USER_NAME",
    "BUILD_REQUESTEDFOR",  # Azure Pipelines
    "BUILD_USER",  # Jenkins, with its build-user-vars plugin
    "CIRCLE_USERNAME",
    "BUILDKITE_BUILD_CREATOR",
)


def actor(environment: Mapping[str, str], repository: Path) -> str:
    """The name of a person or a bot; empty where nobody can be named."""
    named = [environment[name] for name in _VARIABLES if environment.get(name)]
    return named[0] if named else _git_user(repository)


def _git_user(repository: Path) -> str:
    try:
        told = subprocess.run(
            ["git", "--no-optional-locks", "config", "user.name"],
            cwd=repository,
            capture_output=True,
            check=False,
            timeout=_LONGEST_WAIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.decode(errors="replace").strip()
