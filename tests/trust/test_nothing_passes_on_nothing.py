"""No item passes on nothing: every item of the catalogue, against every kind of bad source.

Generated from the catalogue: a new item is here without anyone thinking of it. Where one of its
outcomes is right although the source is bad, it is named below, with the reason.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.rehearsal import repository
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.release import Release
from tests.trust.bad_world import Ground, Seen, look_at
from tests.trust.badness import BAD

_STATUS = "its status is what the item asks for; what the body must hold is health's to say"
_READ = "what is served was read, and holds no secret; whose page it is, routes and health say"
_ANSWERED = "requests were answered, in time, by a status that the endpoint may have"
_GUARDED = "401 is what who has no token has to get"
_OWN = "the verdict is the user's own script's"

RIGHT = {
    ("empty-object", "*smoke*[[]GET *"): _STATUS,
    ("empty-list", "*smoke*[[]GET *"): _STATUS,
    ("foreign-document", "*smoke*[[]GET *"): _STATUS,
    ("unauthorised", "*smoke*"): _STATUS,
    ("*", "staging.command[[]*"): _OWN,
    ("*-document", "secrets.not-served[[]api]"): _READ,
    ("empty-*", "secrets.not-served[[]api]"): _READ,
    ("foreign-page", "secrets.not-served[[]web]"): _READ,
    ("foreign-page", "*route*"): "a page with text: what a visitor sees is routes.browser's",
    ("unauthorised", "*preflight*"): _GUARDED,
    ("*", "latency.*"): _ANSWERED,
    ("empty-list", "ci.security-alerts"): "GitHub's own answer where no alert is open",
}
"""Passes that are right, by badness and label."""

RIGHT_INSIDE = {
    ("foreign", "version.clean-tree"): "nothing is uncommitted, whosever repository it is",
    ("foreign", "secrets.no-credentials-in-release"): "its one line was read, and is harmless",
    ("foreign", "secrets.present*"): "present is all that it asks; secrets.strength judges it",
    ("*", "secrets.rotation*"): "the date of the last change stands in release.toml",
    ("broken", "ci.commit-on-main"): "the remote was asked, and its main is the commit",
    ("broken", "env.value*"): "the environment is well, only the repository is broken",
    ("broken", "secrets.present*"): "likewise",
    ("broken", "secrets.strength*"): "likewise",
    ("broken", "secrets.distinct*"): "likewise",
    ("broken", "incident.flags"): "likewise",
    ("foreign", "env.value*"): "unset, as the matrix allows, where others are set",
}
"""The same for bad ground."""

WITHOUT_OBJECT = re.compile(
    "see secrets.present|no rotation schedule|has no object|no demo organisation|is a DSN"
    "|nothing was rolled back|first release|speaks no TLS|is optional"
    "|holds no (?:fly.toml|render.yaml)|carries no password"
    "|no freeze|there is no ledger|GITHUB_TOKEN is not set"
)
"""Why an item is not applicable: settings or the code say so, and no source was to be asked."""

OF_THIS_MACHINE = (
    *("ci.command", "ci.commit-on-main", "env.*", "incident.flags", "release.freeze"),
    *("release.track-record", "version.bump", "version.cadence", "version.clean-tree"),
    *("version.release-notes", "version.tag", "secrets.no-credentials-in-release"),
    *("secrets.not-in-blueprint", "secrets.not-in-repository", "secrets.present"),
    *("secrets.strength", "secrets.distinct", "secrets.rotation"),
)
"""Items whose source is the work tree or the environment: bad ground is for them, not servers."""

NOT_REACHED = {
    "routes.browser": "needs a browser; bad pages in a real one: tests/probes/test_browser.py",
    "routes.login": "needs a browser; bad logins in a real one: tests/checks/test_routes.py",
    "rollback.*": "only after a rollback",
    "watch.complete": "only in a watch: tests/checks/test_watch.py",
    "tls.certificate": "plain HTTP on loopback has none: tests/checks/test_tls.py",
    "secrets.rotation": "the rule is met by a date in release.toml, no source is asked",
    "release.track-record": "the ledger is the gate's own: tests/ledger",
    "release.freeze": "clock and settings are all it looks at; the rehearsal sets no freeze",
}
"""Items that a bad source does not reach, and what holds them instead."""


def named(names: tuple[str, ...] | dict[str, str], item: str) -> bool:
    return any(fnmatchcase(item, name) for name in names)


@pytest.fixture(scope="module")
def good_ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A good repository; the backups, logs and everything outside are bad."""
    folder = tmp_path_factory.mktemp("ground")
    made = repository.build(folder, "chefcloud/chefcloud", datetime.now(UTC))
    release = Release("v1.5.0", made.commit_of("v1.5.0"), "production", "v1.4.2")
    backups = folder / "backups"
    backups.mkdir()
    (backups / "empty.dump").touch()
    return Ground(made.path, release, backups, f"file:{folder / 'no-log.json'}")


