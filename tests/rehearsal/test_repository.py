from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_chefrelease.errors import Unreachable
from pytest_chefrelease.rehearsal import repository
from pytest_chefrelease.rehearsal.repository import Repository


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    folder = tmp_path_factory.mktemp("built")
    return repository.build(folder, "chefcloud/chefcloud", datetime.now(UTC))


@pytest.mark.parametrize("tag", ["v1.4.0", "v1.4.2", "v1.5.0"])
def test_each_release_has_an_annotated_tag_that_the_origin_holds(
    built: Repository, tag: str
) -> None:
    mine = built.git("rev-parse", f"refs/tags/{tag}")
    theirs = built.git("ls-remote", "origin", f"refs/tags/{tag}").split()[0]

    assert built.git("cat-file", "-t", mine) == "tag"
    assert mine == theirs


def test_the_release_is_what_main_and_its_remote_stand_on(built: Repository) -> None:
    release = built.commit_of("v1.5.0")

    assert built.commit_of("HEAD") == release
    assert built.commit_of("origin/main") == release


def test_the_work_tree_is_clean(built: Repository) -> None:
    assert built.git("status", "--porcelain", "--ignored") == ""


def test_the_release_adds_one_migration(built: Repository) -> None:
    added = built.git("diff", "--name-only", "--diff-filter=A", "v1.4.2", "v1.5.0")

    assert [Path(name).parent.name for name in added.splitlines() if name.endswith(".sql")] == [
        "20261116090000_order_channels"
    ]


def test_every_manifest_says_the_version_of_its_tag(built: Repository) -> None:
    for tag in ("v1.4.0", "v1.4.2", "v1.5.0"):
        for folder in ("", "services/api/", "apps/web/", "packages/db/"):
            manifest = json.loads(built.git("show", f"{tag}:{folder}package.json"))
            assert f"v{manifest['version']}" == tag


def test_names_with_a_dot_are_laid_over_with_their_dot(built: Repository) -> None:
    assert (built.path / ".github/workflows/ci.yml").exists()
    assert (built.path / ".gitignore").exists()


def test_the_users_git_configuration_has_no_part_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgsign = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))

    built = repository.build(tmp_path, "chefcloud/chefcloud", datetime.now(UTC))

    assert built.git("rev-list", "--count", "HEAD") == "4"


def test_what_git_refuses_is_told_in_its_own_words(built: Repository) -> None:
    with pytest.raises(Unreachable, match=r"rev-parse .*no-such-tag"):
        built.commit_of("no-such-tag")
