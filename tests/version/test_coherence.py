"""version.coherence: real repositories and servers that say of themselves what a test chooses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.manifests import manifest_versions
from pytest_chefrelease.runbook.coherence import compare_sets
from pytest_chefrelease.runbook.evidence import Table
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verify
from tests.checks.work_tree import WorkTree

MANIFESTS = {
    "package.json": json.dumps({"version": "1.5.0"}),
    "services/api/package.json": json.dumps({"version": "1.5.0"}),
    "apps/web/package.json": json.dumps({"name": "web", "private": True}),
    "packages/db/package.json": json.dumps({"version": "0.3.1"}),
}


@asynccontextmanager
async def serving(version: str | None, commit: str | None) -> AsyncIterator[str]:
    """An API and web front in one: /health in JSON, / with a meta element; None: 503."""

    async def health(_: web.Request) -> web.Response:
        if version is None:
            return web.json_response({}, status=503)
        return web.json_response({"status": "ok", "version": version, "commit": commit})

    async def page(_: web.Request) -> web.Response:
        meta = f'<meta name="version" content="{version}">' if version else ""
        return web.Response(text=f"<html><head>{meta}</head></html>", content_type="text/html")

    application = web.Application()
    application.router.add_get("/health", health)
    application.router.add_get("/", page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Product:
    def __init__(self, folder: Path, files: Mapping[str, str] = MANIFESTS) -> None:
        self.tree = WorkTree.make(folder)
        self.commit = self.tree.commit(files)

    def look(
        self, stage: Stage = Stage.PRERELEASE, **running: tuple[str | None, str | None]
    ) -> Result:
        """``running`` are version and commit of each part."""

        async def go() -> Result:
            async with AsyncExitStack() as servers:
                environments: dict[str, dict[str, str]] = {}
                for name, (version, commit) in running.items():
                    url = await servers.enter_async_context(serving(version, commit))
                    environment, _, part = name.partition("_")
                    parts = [part] if part else ["api", "web"]
                    environments.setdefault(environment, {}).update(dict.fromkeys(parts, url))
                return await verify(
                    "version.coherence",
                    {"environments": environments},
                    stage=stage,
                    release=Release("v1.5.0", self.commit, "production"),
                    repository=self.tree.path,
                )

        return asyncio.run(go())


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product(tmp_path / "product")


def table(result: Result) -> dict[str, tuple[str, ...]]:
    assert result.evidence is not None
    (found,) = (a for a in result.evidence.attachments if isinstance(a, Table))
    assert found.columns[:2] == ("witness", "release")
    return {row[0]: row[1:] for row in found.rows}


def test_one_release_on_staging_and_the_last_one_in_production_pass(product: Product) -> None:
    result = product.look(staging=("1.5.0", product.commit), production=("1.4.2", "b31ca726d2a0"))

    assert result.outcome is Outcome.PASSED, result.summary
    assert table(result)["tag"] == ("v1.5.0", "", "")
    assert table(result)["apps/web/package.json"][0] == "no version"
    assert table(result)["API"][1:] == (
        f"1.5.0 at {product.commit[:12]}",
        "1.4.2 at b31ca726d2a0",
    )
    assert "packages/db/package.json" not in table(result)


def test_missing_witnesses_are_shown_as_such(product: Product) -> None:
    result = product.look(staging_api=(None, None), production=("1.4.2", "b31ca726d2a0"))

    assert result.outcome is Outcome.PASSED, result.summary
    assert table(result)["API"] == ("", "answers 503", "1.4.2 at b31ca726d2a0")
    assert table(result)["web front"] == ("", "not configured", "1.4.2")
    assert table(result)["migrations"] == ("", "not configured", "not configured")
    assert "without apps/web/package.json of release, " in result.summary
    assert ", API of staging, " in result.summary


def test_a_repository_that_agrees_with_itself_alone_is_no_evidence(product: Product) -> None:
    result = product.look(staging_api=(None, None))

    assert result.outcome is Outcome.UNVERIFIED
    assert result.seen == ("nothing that runs says which release it is: API of staging answers 503")


def test_the_cell_that_differs_holds_the_release_with_both_values(product: Product) -> None:
    staging = product.look(staging=("1.4.2", "b31ca726d2a0"))
    assert (staging.outcome, staging.severity) == (Outcome.UNVERIFIED, "P2")
    assert staging.summary.startswith(
        f"API of staging: 1.4.2 at b31ca726d2a0, but the release is v1.5.0 at {product.commit[:7]}"
    )
    assert table(staging)["API"][1] == "≠ 1.4.2 at b31ca726d2a0"

    deployed = product.look(Stage.POSTRELEASE, production=("1.4.2", "b31ca726d2a0"))
    assert "API of production: 1.4.2 at b31ca726d2a0, but the release is" in deployed.summary


def test_an_environment_of_two_releases_is_none(product: Product) -> None:
    result = product.look(production_api=("1.4.2", None), production_web=("1.4.1", None))

    assert result.outcome is Outcome.UNVERIFIED
    assert "web front of production: 1.4.1, but its API is 1.4.2" in result.summary


def test_a_manifest_of_another_version_differs_from_the_tag(tmp_path: Path) -> None:
    files = {**MANIFESTS, "services/api/package.json": json.dumps({"version": "1.4.2"})}

    result = Product(tmp_path / "product", files).look()

    assert result.outcome is Outcome.UNVERIFIED
    assert "services/api/package.json of release: 1.4.2, but the tag is v1.5.0" in result.summary


def test_a_repository_without_any_other_witness_proves_nothing(tmp_path: Path) -> None:
    result = Product(tmp_path / "product", {"a": "1"}).look()

    assert result.outcome is Outcome.UNVERIFIED
    assert "saw 1 of witnesses" in result.summary


def test_manifests_that_give_no_version_give_none(tmp_path: Path) -> None:
    tree = WorkTree.make(tmp_path)
    files = {
        "a/package.json": "{ not json",
        "b/package.json": '{"version": "0.0.0"}',
        "c/package.json": '["version"]',
        "pyproject.toml": '[project]\nversion = "1.5.0"\n',
        "d/pyproject.toml": "[tool]\n",
    }
    commit = tree.commit(files)

    found = manifest_versions(GitProbe(tree.path), commit, (*files, "no/package.json"))

    assert found == {**dict.fromkeys(files), "pyproject.toml": "1.5.0"}


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        (["a", "b"], None),
        (["a"], "lacks b"),
        (["a", "b", "c"], "has c too"),
        (["c", "d", "e"], "lacks a, b; has c, d and 1 more too"),
    ],
)
def test_sets_of_migrations_are_told_apart(found: list[str], difference: str | None) -> None:
    assert compare_sets(["a", "b"], found) == difference