@pytest.fixture(scope="module")
def outside(good_ground: Ground) -> list[Seen]:
    checks = [c for c in catalogue().values() if not named(OF_THIS_MACHINE, c.item.id)]
    return look_at(BAD, good_ground, checks)


def bad_grounds(folder: Path, good: Ground) -> Iterator[tuple[str, Ground]]:
    """Work trees and environments that hold nothing, or another's."""
    missing = folder / "no-such-folder"
    yield "missing", Ground(missing, Release("v1.5.0", None, "production"), missing, "", {})
    empty = folder / "empty"
    empty.mkdir()
    yield "no-repository", Ground(empty, Release("v1.5.0", None, "production"), empty, "", {})
    unborn = folder / "unborn"
    unborn.mkdir()
    repository.git(unborn, "init", "--quiet")
    blank = dict.fromkeys(("DATABASE_URL", "JWT_SECRET", "NODE_ENV", "GITHUB_TOKEN"), " ")
    yield "no-commit", Ground(unborn, Release("v1.5.0", None, "production"), unborn, "", blank)
    foreign = folder / "foreign"
    foreign.mkdir()
    repository.git(foreign, "init", "--quiet", "--initial-branch=main")
    (foreign / "README").write_text("another product", encoding="utf-8")
    repository.git(foreign, "add", "--all")
    who = ("-c", "user.name=A", "-c", "user.email=a@b.example")
    repository.git(foreign, *who, "commit", "--quiet", "--message=Begin")
    repository.git(foreign, "tag", "v1.5.0")
    commit = repository.git(foreign, "rev-parse", "HEAD")
    words = {"DATABASE_URL": "<html>", "JWT_SECRET": "null", "REDIS_URL": "{}", "NODE_ENV": "[]"}
    yield "foreign", Ground(foreign, Release("v1.5.0", commit, "production"), foreign, "", words)
    broken = folder / "broken"
    shutil.copytree(good.repository, broken)
    for path in (broken / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.unlink()
    # With good variables, so that what compares them with the repository comes to it.
    yield "broken", Ground(broken, good.release, broken, "")


@pytest.fixture(scope="module")
def inside(good_ground: Ground, tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    folder = tmp_path_factory.mktemp("bad")
    return [
        seen
        for name, ground in bad_grounds(folder, good_ground)
        for seen in look_at(BAD[:1], ground, name=name)
    ]


def assert_none_passed(seen: list[Seen], right: dict[tuple[str, str], str]) -> None:
    wrong = [
        f"{each.badness}: {each.result.label} {each.result.outcome}: {each.result.summary}"
        for each in seen
        if each.result.outcome not in (Outcome.FAILED, Outcome.UNVERIFIED)
        and not any(
            fnmatchcase(each.badness, badness) and fnmatchcase(each.result.label, label)
            for badness, label in right
        )
        and not (
            each.result.outcome is Outcome.NOT_APPLICABLE
            and WITHOUT_OBJECT.search(each.result.summary)
        )
    ]
    assert not wrong, "\n".join(wrong)


def test_no_item_passes_on_a_bad_system_outside(outside: list[Seen]) -> None:
    assert_none_passed(outside, RIGHT)


def test_no_item_passes_on_a_bad_work_tree_or_environment(inside: list[Seen]) -> None:
    assert_none_passed(inside, RIGHT_INSIDE)


def test_every_item_looked_at_its_bad_source(outside: list[Seen], inside: list[Seen]) -> None:
    looked = {each.item for each in (*outside, *inside) if each.kept_from is None}

    not_reached = sorted(set(catalogue()) - looked)

    assert [item for item in not_reached if not named(NOT_REACHED, item)] == []


def test_every_outside_item_came_to_the_bad_server(outside: list[Seen]) -> None:
    came = {each.item for each in outside if each.asked}
    files = ("backup.*", "deploy.announced", "release.*", "*.ui-spot-check", "rollback.*")
    programs = ("migrations.idempotent", "migrations.rehearsed", "logs.*")

    stayed = sorted({each.item for each in outside} - came)

    assert [i for i in stayed if not named((*files, *programs, *NOT_REACHED), i)] == []


def test_no_bad_source_is_a_defect_of_the_check(outside: list[Seen], inside: list[Seen]) -> None:
    crashed = {
        f"{each.badness}: {each.result.label}: {each.result.summary}"
        for each in (*outside, *inside)
        if "a defect in the check" in each.result.summary
    }

    assert sorted(crashed) == []


def test_every_red_line_says_what_to_do(outside: list[Seen], inside: list[Seen]) -> None:
    bare = {
        each.result.label
        for each in (*outside, *inside)
        if each.result.outcome in (Outcome.FAILED, Outcome.UNVERIFIED)
        and not (each.result.summary and each.result.remedy)
    }

    assert sorted(bare) == []
