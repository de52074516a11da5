"""Each source is there, or its line says what is missing, what to do, and what waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.doctor import examine as examining
from pytest_chefrelease.doctor.examine import Examined, State, examine
from pytest_chefrelease.doctor.place import Place
from pytest_chefrelease.doctor.tell import tell
from pytest_chefrelease.settings.load import validate
from tests.checks.work_tree import WorkTree
from tests.probes import databases, github_double
from tests.probes.loopback import Request, always, answer, serving

BROWSER = ("routes.browser", "routes.login", "staging.route")


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    """A release with its tag, pushed to a remote."""
    origin = WorkTree.make(tmp_path / "origin")
    origin.commit({"README.md": "x"})
    tree = WorkTree.make(tmp_path / "release")
    tree.git("remote", "add", "origin", str(origin.path))
    tree.commit({"README.md": "x"})
    tree.git("tag", "--annotate", "v1.5.0", "--message=1.5.0")
    return tree


async def look(
    tree: WorkTree, settings: dict[str, object], environment: Mapping[str, str]
) -> dict[str, Examined]:
    settings = {"not_applicable": dict.fromkeys(BROWSER, "starts no browser here"), **settings}
    place = Place(tree.path, validate(settings), tree.path)
    found = await examine(place, tuple(catalogue().values()), environment)
    return {each.source.name: each for each in found}


def dated(by: timedelta = timedelta(0), status: int = 200) -> bytes:
    date = format_datetime(datetime.now(UTC) + by, usegmt=True)
    return answer(status, "{}", {"date": date})


def test_what_is_there_is_told_with_what_was_seen(tree: WorkTree) -> None:
    head = tree.git("rev-parse", "HEAD")

    async def run() -> dict[str, Examined]:
        origin = tree.path.parent / "origin"
        async with github_double.github(head, origin) as github, serving(always(dated())) as site:
            with databases.server() as server:
                settings: dict[str, object] = {
                    "ci": {"api_url": github.url, "repository": github_double.SLUG},
                    "environments": {"production": {"api": site.url, "database_env": "DB"}},
                    "secrets": {"defaults": False, "required": {"JWT": {}, "DSN": {}}},
                    "not_applicable": {},
                }
                database = server.database()
                variables = {"GITHUB_TOKEN": github_double.TOKEN, "DB": database.url}
                secrets = {"JWT": "the-value-of-jwt", "DSN": "the-value-of-dsn"}
                return await look(tree, settings, {**variables, **secrets, "PATH": "/usr/bin:/bin"})

    found = asyncio.run(run())

    for name, seen in {
        "the repository": f"commit {head[:12]}, v1.5.0",
        "the remote": "has main",
        "GitHub": "chefcloud/chefcloud is readable",
        "the API": "answers 200",
        "production's database": "no migrations' history yet, clock within 1 s",
        "production's secrets (env)": "the environment has 2 of 2",
        "git": "git version",
        "the reports": "reports/ can be written",
    }.items():
        assert found[name].state is State.THERE, found[name]
        assert seen in found[name].seen
    told = tell(list(found.values()))
    assert "the-value-of" not in told
    assert github_double.TOKEN not in told


def test_a_token_that_github_refuses_is_told_with_what_it_would_unlock(tree: WorkTree) -> None:
    async def run() -> dict[str, Examined]:
        async with github_double.github("0" * 40) as github:
            ci = {"api_url": github.url, "repository": github_double.SLUG}
            return await look(tree, {"ci": ci}, {"GITHUB_TOKEN": "ghp_expired"})

    found = asyncio.run(run())["GitHub"]

    assert found.state is State.MISSING
    assert "does not accept the token in GITHUB_TOKEN" in found.seen
    assert "ci.required-checks" in found.unlocks
    assert "ghp_expired" not in tell([found])


def test_scopes_and_expiry_of_the_token_are_told(tree: WorkTree) -> None:
    headers = {
        "x-oauth-scopes": "repo, read:org",
        "github-authentication-token-expiration": "2026-12-24 10:00:00 UTC",
    }

    async def run() -> dict[str, Examined]:
        async with serving(always(answer(200, "{}", headers))) as site:
            ci = {"api_url": site.url, "repository": "a/b"}
            return await look(tree, {"ci": ci}, {"GITHUB_TOKEN": "t"})

    seen = asyncio.run(run())["GitHub"].seen
    assert "scopes repo, read:org, the token expires 2026-12-24 10:00:00 UTC" in seen


@pytest.mark.parametrize(("by", "way"), [(400, "behind"), (-400, "ahead of")])
def test_a_clock_that_is_wrong_is_a_missing_source(tree: WorkTree, by: int, way: str) -> None:
    async def run() -> dict[str, Examined]:
        async with serving(always(dated(timedelta(seconds=by)))) as site:
            return await look(tree, {"environments": {"production": {"api": site.url}}}, {})

    found = asyncio.run(run())["the API"]

    assert found.state is State.MISSING
    assert f"s {way} the other's" in found.seen
    assert "NTP" in found.remedy


def test_a_history_that_may_not_be_read_is_told_with_the_grant(tree: WorkTree) -> None:
    async def run() -> dict[str, Examined]:
        with databases.server() as server:
            database = server.database()
            database.execute("CREATE TABLE public._prisma_migrations (id text)")
            production = {"database_env": "DB"}
            settings: dict[str, object] = {"environments": {"production": production}}
            return await look(tree, settings, {"DB": database.url})

    found = asyncio.run(run())["production's database"]

    assert found.state is State.MISSING
    assert "_prisma_migrations is there, but may not be read" in found.seen
    assert "GRANT SELECT" in found.remedy


def test_all_are_looked_at_at_once_and_the_silent_ones_given_up(
    tree: WorkTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examining, "LIMIT_S", 1.0)

    async def silence(_request: Request, _writer: object) -> None:
        await asyncio.sleep(30)

    async def run() -> dict[str, Examined]:
        async with serving(silence) as site:
            address = {"api": site.url, "web": site.url}
            environments = {"production": address, "staging": address}
            return await look(tree, {"environments": environments}, {})

    began = time.perf_counter()
    found = asyncio.run(run())

    silent = [name for name, each in found.items() if each.seen == "no answer within 1 s"]
    assert {"the API", "the web front", "staging's API", "staging's web front"} <= set(silent)
    assert time.perf_counter() - began < 6


def test_the_command_ends_with_one_while_something_is_missing_and_with_zero_when_all_is_there(
    tree: WorkTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree.path)
    wanted = ("version.clean-tree", "version.bump")
    lines = [f'"{item}" = "elsewhere"' for item in catalogue() if item not in wanted]
    settings = "[not_applicable]\n" + "\n".join(lines)
    (tree.path / "release.toml").write_text(settings, encoding="utf-8")
    there = CliRunner().invoke(chefrelease, ["doctor"])
    tree.git("remote", "remove", "origin")
    (tree.path / "release.toml").write_text(
        settings.replace('"version.tag" = "elsewhere"', ""), encoding="utf-8"
    )
    missing = CliRunner().invoke(chefrelease, ["doctor"])

    assert (there.exit_code, missing.exit_code) == (0, 1), there.output
    assert "sources are there." in there.output
    assert "would unlock version.tag" in missing.output
