"""ci.commit-on-main, ci.command and ci.security-alerts on real repositories and GitHub's double."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from pytest_chefrelease.rehearsal.doubles.github.state import alert, published
from pytest_chefrelease.rehearsal.repository import git
from pytest_chefrelease.runbook.command_output import count_warnings
from pytest_chefrelease.runbook.evidence import Text
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from tests.checks.looking import verified, verify
from tests.checks.work_tree import WorkTree
from tests.probes.github_double import SLUG, TOKEN, github


class Product:
    """A repository of two commits on main, with its origin."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.origin = WorkTree.make(folder / "product"), folder / "origin.git"
        self.tree.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        self.tree.git("remote", "add", "origin", str(self.origin))
        self.tree.commit({"a.ts": "1", ".gitignore": "dist\n"})
        self.commit = self.tree.commit({"a.ts": "2"})
        self.tree.git("push", "--quiet", "origin", "main")

    def look(self, item: str, *, path: Path | None = None, **given: object) -> Result:
        where = path or self.tree.path
        return verified(
            item,
            {"ci": given.pop("ci", {})},
            stage=Stage.PRERELEASE,
            release=Release("v1.5.0", git(where, "rev-parse", "HEAD"), "production"),
            repository=where,
            environment={"PATH": os.environ["PATH"], "JWT_SECRET": "s3cr3t", "HOME": "/nowhere"},
            **given,
        )

    def run(self, command: object) -> Result:
        return self.look("ci.command", ci={"commands": {"it": command}})


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product(tmp_path)


def output(result: Result) -> str:
    assert result.evidence is not None
    (text,) = (one for one in result.evidence.attachments if isinstance(one, Text))
    return text.content


# --- on main


def test_the_tip_of_main_and_what_is_behind_it_pass(product: Product) -> None:
    assert product.look("ci.commit-on-main").summary.endswith("is the tip of origin/main")

    product.tree.commit({"a.ts": "3"})
    product.tree.git("push", "--quiet", "origin", "main")
    product.tree.git("checkout", "--quiet", "--detach", "HEAD~1")
    result = product.look("ci.commit-on-main")
    assert (result.outcome, "in the history of origin/main" in result.summary) == (
        Outcome.PASSED,
        True,
    )


def test_a_commit_that_was_not_merged_fails(product: Product) -> None:
    product.tree.git("checkout", "--quiet", "-b", "topic")
    product.tree.commit({"a.ts": "topic"})
    product.tree.git("push", "--quiet", "origin", "topic")

    result = product.look("ci.commit-on-main")

    assert result.outcome is Outcome.FAILED
    assert f"is not on origin/main, which stands on {product.commit[:7]}" in result.summary


def test_main_as_it_is_at_the_remote_counts_not_as_it_was_fetched(product: Product) -> None:
    git(product.origin, "update-ref", "refs/heads/main", "main~1")

    assert product.look("ci.commit-on-main").outcome is Outcome.FAILED


def test_a_clone_that_is_behind_is_told_to_fetch(product: Product, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", f"file://{product.origin}", "other")
    product.tree.commit({"a.ts": "3"})
    product.tree.git("push", "--quiet", "origin", "main")

    result = product.look("ci.commit-on-main", path=tmp_path / "other")

    assert result.outcome is Outcome.UNVERIFIED
    assert "git fetch origin main" in result.remedy


# --- commands


def test_a_command_sees_the_commit_and_not_the_work_tree(product: Product) -> None:
    (product.tree.path / "a.ts").write_text("changed since")
    (product.tree.path / "dist").mkdir()
    product.tree.git("tag", "--annotate", "--message=x", "v1.5.0")

    result = product.run({"run": "cat a.ts; ls; git describe; git status -s", "shell": True})

    assert result.outcome is Outcome.PASSED
    assert output(result).split() == ["2a.ts", "v1.5.0"]


def test_a_command_gets_no_secret_and_nothing_of_the_repositorys_configuration(
    product: Product, tmp_path: Path
) -> None:
    product.tree.commit({".gitattributes": "*.ts filter=evil\n"})
    product.tree.git("config", "filter.evil.smudge", f"touch {tmp_path / 'ran'}; cat")
    hook = product.tree.path / ".git/hooks/post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
    hook.chmod(0o755)

    result = product.run({"run": "env; git config --local --list; ls .git/hooks", "shell": True})

    assert "CI=true" in output(result)
    assert "s3cr3t" not in repr(result)
    assert "filter.evil" not in output(result)
    assert not (tmp_path / "ran").exists()


def test_a_failing_command_is_red_with_its_last_words(product: Product) -> None:
    result = product.run({"run": "echo linting; echo 'error: no' >&2; exit 3", "shell": True})

    assert (result.outcome, result.severity) == (Outcome.FAILED, "P2")
    assert result.summary.startswith("exit code 3: error: no")
    assert "linting" in output(result)


def test_a_command_that_takes_too_long_is_ended(product: Product) -> None:
    result = product.run({"run": "sleep 30", "timeout": "200ms"})

    assert result.outcome is Outcome.FAILED
    assert "not finished" in result.summary


def test_warnings_are_counted_and_do_not_fail(product: Product) -> None:
    result = product.run("echo '✖ 3 problems (0 errors, 3 warnings)'")

    assert (result.outcome, "3 warnings" in result.summary) == (Outcome.PASSED, True)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("all fine", 0),
        ("0 warnings", 0),
        ("a.ts: warning: unused\n[WARN] deprecated\nok", 2),
        ("api: ✖ 3 problems (0 errors, 3 warnings)\nweb: 1 warning\nwarning: x", 4),
    ],
)
def test_a_commands_own_sum_counts_before_its_lines(text: str, count: int) -> None:
    assert count_warnings(text) == count


