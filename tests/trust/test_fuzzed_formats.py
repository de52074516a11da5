"""Whatever stands in files, logs, repositories and health: no traceback, no hang, no GO."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.git import GitProbe, identify_release, semantic_version
from pytest_chefrelease.probes.logs.scan import Scanner
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.probes.prisma import read_release_migrations
from pytest_chefrelease.report.json_text import json_text
from pytest_chefrelease.runbook.commits import Commit
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.log_tally import Tally
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.release_notes import notes_for, whole
from pytest_chefrelease.settings.load import load_settings
from pytest_chefrelease.settings.model import Settings
from tests.checks.work_tree import WorkTree
from tests.logs.writing import T0, pino
from tests.settings.test_fuzz import lines_about
from tests.trust.bad_world import Ground, toml_at
from tests.trust.documents import MadeUp
from tests.trust.fuzzed_world import FuzzedWorld, is_defect

FREE = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
LIMIT_S = 2.0
"""Of the processor's time; none of these takes a hundredth of it."""


@contextmanager
def bounded() -> Iterator[None]:
    begin = time.process_time()
    yield
    assert time.process_time() - begin < LIMIT_S


pieces = st.text(max_size=8) | st.sampled_from(
    ["[", "]", "[[", "]]", "=", '"', "'", "\n", "\\", "{", "}", ",", "#", '"""', "\0", "\ud800"]
)


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """A text with up to four places left out, doubled, or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 30)))
        middle = draw(st.just("") | pieces | st.just(text[begin:end] * 2))
        text = text[:begin] + middle + text[end:]
    return text


ground = Ground(Path("/srv"), Release("v1.5.0", None, "production"), Path("/srv/backups"), "")
good_toml = toml_at("https://shop.example", ground)


@given(mutated(good_toml).map(lambda text: text.encode(errors="surrogatepass")) | st.binary())
@FREE
@example(b"\xef\xbb\xbf[release]\n")
@example(b"a = " + b"[" * 5_000)
@example(b"a = " + b"9" * 5_000)
@example(b"a" + b".a" * 2_000 + b" = 1")
@example(b"[release]\ndeployed_at = 0001-01-01T00:00:00+14:00\n")
def test_any_release_toml_is_settings_or_refused_line_by_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "release.toml").write_bytes(data)

    with bounded():
        lines = lines_about(lambda: load_settings(tmp_path, {}, {}))

    assert [line for line in lines if not line.startswith("release.toml")] == []
    assert [line for line in lines if len(line.splitlines()) != 1] == []


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["ok", "up", "1.5.0", "v1.5.0", 10**400, 1e308, "2026-11-24T10:30:00"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["status", "version", "timestamp", "uptime", "services", "database", "commit"]
            )
            | st.text(max_size=5),
            inner,
            max_size=7,
        )
    ),
    max_leaves=20,
)
well = st.fixed_dictionaries(
    {"status": st.just("ok") | json_values, "version": st.just("1.5.0") | json_values},
    optional={
        "timestamp": st.builds(lambda: datetime.now(UTC).isoformat()) | json_values,
        "services": st.just({"database": "up"}) | json_values,
        "uptime": st.just(12) | json_values,
        "commit": json_values,
    },
)
bodies = st.builds(json.dumps, json_values | well).flatmap(lambda t: st.just(t) | mutated(t))
HEALTH_ITEMS = (
    *("health.endpoint", "health.readiness", "deploy.executed[api]", "backup.fresh"),
    "logs.no-5xx",
)


@given(bodies)
@FREE
@example('{"status": "ok", "version": "1.5.0", "uptime": ' + "9" * 400 + "}")
@example('{"status": "ok", "services": ' + '{"a":' * 20_000)
@example('{"status": "\\ud800", "version": "\\udfff", "services": {"\\ud800": "\\ud800"}}')
def test_any_answer_of_health_is_judged_and_only_a_good_one_passes(
    tmp_path: Path, body: str
) -> None:
    (tmp_path / "shop.dump").write_bytes(b"PGDMP")
    (tmp_path / "api.json").write_text(pino(0))
    api = {"api": "http://shop.example", "readiness": "/readiness"}
    tables = {
        "environments": {"production": api},
        "backup": {"path": str(tmp_path / "*.dump")},
        "logs": {"source": f"file:{tmp_path / 'api.json'}"},
        "deploy": {"settle": "1ms", "every": "100ms"},
    }
    release = Release("v1.5.0", None, "production")
    world = FuzzedWorld(Settings.model_validate(tables), tmp_path, {}, release)
    made = MadeUp(200, {"content-type": "application/json"}, body.encode(errors="surrogatepass"))

    async def go() -> list[Result]:
        return [
            await world.look(item, Stage.POSTRELEASE, lambda _path: made) for item in HEALTH_ITEMS
        ]

    with bounded():
        results = asyncio.run(go())
        text = json_text([dict(r.evidence.facts) for r in results if r.evidence is not None])

    assert [result.summary for result in results if is_defect(result)] == []
    assert json.loads(text) is not None
    if results[0].outcome is Outcome.PASSED:
        health = json.loads(body)
        assert str(health["status"]).lower() == "ok"
        assert health["version"] in ("1.5.0", "v1.5.0")
        assert health["services"]
    assert results[3].outcome is not Outcome.PASSED


log_lines = st.builds(
    lambda at, status, more: pino(at, status, **more),
    st.floats(-100, 100),
    st.sampled_from([200, 401, 500, 503, 0, 99_999]),
    st.dictionaries(
        st.sampled_from(["time", "level", "msg", "err", "responseTime", "req", "res", "url"]),
        json_values,
        max_size=3,
    ),
).flatmap(lambda text: st.just(text) | mutated(text))
log_bytes = st.lists(
    log_lines.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=40),
    max_size=12,
).map(b"\n".join)


@given(log_bytes)
@FREE
@example(b"2026-11-24T10:30:00Z " + b"{" * 50_000)
@example(b'1.2.3.4 - - [24/Nov/2026:10:30:00 +0000] "' + b"\\" * 50_000)
@example(b"x " * 50_000)
@example(b'{"level":50,"msg":"' + b"7f" * 30_000 + b'"}')
def test_any_lines_of_a_log_are_counted(data: bytes) -> None:
    tally = Tally()
    scanner = Scanner(tally, Window(T0 - 50_000, T0 + 50_000))

    with bounded():
        scanner.feed(data)
        scanner.fold()

    assert tally.lines <= data.count(b"\n") + 1
    assert tally.server_errors <= tally.requests <= tally.lines
    for counts in tally.latency.values():
        assert all(0 <= took_ms < float("inf") for took_ms in counts)


fragments = st.sampled_from(
    [
        *(
            "# ",
            "## [1.5.0]",
            "1.5.0",
            "\n",
            "===",
            "---",
            "- none",
            "None.",
            "N/A",
            "#",
            " ",
            "\t",
        ),
        *("### Breaking changes", "Added", "<!--", "```", "v1.5.0-rc.1+b", ".", "a", "\r\n", "*"),
    ]
)
changelogs = st.lists(
    st.tuples(fragments | st.text(max_size=5), st.sampled_from([1, 1, 2, 3, 4_000])), max_size=12
).map(lambda parts: "".join(text * count for text, count in parts))


@given(changelogs)
@FREE
def test_any_changelog_and_message_is_read_in_one_pass(text: str) -> None:
    commit = Commit("a" * 40, (), "Ann", "ann@shop.example", text[:200], text)
    with bounded():
        for notes in (whole(text), notes_for(text, "1.5.0")):
            if notes is not None:
                assert notes.announces_breaking_changes in (True, False)
                assert not (notes.is_empty and notes.announces_breaking_changes)
        assert commit.writers == {"ann@shop.example"}
        assert commit.step.word


versions = st.from_regex(r"v?\d{1,30}\.\d{1,30}\.\d{1,30}(-[0-9A-Za-z.-]{0,20})?", fullmatch=True)


@given(st.text(max_size=40) | versions | versions.flatmap(mutated), st.sampled_from(["", "v", "x"]))
@FREE
@example("v" + "9" * 5_000 + ".0.0", "")
def test_any_tag_is_a_version_or_none(tag: str, prefix: str) -> None:
    with bounded():
        found = semantic_version(tag, prefix)

    assert found is None or str(found) == tag.removeprefix(prefix).removeprefix("v")


def test_odd_tags_beside_the_releases_change_nothing(tmp_path: Path) -> None:
    tree = WorkTree.make(tmp_path)
    tree.commit({"a": "1"})
    tree.git("tag", "--annotate", "--message=\x1f\x1e\n\n%00%n", "v1.5.0")
    head = tree.git("rev-parse", "HEAD")
    odd = ("v" + "9" * 200 + ".0", "v1.5", "v01.5.0", "v1.5.0-", "%00", "\u0665.0.0", "a/v1.6.0")
    names = (*odd, "$(touch${IFS}x)", "-v1.6.0", "v1.6.0\u2028", "v1.6.0;", "V1.6.0", "\udcff1.6.0")
    lines = "".join(f"create refs/tags/{name} {head}\n" for name in names)
    command = ["git", "update-ref", "--stdin"]
    subprocess.run(command, cwd=tmp_path, input=lines.encode(errors="surrogateescape"), check=True)

    release = identify_release(Settings(), tmp_path)

    assert (release.version, release.commit, release.problem) == ("v1.5.0", head, None)
    assert not (tmp_path / "x").exists()


FOLDER = "packages/db/prisma/migrations"
names = (
    st.sampled_from(["20250101000000_init", "init", "\u00fc", "a b", 'q"', "\udcff", "-x", "%00"])
    | st.text(st.characters(exclude_characters="/\0\n", exclude_categories=["Cs"]), min_size=1)
).filter(lambda name: name not in (".", "..", ".git"))
trees = st.dictionaries(
    st.builds(
        lambda name, file: f"{name}/{file}", names, st.sampled_from(["migration.sql", "x.md"])
    )
    | st.just("migration_lock.toml"),
    st.binary(max_size=60)
    | mutated('provider = "postgresql"\n').map(lambda t: t.encode("utf-8", "replace")),
    max_size=6,
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return WorkTree.make(tmp_path_factory.mktemp("migrations")).path


@given(trees)
@settings(FREE, max_examples=40)
def test_any_directory_of_migrations_is_read_or_refused(
    repository: Path, files: dict[str, bytes]
) -> None:
    commit = imported(repository, files)

    with bounded():
        try:
            found = read_release_migrations(GitProbe(repository), commit, FOLDER)
        except NotConfigured:
            assert not any(path.endswith("/migration.sql") for path in files)
            return

    scripts = {path.rpartition("/")[0] for path in files if path.endswith("/migration.sql")}
    assert {script.name for script in found.scripts} == scripts
    assert len(found.lock_problem or "") <= 200


def imported(repository: Path, files: dict[str, bytes]) -> str:
    """A commit of these files, made by fast-import: names that no file system takes, too."""
    lines = [b"commit refs/heads/fuzzed\ncommitter T <t@shop.example> 0 +0000\ndata 0\ndeleteall\n"]
    for path, data in {f"{FOLDER}/{p}": d for p, d in files.items()}.items():
        raw = "".join(f"\\{byte:03o}" for byte in path.encode(errors="surrogateescape"))
        lines.append(f'M 100644 inline "{raw}"\ndata {len(data)}\n'.encode() + data + b"\n")
    command = ["git", "fast-import", "--quiet", "--force"]
    subprocess.run(command, cwd=repository, input=b"".join(lines), check=True)
    return subprocess.check_output(
        ["git", "rev-parse", "refs/heads/fuzzed"], cwd=repository, text=True
    ).strip()
