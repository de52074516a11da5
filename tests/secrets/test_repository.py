"""secrets.not-in-repository: every form, every kind of object, and a repository that attacks."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from pytest_chefrelease.probes.needles import Needles
from pytest_chefrelease.probes.object_stream import ObjectStream
from pytest_chefrelease.runbook.evidence import Table
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.secret import Secret
from tests.secrets.world import (
    JWT,
    PASSWORD,
    VALUES,
    WEBHOOK,
    commit,
    git,
    repository,
    verify,
    without,
)

ITEM = "secrets.not-in-repository"
TRICKY = 'p&q/"r+s=t%u\\v w' + JWT[:12]


def look(folder: Path, name: str = "JWT_SECRET", **values: str) -> Result:
    head = git(folder, "rev-parse", "HEAD")
    return verify(ITEM, name, repository=folder, commit=head, variables=without(**values))


def test_a_repository_without_values_passes_and_says_what_was_searched(tmp_path: Path) -> None:
    repository(tmp_path, {"README.md": "ChefCloud\n", "src/main.ts": "export {}\n"})
    commit(tmp_path, {"src/main.ts": "export default {}\n"})

    result = look(tmp_path)

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    facts = result.evidence.facts
    assert (facts["objects"], facts["reachable_objects"], facts["files"]) == (9, 9, 2)


@pytest.mark.parametrize("name", ["JWT_SECRET", "WH_SECRET", "DATABASE_URL", "SENTRY_DSN"])
def test_a_value_in_a_file_that_was_deleted_since_is_found_with_commit_path_and_line(
    tmp_path: Path, name: str
) -> None:
    repository(tmp_path, {"README.md": "ChefCloud\n"})
    bad = commit(tmp_path, {"deploy/notes.txt": f"one\ntwo\n  {name}={VALUES[name]}\n"})
    commit(tmp_path, {"deploy/notes.txt": None})

    result = look(tmp_path, name)

    assert result.outcome is Outcome.FAILED
    assert f"in deploy/notes.txt, line 3, since commit {bad[:7]}" in result.summary
    assert "Rotate it now" in result.remedy


def forms(value: str) -> dict[str, bytes]:
    raw = value.encode()
    return {
        "as it is": raw,
        "URL-encoded": quote(value, safe="").encode(),
        "base64 0": base64.b64encode(raw),
        "base64 1": base64.b64encode(b"k" + raw),
        "base64 2": base64.b64encode(b"k=" + raw),
        "base64 urlsafe": base64.urlsafe_b64encode(b"JWT_SECRET=" + raw + b"\n"),
        "hexadecimal": raw.hex().encode(),
        "HEXADECIMAL": raw.hex().upper().encode(),
        "JSON-escaped": json.dumps({"secret": value}).encode(),
        "HTML-escaped": value.replace("&", "&amp;").replace('"', "&quot;").encode(),
        "UTF-16": value.encode("utf-16"),
    }


@pytest.mark.parametrize("form", forms(TRICKY))
@pytest.mark.parametrize("value", [TRICKY, JWT], ids=["tricky", "plain"])
def test_a_value_is_found_in_every_usual_encoding(tmp_path: Path, value: str, form: str) -> None:
    repository(tmp_path, {"a.bin": b"\0\1xx" + forms(value)[form] + b"yy\n"})

    result = look(tmp_path, JWT_SECRET=value)

    assert result.outcome is Outcome.FAILED
    assert "in a.bin, line 1" in result.summary


def wrapped(before: str, value: str, columns: int, line_end: str) -> str:
    """Base64 of a file that holds the value, its lines broken as encoders do."""
    encoded = base64.b64encode(f"{before}{value}\nPORT=3001\n".encode()).decode()
    lines = [encoded[at : at + columns] for at in range(0, len(encoded), columns)]
    return line_end.join(lines)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\n        ", "\\n"], ids=repr)
@pytest.mark.parametrize("columns", [64, 76])
def test_base64_that_is_broken_over_lines_is_found(
    tmp_path: Path, columns: int, line_end: str
) -> None:
    files = {
        f"{length}.yaml": f"a: 1\n  data: {wrapped('k' * length, WEBHOOK, columns, line_end)}\n"
        for length in range(24)  # so that lines break at each place, in each alignment
    }
    repository(tmp_path, files)

    result = look(tmp_path, "WH_SECRET")

    assert result.outcome is Outcome.FAILED
    assert result.evidence is not None
    [table] = result.evidence.attachments
    assert isinstance(table, Table)
    places = {row[0] for row in table.rows}
    assert places == {*files, *(f"{name} of the work tree" for name in files)}
    assert "in base64, broken over lines" in {row[3] for row in table.rows}


def test_half_of_a_broken_value_is_no_find(tmp_path: Path) -> None:
    half = wrapped("k" * 20, WEBHOOK, 64, "\n").splitlines()[0]
    repository(tmp_path, {"a.txt": f"{half}\nsomething else\n"})
    assert look(tmp_path, "WH_SECRET").outcome is Outcome.PASSED


@pytest.mark.parametrize("block_bytes", [1, 7, 64, 1000])
def test_a_broken_value_is_found_over_the_edge_of_a_block(block_bytes: int) -> None:
    content = ("x" * 500 + wrapped("kk", WEBHOOK, 64, "\n  ") + "y" * 500).encode()
    stream = io.BytesIO(b"0123abc blob %d\n%s\n" % (len(content), content))
    found = ObjectStream(Needles({"WH_SECRET": Secret(WEBHOOK)}), block_bytes)

    finds = found.search(stream.readinto)

    assert [find.mark.form for find in finds] == ["in base64, broken over lines"]


def test_the_password_alone_is_found_without_its_url(tmp_path: Path) -> None:
    repository(tmp_path, {"docker-compose.yml": f"environment:\n  PGPASSWORD: {PASSWORD}\n"})

    result = look(tmp_path, "DATABASE_URL")

    assert result.outcome is Outcome.FAILED
    assert "docker-compose.yml, line 2" in result.summary


def test_a_value_in_a_commits_message_is_found(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "a"})
    bad = commit(tmp_path, {"a": "b"}, message=f"rotate to {JWT}")
    commit(tmp_path, {"a": "c"})

    result = look(tmp_path)

    assert result.outcome is Outcome.FAILED
    assert f"the message of commit {bad[:7]}" in result.summary


def test_a_value_in_a_tags_message_is_found(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "a"})
    git(tmp_path, "tag", "--annotate", "v1", "-m", f"secret {JWT}")

    result = look(tmp_path)

    assert result.outcome is Outcome.FAILED
    assert "the message of tag" in result.summary


def test_a_value_in_a_note_is_found(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "a"})
    git(tmp_path, "notes", "--ref=release-signoffs", "add", "-m", f"used {JWT} to log in")

    assert look(tmp_path).outcome is Outcome.FAILED


def test_a_value_in_a_files_name_is_found_and_not_repeated(tmp_path: Path) -> None:
    repository(tmp_path, {f"keys/{JWT}.txt": "x"})

    result = look(tmp_path)

    assert result.outcome is Outcome.FAILED
    assert "a name in tree" in result.summary


def test_a_value_on_another_branch_is_counted_and_does_not_fail(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "a"})
    git(tmp_path, "switch", "--quiet", "--create", "other")
    commit(tmp_path, {"b": JWT})
    git(tmp_path, "switch", "--quiet", "main")

    result = look(tmp_path)

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["finds_outside_the_release"] == 1


def test_a_value_that_only_the_work_tree_holds_is_found(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "a"})
    (tmp_path / "tmp.log").write_text(f"\nlogged in with {JWT}\n")

    result = look(tmp_path)

    assert result.outcome is Outcome.FAILED
    assert "tmp.log of the work tree, line 2" in result.summary


def test_an_ignored_env_file_may_hold_the_values(tmp_path: Path) -> None:
    repository(tmp_path, {".gitignore": ".env*\n"})
    (tmp_path / ".env.production").write_text(f"JWT_SECRET={JWT}\n")

    assert look(tmp_path).outcome is Outcome.PASSED


def test_a_value_over_the_edge_of_blocks_is_found(tmp_path: Path) -> None:
    edge = 4 * 1024 * 1024
    for at in (edge - 200, edge - 45, edge - 3, edge):
        folder = tmp_path / str(at)
        folder.mkdir()
        repository(folder, {"big": b"x" * at + JWT.encode() + b"x" * 5_000_000})

        assert look(folder).outcome is Outcome.FAILED, at


def test_a_short_value_is_not_searched_for(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "a"})

    result = look(tmp_path, JWT_SECRET="tomato")

    assert result.outcome is Outcome.UNVERIFIED
    assert "stands in any repository by chance" in result.summary


def test_an_address_without_a_password_is_no_secret(tmp_path: Path) -> None:
    repository(tmp_path, {"README.md": "postgresql://localhost/chef"})

    result = look(tmp_path, "DATABASE_URL", DATABASE_URL="postgresql://localhost/chef")

    assert result.outcome is Outcome.NOT_APPLICABLE


def test_a_shallow_clone_is_no_evidence(tmp_path: Path) -> None:
    whole, shallow = tmp_path / "whole", tmp_path / "shallow"
    whole.mkdir()
    repository(whole, {"a": JWT})
    commit(whole, {"a": "b"})
    git(tmp_path, "clone", "--quiet", "--depth=1", whole.as_uri(), str(shallow))

    result = look(shallow)

    assert result.outcome is Outcome.UNVERIFIED
    assert "fetch --unshallow" in result.remedy


def test_a_clone_that_lacks_objects_is_no_evidence(tmp_path: Path) -> None:
    head = repository(tmp_path, {"a": "something"})
    blob = git(tmp_path, "rev-parse", f"{head}:a")
    (tmp_path / ".git/objects" / blob[:2] / blob[2:]).unlink()

    result = look(tmp_path)

    assert result.outcome is Outcome.UNVERIFIED
    assert "lacks objects" in result.summary


def test_no_repository_is_no_evidence(tmp_path: Path) -> None:
    result = verify(ITEM, "JWT_SECRET", repository=tmp_path)

    assert result.outcome is Outcome.UNVERIFIED
    assert "no git repository" in result.summary


# --- a repository made to attack its reader


def test_nothing_of_the_repository_is_run_or_changed(tmp_path: Path) -> None:
    folder, trap = tmp_path / "r", tmp_path / "sprung"
    folder.mkdir()
    files: dict[str, str | bytes] = {"a": f"x {JWT}\n", ".gitattributes": "* filter=f diff=d\n"}
    repository(folder, files)
    run = f"{sys.executable} -c \"open('{trap}', 'w')\""
    for key in (
        "filter.f.clean", "filter.f.smudge", "filter.f.process", "diff.d.textconv",
        "diff.d.command", "diff.external", "core.fsmonitor", "core.pager", "pager.log",
        "core.editor", "core.sshCommand", "uploadpack.packObjectsHook", "gpg.program",
        "core.alternateRefsCommand", "alias.cat-file", "interactive.diffFilter",
    ):  # fmt: skip
        git(folder, "config", key, run)
    for hook in ("post-index-change", "post-checkout", "pre-auto-gc", "reference-transaction"):
        path = folder / ".git/hooks" / hook
        path.write_text(f"#!/bin/sh\n{run}\n")
        path.chmod(0o755)
    (folder / "a").write_text(f"changed {JWT}\n")
    (folder / "a").touch()
    before = state(folder)

    result = look(folder)

    assert result.outcome is Outcome.FAILED
    assert not trap.exists()
    assert state(folder) == before


def state(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its content's hash."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_paths_made_to_confuse_are_shown_on_one_line(tmp_path: Path) -> None:
    name = "a\nb\x1b[31m\u202ered.txt"
    repository(tmp_path, {name: JWT})

    result = look(tmp_path)

    assert result.outcome is Outcome.FAILED
    told = result.summary + repr(result.evidence)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", told)


def test_a_path_that_is_no_utf8_harms_nothing(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "a"})
    (tmp_path / os.fsdecode(b"caf\xe9.txt")).write_text(JWT)
    commit(tmp_path, {})

    result = look(tmp_path)

    assert result.outcome is Outcome.FAILED
    assert "caf\\xe9.txt" in result.summary


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "r", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "secret.txt").write_text(JWT)
    repository(folder, {"a": "a", "d/secret.txt": "harmless"})
    (folder / "link").symlink_to(outside / "secret.txt")
    (folder / "d/secret.txt").unlink()
    (folder / "d").rmdir()
    (folder / "d").symlink_to(outside)
    os.mkfifo(folder / "pipe")

    assert look(folder).outcome is Outcome.PASSED


def test_a_tree_that_unfolds_without_end_is_read_once(tmp_path: Path) -> None:
    repository(tmp_path, {"a": "a"})
    tree = git(tmp_path, "rev-parse", "HEAD^{tree}")
    for _ in range(12):
        entries = "".join(f"040000 tree {tree}\td{i}\n" for i in range(10))
        tree = git(tmp_path, "mktree", stdin=entries)
    bomb = git(tmp_path, "commit-tree", tree, "-m", "bomb", "-p", "HEAD")

    result = verify(ITEM, "JWT_SECRET", repository=tmp_path, commit=bomb)
    strength = verify("secrets.strength", "JWT_SECRET", repository=tmp_path, commit=bomb)

    assert result.outcome is strength.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["objects"] == 16


def test_a_graft_hides_nothing(tmp_path: Path) -> None:
    repository(tmp_path, {"a": JWT})
    head = commit(tmp_path, {"a": "b"})
    (tmp_path / ".git/info").mkdir(exist_ok=True)
    (tmp_path / ".git/info/grafts").write_text(f"{head}\n")

    assert look(tmp_path).outcome is Outcome.FAILED


def test_a_replaced_object_hides_nothing(tmp_path: Path) -> None:
    repository(tmp_path, {"a": JWT})
    commit(tmp_path, {"a": "harmless"})
    git(
        tmp_path,
        "replace",
        git(tmp_path, "rev-parse", "HEAD~1:a"),
        git(tmp_path, "rev-parse", "HEAD:a"),
    )

    assert look(tmp_path).outcome is Outcome.FAILED