def test_a_program_that_is_not_installed_leaves_it_open(product: Product) -> None:
    result = product.run("no-such-program lint")

    assert result.outcome is Outcome.UNVERIFIED
    assert "no-such-program cannot be run" in result.summary


def test_a_shallow_clone_can_be_checked_out_too(product: Product, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{product.origin}", "shallow")

    result = product.look(
        "ci.command",
        path=tmp_path / "shallow",
        ci={"commands": {"it": "git log --oneline"}},
    )

    assert result.outcome is Outcome.PASSED
    assert len(output(result).splitlines()) == 1


def test_commands_run_side_by_side_and_leave_nothing_behind(
    product: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = product.tree.git("status", "--porcelain", "--ignored")
    commands = {name: {"run": "touch written; sleep 0.5; ls", "shell": True} for name in "abcd"}

    async def all_at_once() -> list[Result]:
        looks = [
            verify(
                "ci.command",
                {"ci": {"commands": commands}},
                stage=Stage.PRERELEASE,
                release=Release("v1.5.0", product.commit, "production"),
                parameter=name,
                repository=product.tree.path,
                environment={"PATH": os.environ["PATH"]},
            )
            for name in commands
        ]
        return await asyncio.gather(*looks)

    began = time.monotonic()
    results = asyncio.run(all_at_once())
    took_s = time.monotonic() - began

    assert [result.outcome for result in results] == [Outcome.PASSED] * 4
    assert sum(float(str(result.duration_s)) for result in results) > took_s
    assert list(temporary.iterdir()) == []
    assert product.tree.git("status", "--porcelain", "--ignored") == before


def test_without_commands_the_item_is_not_applicable(product: Product) -> None:
    assert product.look("ci.command").outcome is Outcome.NOT_APPLICABLE


# --- alerts, and releases at GitHub


def at_github(product: Product, item: str, **state: object) -> Result:
    async def go() -> Result:
        async with github(product.commit, **state) as running:  # type: ignore[arg-type]
            return await verify(
                item,
                {"ci": {"api_url": running.url, "repository": SLUG}},
                stage=Stage.PRERELEASE,
                release=Release("v1.5.0", product.commit, "production"),
                repository=product.tree.path,
                environment={"GITHUB_TOKEN": TOKEN},
            )

    return asyncio.run(go())


@pytest.mark.parametrize("kind", ["secret", "code", "dependency"])
def test_a_grave_alert_warns_with_what_it_is(product: Product, kind: str) -> None:
    found = alert(kind, "Something leaks", product.commit, "critical")
    mild = [
        alert(kind, "Fixed", product.commit, state="fixed"),
        alert("code", "Mild", product.commit, "medium"),
    ]

    result = at_github(product, "ci.security-alerts", alerts=[*mild, found])

    assert (result.outcome, result.blocking) == (Outcome.FAILED, False)
    assert result.summary.startswith("1 critical or high alerts are open: critical: ")
    assert "Something leaks" in result.summary


def test_without_alerts_it_passes_and_without_scans_it_does_not_apply(product: Product) -> None:
    assert at_github(product, "ci.security-alerts").outcome is Outcome.PASSED

    off = at_github(product, "ci.security-alerts", has_security_features=False)
    assert off.outcome is Outcome.NOT_APPLICABLE
    assert product.look("ci.security-alerts").outcome is Outcome.NOT_APPLICABLE


def test_a_release_at_github_stands_for_a_changelog(product: Product) -> None:
    notes = published("v1.5.0", "## New features\n- Channels.\n")

    result = at_github(product, "version.release-notes", releases=[notes])
    missing = at_github(product, "version.release-notes")

    assert (result.outcome, "release v1.5.0 at GitHub" in result.summary) == (Outcome.PASSED, True)
    assert missing.outcome is Outcome.FAILED
    assert "no CHANGELOG.md, release v1.5.0 at GitHub" in missing.summary
