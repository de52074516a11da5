"""version.tag on real repositories: each state of a tag has its own words and its own remedy."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_chefrelease.rehearsal.repository import git
from pytest_chefrelease.runbook.outcome import Outcome
from tests.version.product import Product, assert_outcome

ITEM = "version.tag"


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product.make(tmp_path)


def clone(product: Product, folder: Path, *options: str) -> Path:
    git(folder, "clone", "--quiet", *options, f"file://{product.origin}", "clone")
    return folder / "clone"


def test_an_annotated_pushed_newer_tag_passes(product: Product) -> None:
    result = product.released("v1.4.2", "v1.5.0").look(ITEM)

    assert_outcome(result, Outcome.PASSED, "v1.5.0 is annotated", "pushed to origin, after v1.4.2")
    assert result.evidence is not None
    assert result.evidence.commit == product.tree.git("rev-parse", "HEAD")


def test_a_missing_tag_is_told_with_the_commands_that_make_it(product: Product) -> None:
    product.released("v1.4.2")
    head = product.tree.commit({"code.ts": "new"})

    result = product.look(ITEM, version="v1.5.0")
    unnamed = product.look(ITEM)

    assert_outcome(result, Outcome.FAILED, "there is no tag v1.5.0, neither here nor at origin")
    assert f"git tag -a v1.5.0 -m 'Release v1.5.0' {head[:12]}" in result.remedy
    assert "git push origin refs/tags/v1.5.0" in result.remedy
    assert_outcome(unnamed, Outcome.FAILED, "carries no tag", "git tag -a vX.Y.Z")


def test_a_lightweight_tag_is_not_accepted(product: Product) -> None:
    product.released("v1.4.2")
    product.tree.commit({"code.ts": "new"})
    product.tag("v1.5.0", annotated=False)
    product.push()

    result = product.look(ITEM)

    assert_outcome(result, Outcome.FAILED, "lightweight", "git tag -a -f v1.5.0", "--force")


def test_a_tag_made_lightweight_by_the_checkout_is_fetched_anew(product: Product) -> None:
    """As actions/checkout leaves it when the tag itself starts the workflow."""
    head = product.released("v1.5.0").tree.git("rev-parse", "HEAD")
    product.tree.git("update-ref", "refs/tags/v1.5.0", head)

    result = product.look(ITEM)

    assert_outcome(result, Outcome.UNVERIFIED, "annotated at origin", "git fetch --force origin")


def test_a_tag_on_another_commit_is_not_the_releases(product: Product) -> None:
    product.released("v1.5.0").tree.commit({"code.ts": "later"})

    result = product.look(ITEM, version="v1.5.0")

    assert_outcome(result, Outcome.FAILED, "v1.5.0 is on ", "git checkout v1.5.0")


def test_an_unpushed_tag_is_told_with_the_push(product: Product) -> None:
    product.released("v1.4.2").tree.commit({"code.ts": "new"})
    product.tag("v1.5.0")

    result = product.look(ITEM)

    assert_outcome(
        result, Outcome.FAILED, "v1.5.0 is not pushed", "git push origin refs/tags/v1.5.0"
    )


def test_a_tag_made_anew_here_differs_from_the_remotes(product: Product) -> None:
    product.released("v1.5.0")
    product.tree.git("tag", "--annotate", "--force", "--message=again", "v1.5.0")

    result = product.look(ITEM)

    assert_outcome(result, Outcome.FAILED, "differs at origin: another tag object of the same")


def test_a_tag_moved_here_differs_from_the_remotes(product: Product) -> None:
    product.released("v1.5.0")
    before = product.tree.git("rev-parse", "--short=7", "HEAD")
    product.tree.commit({"code.ts": "later"})
    product.tree.git("tag", "--annotate", "--force", "--message=moved", "v1.5.0")

    result = product.look(ITEM)

    assert_outcome(result, Outcome.FAILED, f"differs at origin: commit {before} there")


@pytest.mark.parametrize("name", ["release-42", "v1.5", "v1.5.0.1", "1.5.x"])
def test_a_name_that_is_no_semantic_version_is_refused(product: Product, name: str) -> None:
    product.released("v1.4.2").tree.commit({"code.ts": "new"})
    product.tag(name)
    product.push()

    assert_outcome(product.look(ITEM), Outcome.FAILED, f"carries only {name}")
    assert_outcome(
        product.look(ITEM, version=name), Outcome.FAILED, f"{name} is no semantic version"
    )


@pytest.mark.parametrize("name", ["v1.4.1", "v1.5.0-rc.1"])
def test_a_version_that_is_not_newer_is_refused(product: Product, name: str) -> None:
    product.released("v1.4.1-rc.1", "v1.5.0").tree.commit({"code.ts": "new"})
    product.tag(name)
    product.push()

    assert_outcome(product.look(ITEM), Outcome.FAILED, f"{name} is not newer than v1.5.0")


def test_a_fix_of_an_older_line_may_be_below_what_is_on_main(product: Product) -> None:
    product.released("v1.4.0", "v1.5.0")
    product.tree.git("checkout", "--quiet", "-b", "hotfix", "v1.4.0")
    product.tree.commit({"code.ts": "mended"}, "fix: it")
    product.tag("v1.4.1")
    product.push("hotfix", "--tags")

    assert_outcome(product.look(ITEM), Outcome.PASSED, "v1.4.1", "after v1.4.0")


def test_a_release_after_its_candidate_on_the_same_commit_passes(product: Product) -> None:
    product.tree.commit({"code.ts": "new"})
    product.tag("v1.5.0-rc.1", age=timedelta(hours=2))
    product.tag("v1.5.0")
    product.push()

    assert_outcome(product.look(ITEM), Outcome.PASSED, "v1.5.0 is annotated")


def test_a_candidate_tagged_after_its_release_is_what_git_describes(product: Product) -> None:
    product.tree.commit({"code.ts": "new"})
    product.tag("v1.5.0", age=timedelta(hours=2))
    product.tag("v1.5.0-rc.2")
    product.push()

    assert_outcome(product.look(ITEM), Outcome.FAILED, "--abbrev=0 gives v1.5.0-rc.2, not v1.5.0")


def test_a_prefix_keeps_other_parts_of_a_monorepo_apart(product: Product) -> None:
    product.released("backend-v1.0.0-rc.1", "web-v9.0.0").tree.commit({"code.ts": "new"})
    product.tag("backend-v1.0.0")
    product.push()

    result = product.look(ITEM, tag_prefix="backend-")
    without = product.look(ITEM, version="backend-v1.0.0")

    assert_outcome(result, Outcome.PASSED, "after backend-v1.0.0-rc.1")
    assert_outcome(without, Outcome.FAILED, "backend-v1.0.0 is no semantic version")


def test_a_shallow_clone_without_tags_is_told_what_to_fetch(
    product: Product, tmp_path: Path
) -> None:
    product.released("v1.4.2", "v1.5.0")
    shallow = clone(product, tmp_path, "--depth=1", "--no-tags")

    result = product.look(ITEM, path=shallow)

    assert_outcome(
        result,
        Outcome.UNVERIFIED,
        "origin holds v1.5.0, which this clone lacks",
        "git fetch origin refs/tags/v1.5.0:refs/tags/v1.5.0",
    )
    git(shallow, "fetch", "--quiet", "origin", "refs/tags/v1.5.0:refs/tags/v1.5.0")
    assert_outcome(product.look(ITEM, path=shallow), Outcome.PASSED)


def test_a_detached_head_is_as_good_as_a_branch(product: Product, tmp_path: Path) -> None:
    product.released("v1.4.2", "v1.5.0")
    there = clone(product, tmp_path)
    git(there, "checkout", "--quiet", "--detach", "v1.5.0")

    assert_outcome(product.look(ITEM, path=there), Outcome.PASSED)


def test_a_shallow_clone_beside_a_higher_version_cannot_tell(
    product: Product, tmp_path: Path
) -> None:
    product.released("v1.4.0", "v1.5.0").tree.git("checkout", "--quiet", "-b", "fix", "v1.4.0")
    product.tree.commit({"code.ts": "mended"})
    product.tag("v1.4.1")
    product.push("fix", "--tags")
    shallow = clone(product, tmp_path, "--depth=1", "--branch=v1.4.1")

    assert_outcome(
        product.look(ITEM, path=shallow), Outcome.UNVERIFIED, "git fetch --unshallow --tags"
    )


def test_a_remote_that_does_not_answer_leaves_it_open(product: Product) -> None:
    product.released("v1.5.0")
    product.tree.git("remote", "set-url", "origin", str(product.origin) + "-gone")

    assert_outcome(product.look(ITEM), Outcome.UNVERIFIED, "the remote cannot be read")


# --- signatures


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(path)], check=True
    )
    return path


def sign(product: Product, key: Path) -> None:
    product.tree.commit({"code.ts": "new"})
    product.tree.git("config", "gpg.format", "ssh")
    product.tree.git("config", "user.signingKey", f"{key}.pub")
    product.tree.git("tag", "--sign", "--message=Release", "v1.5.0")
    product.push()


def test_an_unsigned_tag_fails_where_a_signature_is_demanded(product: Product) -> None:
    product.released("v1.5.0")

    assert_outcome(
        product.look(ITEM, require_signature=True), Outcome.FAILED, "v1.5.0 is not signed", "tag -s"
    )


def test_a_signature_by_a_listed_key_passes_with_the_signers_name(
    product: Product, key: Path
) -> None:
    sign(product, key)
    signers = key.with_name("signers")
    signers.write_text(f"ada@chefcloud.example {key.with_suffix('.pub').read_text()}")

    result = product.look(ITEM, require_signature=True, allowed_signers=str(signers))

    assert_outcome(result, Outcome.PASSED, "signed by ada@chefcloud.example")


def test_a_signature_by_an_unknown_key_is_unverified(product: Product, key: Path) -> None:
    sign(product, key)

    result = product.look(ITEM, require_signature=True)

    assert_outcome(result, Outcome.UNVERIFIED, "unknown key", "release.allowed_signers")


def test_the_repositorys_own_list_of_signers_is_not_believed(product: Product, key: Path) -> None:
    sign(product, key)
    signers = key.with_name("signers")
    signers.write_text(f"ada@chefcloud.example {key.with_suffix('.pub').read_text()}")
    product.tree.git("config", "gpg.ssh.allowedSignersFile", str(signers))

    assert_outcome(product.look(ITEM, require_signature=True), Outcome.UNVERIFIED, "unknown key")


def test_a_program_that_the_repository_names_is_not_run(
    product: Product, key: Path, tmp_path: Path
) -> None:
    sign(product, key)
    evil = tmp_path / "evil"
    evil.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    evil.chmod(0o755)
    for name in ("gpg.program", "gpg.ssh.program", "gpg.openpgp.program"):
        product.tree.git("config", name, str(evil))

    product.look(ITEM, require_signature=True)

    assert not (tmp_path / "ran").exists()
