"""version.clean-tree on real work trees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_chefrelease.runbook.outcome import Outcome
from tests.checks.work_tree import WorkTree
from tests.version.product import Product, assert_outcome

ITEM = "version.clean-tree"


@pytest.fixture
def product(tmp_path: Path) -> Product:
    made = Product.make(tmp_path)
    made.tree.commit({"a.ts": "1", "b.ts": "2", ".gitignore": "dist/\n"})
    return made


def test_a_clean_tree_passes_with_what_it_ignores(product: Product) -> None:
    (product.tree.path / "dist").mkdir()
    (product.tree.path / "dist/out.js").write_text("built")

    assert_outcome(product.look(ITEM), Outcome.PASSED, "3 files, all as in")


def test_a_changed_a_staged_and_an_untracked_file_are_each_named(product: Product) -> None:
    path = product.tree.path
    (path / "a.ts").write_text("other")
    (path / "new\nline.ts").write_text("untracked")
    product.tree.git("mv", "b.ts", "c.ts")

    result = product.look(ITEM)

    assert_outcome(result, Outcome.FAILED, "3 files differ", "a.ts (changed)", "c.ts (renamed)")
    assert "new\nline.ts (untracked)" in result.summary


def test_our_own_reports_are_no_change_of_the_release(product: Product) -> None:
    (product.tree.path / "reports").mkdir()
    (product.tree.path / "reports/prerelease.html").write_text("report")

    assert_outcome(product.look(ITEM), Outcome.PASSED)


@pytest.mark.parametrize("directory", [".", ".."])
def test_reports_that_go_into_the_work_tree_itself_hide_no_file_of_it(
    product: Product, directory: str
) -> None:
    product.tables["report"] = {"directory": directory}
    (product.tree.path / "forgotten.ts").write_text("untracked")

    assert_outcome(product.look(ITEM), Outcome.FAILED, "forgotten.ts (untracked)")


def test_a_filter_that_the_repository_configures_is_not_run(
    product: Product, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    product.tree.commit({".gitattributes": "*.ts filter=evil\n"})
    product.tree.git("config", "filter.evil.clean", f"touch {ran}; cat")
    (product.tree.path / "included").write_text(f'[filter "evil"]\n\tprocess = touch {ran}\n')
    product.tree.git("config", "include.path", "../included")
    os.utime(product.tree.path / "a.ts", (1, 1))

    result = product.look(ITEM)

    assert_outcome(result, Outcome.FAILED, "included (untracked)")
    assert "a.ts" not in result.summary
    assert not ran.exists()


def test_looking_changes_nothing_of_the_repository(product: Product) -> None:
    os.utime(product.tree.path / "a.ts", (1, 1))
    before = (product.tree.path / ".git/index").read_bytes()

    product.look(ITEM)

    assert (product.tree.path / ".git/index").read_bytes() == before


def test_a_submodule_is_compared_by_its_commit_and_its_programs_are_not_run(
    product: Product, tmp_path: Path
) -> None:
    ran, tree = tmp_path / "ran", product.tree
    inner = WorkTree.make(tree.path / "vendor")
    inner.commit({"lib.ts": "1"})
    tree.git("add", "vendor")
    tree.git("commit", "--quiet", "--message=feat: a submodule")
    for key in ("core.fsmonitor", "core.sshCommand", "filter.evil.clean", "diff.external"):
        inner.git("config", key, f"touch {ran}")
    (inner.path / ".gitattributes").write_text("* filter=evil\n")
    (inner.path / "lib.ts").write_text("changed inside")

    assert_outcome(product.look(ITEM), Outcome.PASSED)

    inner.git("-c", "core.fsmonitor=", "-c", "filter.evil.clean=cat", "commit", "-qam", "moved on")

    assert_outcome(product.look(ITEM), Outcome.FAILED, "vendor (changed)")
    assert not ran.exists()
