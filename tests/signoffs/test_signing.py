"""Sign-offs from end to end: the command writes a note on a real repository, the gate reads it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.engine import Task, run
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.errors import ReleaseGateError
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.rehearsal.repository import git
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.checks.looking import verified
from tests.checks.work_tree import WorkTree

APPROVED, SPOT_CHECK = "release.approved", "staging.ui-spot-check"
ADA, BOB = ("Ada Keller", "ada@chefcloud.example"), ("Bob", "bob@chefcloud.example")


@dataclass
class Product:
    """A repository with one release commit by ``test@chefcloud.example``, and who signs it."""

    tree: WorkTree
    monkeypatch: pytest.MonkeyPatch
    tables: dict[str, object] = field(default_factory=dict)

    @property
    def head(self) -> str:
        return self.tree.git("rev-parse", "HEAD")

    def sign(self, *arguments: str, who: tuple[str, str] = ADA, code: int = 0) -> str:
        self.monkeypatch.chdir(self.tree.path)
        environment = {"GIT_COMMITTER_NAME": who[0], "GIT_COMMITTER_EMAIL": who[1]}
        done = CliRunner().invoke(chefrelease, ["sign", *arguments], env=environment)
        if isinstance(done.exception, ReleaseGateError):
            return str(done.exception)
        assert done.exit_code == code, done.output
        return done.output

    def look(self, item: str = APPROVED, **tables: object) -> Result:
        return verified(
            item,
            tables,
            stage=Stage.PRERELEASE,
            release=Release("v1.5.0", self.head, "production"),
            repository=self.tree.path,
        )


@pytest.fixture
def product(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Product:
    tree = WorkTree.make(tmp_path / "product")
    tree.commit({"a": "1"}, "feat: one")
    tree.commit({"a": "2"}, "feat: two")
    return Product(tree, monkeypatch)


def assert_open(result: Result, *parts: str) -> None:
    assert result.outcome is Outcome.UNVERIFIED, result.summary
    for part in parts:
        assert part in f"{result.summary} / {result.remedy}"


def test_a_missing_sign_off_is_told_with_the_command_to_type(product: Product) -> None:
    assert_open(
        product.look(),
        f"release.approved is not signed off for {product.head[:7]}",
        'chefrelease sign release.approved --note "..."',
    )


def test_a_signed_item_passes_with_who_when_and_the_note(product: Product) -> None:
    told = product.sign(SPOT_CHECK, "--note", "login, dashboard\nand orders")

    result = product.look(SPOT_CHECK)

    assert f"Signed {SPOT_CHECK} for no version ({product.head[:12]})" in told
    assert "git push origin refs/notes/release-signoffs" in told
    assert result.outcome is Outcome.PASSED
    assert "by Ada Keller <ada@chefcloud.example>: login, dashboard and orders" in result.summary
    assert result.evidence is not None
    assert result.evidence.commit == product.head
    assert abs((result.evidence.observed_at - datetime.now(UTC)).total_seconds()) < 60
    assert_open(product.look(APPROVED), "not signed off")


def test_plain_git_shows_it(product: Product) -> None:
    product.sign(APPROVED, "--note", "ship it")

    shown = product.tree.git("notes", "--ref=release-signoffs", "show")

    assert f"signed release.approved for {product.head} by Ada Keller" in shown
    assert shown.endswith("<ada@chefcloud.example>: ship it")


def test_several_people_sign_and_one_takes_it_back(product: Product) -> None:
    product.sign(APPROVED, who=ADA)
    product.sign(APPROVED, who=BOB)
    assert product.look().evidence is not None
    assert "Ada Keller <ada@chefcloud.example>, Bob <bob@" in product.look().summary

    product.sign(APPROVED, "--revoke", who=ADA)
    assert "Ada" not in product.look().summary
    product.sign(APPROVED, "--revoke", "--note", "wrong build", who=BOB)
    assert_open(product.look(), "revoked by Bob <bob@chefcloud.example> (wrong build)")

    product.sign(APPROVED, who=BOB)
    assert product.look().outcome is Outcome.PASSED


def test_nobody_revokes_what_another_signed(product: Product) -> None:
    product.sign(APPROVED, who=ADA)

    told = product.sign(APPROVED, "--revoke", who=BOB)

    assert "bob@chefcloud.example has not signed" in told
    assert product.look().outcome is Outcome.PASSED


def test_a_sign_off_is_void_for_another_commit(product: Product) -> None:
    product.sign(APPROVED)
    signed = product.head
    product.tree.commit({"a": "3"}, "fix: three")

    assert_open(product.look(), f"signed it for {signed[:7]}, which is another commit: void")


def test_a_note_that_git_carries_over_does_not_sign_the_new_commit(product: Product) -> None:
    product.sign(APPROVED)
    signed = product.head
    product.tree.git("commit", "--quiet", "--amend", "--message=feat: two, amended")
    product.tree.git("notes", "--ref=release-signoffs", "copy", signed, product.head)

    assert_open(product.look(), f"for {signed[:7]}, which is another commit: void")
    assert "void" in product.sign("--list")


def test_four_eyes_ask_for_somebody_who_did_not_write_the_change(product: Product) -> None:
    author = ("Test", "TEST@chefcloud.example")
    four_eyes = {"four_eyes": True}
    (product.tree.path / "release.toml").write_text("[verdict]\nfour_eyes = true\n")

    told = product.sign(APPROVED, who=author)
    assert "does not count by itself" in told
    assert_open(product.look(verdict=four_eyes), "signed only by who wrote the change")
    assert product.look().outcome is Outcome.PASSED

    product.sign(APPROVED, who=ADA)
    result = product.look(verdict=four_eyes)
    assert (result.outcome, "TEST@" in result.summary) == (Outcome.PASSED, False)


def test_co_authors_and_who_wrote_what_a_merge_brings_are_no_other_eyes(product: Product) -> None:
    product.tree.git("checkout", "--quiet", "-b", "topic")
    product.tree.git("config", "user.email", BOB[1])
    product.tree.commit({"b": "1"}, f"feat: b\n\nCo-authored-by: Ada Keller <{ADA[1]}>")
    product.tree.git("config", "user.email", "merger@chefcloud.example")
    product.tree.git("checkout", "--quiet", "main")
    product.tree.git("merge", "--quiet", "--no-ff", "--message=Merge topic", "topic")
    for who in (ADA, BOB):
        product.sign(APPROVED, who=who)

    assert_open(product.look(verdict={"four_eyes": True}), "only by who wrote the change")
    product.sign(APPROVED, who=("Test", "test@chefcloud.example"))
    assert product.look(verdict={"four_eyes": True}).outcome is Outcome.PASSED


def test_what_others_signed_is_fetched_where_the_clone_lacks_it(
    product: Product, tmp_path: Path
) -> None:
    product.sign(APPROVED)
    git(tmp_path, "clone", "--quiet", "--bare", str(product.tree.path), "origin.git")
    product.tree.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    product.tree.git("push", "--quiet", "origin", "refs/notes/release-signoffs")
    product.tree.git("update-ref", "-d", "refs/notes/release-signoffs")

    result = product.look()

    fetch = "git fetch origin refs/notes/release-signoffs:refs/notes/release-signoffs"
    assert_open(result, fetch)
    product.tree.git(*fetch.split()[1:], "--quiet")
    assert product.look().outcome is Outcome.PASSED


def test_an_unknown_item_and_an_unknown_person_are_refused(product: Product) -> None:
    assert "did you mean release.approved?" in product.sign("release.aproved")
    assert "Name an item: " in product.sign(code=2)
    product.tree.git("config", "--unset", "user.email")
    product.monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    product.monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    assert "git does not know who you are" in product.sign(APPROVED, who=("", ""))
    assert product.tree.git("for-each-ref", "refs/notes") == ""


def fingerprints(folder: Path) -> Mapping[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "objects" not in path.parts
    }


def test_signing_writes_the_notes_ref_and_nothing_else(product: Product, tmp_path: Path) -> None:
    hooks = product.tree.path / ".git/hooks"
    for name in ("reference-transaction", "post-commit", "pre-commit"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path / 'ran'}\n")
        (hooks / name).chmod(0o755)
    before = fingerprints(product.tree.path)

    product.sign(APPROVED)

    after = fingerprints(product.tree.path)
    changed = {name for name in after if after.get(name) != before.get(name)}
    notes = ".git/{}refs/notes/release-signoffs"
    assert changed <= {notes.format(""), notes.format("logs/")}
    assert before.keys() <= after.keys()
    assert not (tmp_path / "ran").exists()


def test_lines_that_nobody_signed_are_passed_over(product: Product) -> None:
    text = f"approved, Ada\nx signed {APPROVED} for {product.head} by Ada <a@b>\n"
    product.tree.git("notes", "--ref=release-signoffs", "add", f"--message={text}")

    assert_open(product.look(), "not signed off")


def test_a_watch_is_the_time_to_document_and_is_looked_at_when_it_ends(product: Product) -> None:
    said: list[str] = []
    settings = Settings()
    release = Release("v1.5.0", product.head, "production")

    async def watched() -> Result:
        watch, told = Watch(length_s=60.0, interval_s=0.05), asyncio.Event()

        def say(line: str) -> None:
            said.append(line)
            told.set()

        look = Context(
            settings=settings,
            release=release,
            stage=Stage.MONITORING,
            repository=product.tree.path,
            probes=Probes(settings, product.tree.path),
            once=Once(),
            say=say,
            watch=watch,
        )
        task = Task(catalogue()["release.documented"], None, timeout_s=10)
        running = asyncio.create_task(run(task, look))
        await told.wait()
        await asyncio.to_thread(product.sign, "release.documented")
        assert not running.done()
        watch.end("its time is over")
        return await running

    result = asyncio.run(watched())

    assert result.outcome is Outcome.PASSED, result.summary
    assert len(said) == 1
    assert "to be signed before the watch ends: chefrelease sign release.documented" in said[0]


# --- the freeze, which a sign-off opens


BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
FROZEN = {"windows": [{"from": BEGIN, "to": END, "reason": "year's end"}]}


def test_an_emergency_in_a_freeze_is_signed_and_shown(product: Product) -> None:
    frozen = product.look("release.freeze", release={"freeze": FROZEN})
    assert (frozen.outcome, frozen.severity) == (Outcome.FAILED, "P2")
    assert "releases are frozen: year's end, until 2099-01-01" in frozen.summary
    assert "chefrelease sign release.freeze" in frozen.remedy

    product.sign("release.freeze", "--note", "INC-12")
    opened = product.look("release.freeze", release={"freeze": FROZEN})
    assert opened.outcome is Outcome.PASSED
    assert "emergency release in a freeze (year's end" in opened.summary
    assert "INC-12" in opened.summary


def test_without_a_freeze_the_item_is_not_applicable(product: Product) -> None:
    assert product.look("release.freeze").outcome is Outcome.NOT_APPLICABLE
