"""A release whose secrets a test chooses: variables, an env file, a repository."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

from pytest_chefrelease.checks.context import Context, utc_now
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.report.evidence_json import result_to_text
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings

JWT = "mJ3vK8xQ2pT7wZ5nR9cB4yF6hL1dS0gAeUiOqXkVtWs"
WEBHOOK = "b7e23ec29af22b0b4e41da31e868d57226121c84a9d0f3e5c6b7184f2d9e0a53"
PASSWORD = "hT6wR2kQ9zL4mX8vB3nC7yJ5"
VALUES = {
    "DATABASE_URL": f"postgresql://chef:{PASSWORD}@db.internal.chefcloud.io/chef?sslmode=require",
    "JWT_SECRET": JWT,
    "SENTRY_DSN": "https://4f2a9c1e8b7d6053a1c9e8f70b2d4163@o450.ingest.sentry.io/4508",
    "WH_SECRET": WEBHOOK,
}


def verify(
    item: str,
    parameter: str | None = None,
    *,
    variables: Mapping[str, str] | None = None,
    tables: Mapping[str, object] | None = None,
    repository: Path | None = None,
    commit: str | None = None,
    stage: Stage = Stage.PRERELEASE,
) -> Result:
    """``verifying`` from a test that is not async."""
    return asyncio.run(
        verifying(
            item,
            parameter,
            variables=variables,
            tables=tables,
            repository=repository,
            commit=commit,
            stage=stage,
        )
    )


async def verifying(
    item: str,
    parameter: str | None = None,
    *,
    variables: Mapping[str, str] | None = None,
    tables: Mapping[str, object] | None = None,
    repository: Path | None = None,
    commit: str | None = None,
    stage: Stage = Stage.PRERELEASE,
    now: Callable[[], datetime] = utc_now,
) -> Result:
    """The result of one check; fails where any secret's value is in it.

    ``variables`` are the whole environment, ``VALUES`` unless given; see ``without``.
    """
    values = VALUES if variables is None else dict(variables)
    settings = Settings.model_validate({"secrets": {"source": "env"}} | dict(tables or {}))
    place = repository or Path(os.devnull).parent
    look = Context(
        settings=settings,
        release=Release("v1.5.0", commit, "production"),
        stage=stage,
        repository=place,
        probes=Probes(settings, place),
        once=Once(),
        environment=values,
        now=now,
    )
    try:
        result = await run(Task(catalogue()[item], parameter, timeout_s=60), look)
    finally:
        await look.probes.close()
    assert_holds_no_value(result, values)
    return result


def assert_holds_no_value(result: Result, values: Mapping[str, str]) -> None:
    """No value of six characters or more stands anywhere in what leaves the check."""
    told = result_to_text(result) + repr(result)
    for name, value in values.items():
        for form in {value, json.dumps(value)[1:-1]}:
            assert len(form) < 6 or form not in told, f"the value of {name} is in the result"


def without(*names: str, **values: str) -> dict[str, str]:
    """``VALUES`` without some and with others."""
    return {name: value for name, value in VALUES.items() if name not in names} | values


def git(folder: Path, *arguments: str, stdin: str | None = None) -> str:
    """Run git as the tests' author, without this machine's configuration."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    for who in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{who}_NAME": "Tess", f"GIT_{who}_EMAIL": "tess@chefcloud.example"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, input=stdin, text=True, check=True,
        capture_output=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


def repository(folder: Path, files: Mapping[str, str | bytes]) -> str:
    """A repository with one commit of these files; gives its hash."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    return commit(folder, files)


def commit(folder: Path, files: Mapping[str, str | bytes | None], message: str = "change") -> str:
    """Write files (None removes one), commit all, and give the commit's hash."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")
    return git(folder, "rev-parse", "HEAD")
