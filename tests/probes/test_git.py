"""Git as the release is read from it, on real repositories, friendly and hostile."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest

from pytest_chefrelease.errors import MissingExtra, NoAnswer, NotConfigured, ProbeError, Unreachable
from pytest_chefrelease.probes.git import GitProbe, Tag, identify_release, semantic_version
from pytest_chefrelease.probes.git_history import commits_between
from pytest_chefrelease.probes.git_program import GitFailed, remote_failure, run_git
from pytest_chefrelease.settings.model import Settings
from tests.checks.work_tree import WorkTree


@pytest.fixture
def tree(tmp_path: Path) -> WorkTree:
    return WorkTree.make(tmp_path / "product")


def tag(tree: WorkTree, name: str, at: str = "HEAD") -> None:
    tree.git("tag", "--annotate", "--message=Release", name, at)


def snapshot(folder: Path) -> dict[str, str]:
    """Hash, mode and time of every file below a folder."""
    return {
        str(path.relative_to(folder)): f"{path.lstat().st_mode} {path.lstat().st_mtime_ns} "
        + (hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "")
        for path in sorted(folder.rglob("*"))
    }


# --- the release's identity


def test_a_release_is_its_commit_its_tag_and_the_version_before(tree: WorkTree) -> None:
    tree.commit({"a": "1"})
    tag(tree, "v1.4.2")
    commit = tree.commit({"a": "2"})
    tag(tree, "v1.5.0")

    release = identify_release(Settings(), tree.path)

    assert (release.version, release.commit, release.previous_version) == (
        "v1.5.0",
        commit,
        "v1.4.2",
    )
    assert (release.environment, release.problem) == ("production", None)


def test_a_message_may_hold_any_separator_and_stays_one_commit(tree: WorkTree) -> None:
    first = tree.commit({"a": "1"}, "feat: one\x1f\x1e\n\nbody\x1e\x1f\x1e")
    second = tree.commit({"a": "2"}, "fix: two")

    newer, older = commits_between(GitProbe(tree.path), None, "HEAD")

    assert (newer.name, newer.parents, newer.subject) == (second, (first,), "fix: two")
    assert (older.name, older.parents, older.kind) == (first, (), "feat")
    assert older.body.strip("\n") == "body\x1e\x1f\x1e"


def test_the_newest_annotated_tag_names_the_version(tree: WorkTree) -> None:
    tree.commit({"a": "1"})
    tag(tree, "v1.9.0")
    tag(tree, "v1.10.0")
    tag(tree, "nightly")
    tree.git("tag", "v2.0.0")

    assert identify_release(Settings(), tree.path).version == "v1.10.0"


def test_a_lightweight_tag_names_it_where_no_other_does(tree: WorkTree) -> None:
    tree.commit({"a": "1"})
    tree.git("tag", "v1.5.0")

    assert identify_release(Settings(), tree.path).version == "v1.5.0"


def test_a_configured_version_is_taken_as_it_is(tree: WorkTree) -> None:
    tree.commit({"a": "1"})
    settings = Settings.model_validate({"release": {"version": "v9.0.0"}})

    release = identify_release(settings, tree.path)

    assert (release.version, release.problem) == ("v9.0.0", None)


def test_only_tags_with_the_prefix_are_versions(tree: WorkTree) -> None:
    tree.commit({"a": "1"})
    tag(tree, "web-v3.0.0")
    tag(tree, "api-v1.5.0")
    settings = Settings.model_validate({"release": {"tag_prefix": "api-"}})

    assert identify_release(settings, tree.path).version == "api-v1.5.0"


def test_a_candidate_is_no_release_to_fall_back_to(tree: WorkTree) -> None:
    for number, name in enumerate(["v1.4.2", "v1.5.0-rc.1", "v1.5.0"]):
        tree.commit({"a": str(number)})
        tag(tree, name)

    assert identify_release(Settings(), tree.path).previous_version == "v1.4.2"


def test_a_version_of_another_branch_is_not_the_one_before(tree: WorkTree) -> None:
    tree.commit({"a": "1"})
    tag(tree, "v1.4.2")
    tree.git("checkout", "--quiet", "-b", "other")
    tree.commit({"a": "other"})
    tag(tree, "v1.4.9")
    tree.git("checkout", "--quiet", "main")
    tree.commit({"a": "2"})
    tag(tree, "v1.5.0")

    assert identify_release(Settings(), tree.path).previous_version == "v1.4.2"


def test_a_commit_without_a_tag_says_so(tree: WorkTree) -> None:
    commit = tree.commit({"a": "1"})
    tag(tree, "latest")

    release = identify_release(Settings(), tree.path)

    assert (release.version, release.commit) == (None, commit)
    assert release.problem is not None
    assert "carries only latest, expected a version such as v1.5.0" in release.problem


def test_a_detached_head_is_a_release_too(tree: WorkTree) -> None:
    commit = tree.commit({"a": "1"})
    tag(tree, "v1.5.0")
    tree.commit({"a": "2"})
    tree.git("checkout", "--quiet", "--detach", "v1.5.0")

    release = identify_release(Settings(), tree.path)

    assert (release.version, release.commit) == ("v1.5.0", commit)


def test_a_shallow_clone_without_tags_is_told_what_to_fetch(tree: WorkTree, tmp_path: Path) -> None:
    tree.commit({"a": "1"})
    tree.commit({"a": "2"})
    tag(tree, "v1.5.0")
    clone = tmp_path / "clone"
    tree.git("clone", "--quiet", "--depth=1", "--no-tags", f"file://{tree.path}", str(clone))

    release = identify_release(Settings(), clone)

    assert release.version is None
    assert release.problem is not None
    assert "git fetch --unshallow --tags" in release.problem


@pytest.mark.parametrize("exists", [True, False])
def test_a_directory_that_is_no_repository_is_told_not_raised(
    tmp_path: Path,
    exists: bool,  # noqa: FBT001
) -> None:
    folder = tmp_path / "plain"
    if exists:
        folder.mkdir()

    release = identify_release(Settings(), folder)

    assert (release.version, release.commit) == (None, None)
    assert release.problem is not None
    assert release.problem.startswith("the directory is no git repository")


def test_a_repository_without_a_commit_is_told(tree: WorkTree) -> None:
    release = identify_release(Settings(), tree.path)

    assert release.problem is not None
    assert "has no commit yet" in release.problem


def test_without_git_the_remedy_is_to_install_it(
    tree: WorkTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    release = identify_release(Settings(), tree.path)

    assert release.problem is not None
    assert "git program cannot be run" in release.problem
    with pytest.raises(MissingExtra):
        GitProbe(tree.path).head()


@pytest.mark.parametrize(
    ("name", "prefix", "version"),
    [
        ("v1.5.0", "", "1.5.0"),
        ("1.5.0", "", "1.5.0"),
        ("v1.5.0-rc.1+build.7", "", "1.5.0-rc.1+build.7"),
        ("api-v1.5.0", "api-", "1.5.0"),
        ("v1.5", "", None),
        ("v01.5.0", "", None),
        ("release", "", None),
        ("v1.5.0", "api-", None),
    ],
)
def test_names_are_read_as_semantic_versions(name: str, prefix: str, version: str | None) -> None:
    read = semantic_version(name, prefix)

    assert (str(read) if read else None) == version


# --- what else is read


def test_tags_tell_annotated_from_lightweight(tree: WorkTree) -> None:
    commit = tree.commit({"a": "1"})
    tree.git("tag", "light")
    tag(tree, "heavy")
    tree.git("tag", "of-a-tree", "HEAD^{tree}")

    tags = {found.name: found for found in GitProbe(tree.path).tags(at=commit)}

    assert tags["light"] == Tag("light", commit, commit, is_annotated=False)
    assert (tags["heavy"].commit, tags["heavy"].is_annotated) == (commit, True)
    assert tags["heavy"].object_id == tree.git("rev-parse", "heavy")
    assert "of-a-tree" not in tags


def test_ancestry_is_told(tree: WorkTree) -> None:
    older, newer = tree.commit({"a": "1"}), tree.commit({"a": "2"})
    git = GitProbe(tree.path)

    assert git.is_ancestor(older, newer)
    assert not git.is_ancestor(newer, older)
    assert git.ancestors(newer, 5) == (older,)


def test_ancestry_in_a_shallow_clone_is_not_guessed(tree: WorkTree, tmp_path: Path) -> None:
    older = tree.commit({"a": "1"})
    newer = tree.commit({"a": "2"})
    clone = tmp_path / "clone"
    tree.git("clone", "--quiet", "--depth=1", f"file://{tree.path}", str(clone))
    git = GitProbe(clone)

    assert git.is_shallow()
    with pytest.raises(NotConfigured, match="shallow"):
        git.is_ancestor(older, newer)


def test_files_and_contents_of_a_commit_are_read_byte_for_byte(tree: WorkTree) -> None:
    odd = "d/with \n newline\t\x1b[31m"
    commit = tree.commit({odd: b"\0\r\nbytes", "d/b": "", "e": "outside"})
    tree.commit({"d/b": "later"})
    git = GitProbe(tree.path)

    entries = git.files(commit, "d")
    contents = git.blobs(entry.blob for entry in entries)

    assert {e.path: contents[e.blob] for e in entries} == {odd: b"\0\r\nbytes", "d/b": b""}
    assert git.files(commit, "absent") == ()


def test_directories_are_relative_to_the_configured_one(tree: WorkTree) -> None:
    commit = tree.commit({"apps/api/m/a.sql": "1"})

    entries = GitProbe(tree.path / "apps" / "api").files(commit, "m")

    assert [entry.path for entry in entries] == ["m/a.sql"]


# --- the remote


def test_the_remotes_refs_are_read(tree: WorkTree, tmp_path: Path) -> None:
    commit = tree.commit({"a": "1"})
    tag(tree, "v1.5.0")
    tree.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    tree.git("remote", "add", "origin", "../origin.git")
    tree.git("push", "--quiet", "origin", "main", "--tags")

    refs = GitProbe(tree.path).remote_refs("origin", "refs/tags/*", "refs/heads/main")

    assert refs["refs/heads/main"] == commit
    assert refs["refs/tags/v1.5.0"] == tree.git("rev-parse", "v1.5.0")
    assert refs["refs/tags/v1.5.0^{}"] == commit


def test_a_missing_remote_is_named(tree: WorkTree) -> None:
    tree.commit({"a": "1"})

    with pytest.raises(NotConfigured, match="has no remote 'upstream'"):
        GitProbe(tree.path).remote_url("upstream")


def test_an_unreachable_remote_is_named(tree: WorkTree) -> None:
    tree.git("remote", "add", "origin", "http://user:hunter2@127.0.0.1:9/x.git")

    with pytest.raises(Unreachable) as caught:
        GitProbe(tree.path).remote_refs("origin")

    assert "hunter2" not in repr(vars(caught.value))
    assert GitProbe(tree.path).remote_url() == "http://127.0.0.1:9/x.git"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("fatal: Authentication failed for 'https://h/x'", "AccessDenied"),
        ("fatal: could not read Username for 'https://h'", "AccessDenied"),
        ("git@h: Permission denied (publickey).", "AccessDenied"),
        ("fatal: unable to access 'https://h/': Could not resolve host: h", "Unreachable"),
        ("ssh: connect to host h port 22: Connection refused", "Unreachable"),
        ("fatal: '/x' does not appear to be a git repository", "Unreachable"),
        ("", "Unreachable"),
    ],
)
def test_why_a_remote_cannot_be_read_is_told(text: str, kind: str) -> None:
    error = remote_failure(GitFailed("ls-remote", 128, text, "here"), "https://h/x")

    assert type(error).__name__ == kind


# --- nothing is changed, nothing of the repository's is run


def test_reading_changes_nothing(tree: WorkTree, tmp_path: Path) -> None:
    commit = tree.commit({"a": "1"})
    tag(tree, "v1.5.0")
    tree.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    tree.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    tree.git("push", "--quiet", "origin", "main", "--tags")
    os.utime(tree.path / "a")  # git would like to refresh its index now
    before = snapshot(tmp_path)

    git = GitProbe(tree.path)
    identify_release(Settings(), tree.path)
    git.blobs([entry.blob for entry in git.files(commit, "")])
    git.is_ancestor(commit, commit)
    git.remote_refs("origin")

    assert snapshot(tmp_path) == before


def test_programs_that_a_repository_names_are_not_run(tree: WorkTree, tmp_path: Path) -> None:
    marker = tmp_path / "it-was-run"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {marker}\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    commit = tree.commit({"a": "1", ".gitattributes": "* diff=evil filter=evil\n"})
    tag(tree, "v1.5.0")
    tree.git("init", "--quiet", "--bare", str(tmp_path / "origin.git"))
    tree.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    for key in (
        *("core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "core.gitProxy"),
        *("core.editor", "credential.helper", "diff.external", "diff.evil.textconv"),
        *("filter.evil.smudge", "filter.evil.clean", "gpg.program", "uploadpack.packObjectsHook"),
        *("remote.origin.uploadpack", "pager.ls-tree", "pager.rev-parse", "alias.ls-remote"),
    ):
        tree.git("config", key, str(program))
    for hook in ("post-index-change", "reference-transaction", "post-checkout"):
        path = tree.path / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(program.read_bytes())
        path.chmod(0o755)

    git = GitProbe(tree.path)
    identify_release(Settings(), tree.path)
    git.blobs([entry.blob for entry in git.files(commit, "")])
    git.is_ancestor(commit, commit)
    git.is_shallow()
    git.remote_refs("origin")

    assert not marker.exists()


def test_the_variables_of_a_hook_do_not_lead_elsewhere(
    tree: WorkTree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = tree.commit({"a": "1"})
    other = WorkTree.make(tmp_path / "other")
    other.commit({"b": "1"})
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / "index"))

    assert GitProbe(tree.path).head() == commit


def test_replaced_objects_are_not_believed(tree: WorkTree) -> None:
    older, newer = tree.commit({"a": "1"}), tree.commit({"a": "2"})
    tree.git("replace", newer, older)

    contents = GitProbe(tree.path)
    entry = contents.files(newer, "")[0]

    assert contents.blobs([entry.blob])[entry.blob] == b"2"


def test_a_revision_that_looks_like_an_option_is_no_option(tree: WorkTree) -> None:
    tree.commit({"a": "1"})

    assert GitProbe(tree.path).resolve("--output=/tmp/x") is None


def test_git_that_does_not_end_is_ended_with_its_children(tree: WorkTree) -> None:
    started = time.monotonic()

    with pytest.raises(NoAnswer, match=r"did not end in 0\.3 s"):
        run_git(tree.path, "-c", "alias.wait=!sleep 30", "wait", timeout_s=0.3)

    assert time.monotonic() - started < 10


def test_other_owners_repositories_are_read(tree: WorkTree) -> None:
    commit = tree.commit({"a": "1"})
    if os.geteuid() == 0:
        os.chown(tree.path, 12345, 12345)
        os.chown(tree.path / ".git", 12345, 12345)

    assert GitProbe(tree.path).head() == commit


def test_an_object_that_is_missing_is_a_probe_error(tree: WorkTree) -> None:
    tree.commit({"a": "1"})

    with pytest.raises(ProbeError, match="lacks the object"):
        GitProbe(tree.path).blobs(["5" * 40])
