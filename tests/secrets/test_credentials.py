"""secrets.no-credentials-in-release: what detectors see in what a release adds."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from pytest_chefrelease.probes.credentials import choose
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.secrets.world import commit, git, repository, verify

ITEM = "secrets.no-credentials-in-release"
GITHUB = "ghp_" + "Zk3vR8xW2pT7qN5mB9cF4yH6jL1dS0gAeUiO"
AWS = "AKIA" + "Q7XM2ZVN4KTP6RWB"
KEY = "-----BEGIN RSA PRIVATE" + " KEY-----"


def release(folder: Path, *changes: dict[str, str | bytes | None]) -> str:
    """A release after v1.0.0; each change is a commit. Gives its hash."""
    repository(folder, {"a.txt": "one\n"})
    git(folder, "tag", "--annotate", "v1.0.0", "-m", "Release v1.0.0")
    for change in changes:
        commit(folder, change)
    return git(folder, "rev-parse", "HEAD")


def look(folder: Path, head: str, **secrets: object) -> Result:
    tables = {
        "release": {"previous_version": "v1.0.0"},
        "secrets": {"source": "env", **secrets},
    }
    return verify(ITEM, repository=folder, commit=head, tables=tables)


@pytest.fixture(autouse=True)
def no_gitleaks_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is what is tested here, also where somebody has installed the program."""
    real = shutil.which
    monkeypatch.setattr("shutil.which", lambda name: None if name == "gitleaks" else real(name))


def test_a_release_that_adds_none_passes(tmp_path: Path) -> None:
    head = release(tmp_path, {"b.ts": "export const a = 1;\n", "logo.png": b"\x89PNG\0\0"})

    result = look(tmp_path, head)

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["lines"] == 1
    assert result.evidence.facts["binary_files"] == 1
    assert str(result.evidence.facts["detector"]).startswith("detect-secrets 1.")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"token: {GITHUB}", "GitHub Token"),
        (f"aws_key = '{AWS}'", "AWS Access Key"),
        (KEY, "Private Key"),
        ("url: https://deploy:Xr7pQ2mK9vTz@registry.chefcloud.io/x", "Basic Auth Credentials"),
    ],
)
def test_a_credential_fails_with_file_and_line_and_without_itself(
    tmp_path: Path, text: str, kind: str
) -> None:
    head = release(tmp_path, {"deploy/ci.yml": f"on: push\n\n{text}\n"})

    result = look(tmp_path, head)

    assert result.outcome is Outcome.FAILED
    assert result.summary.startswith(f"{kind} in deploy/ci.yml, line 3")
    assert text not in result.summary + repr(result.evidence)


def test_a_credential_that_was_added_and_removed_again_fails(tmp_path: Path) -> None:
    head = release(tmp_path, {"b": f"{GITHUB}\n"}, {"b": "clean\n"})

    assert look(tmp_path, head).outcome is Outcome.FAILED


def test_what_the_previous_release_had_already_is_not_of_this_one(tmp_path: Path) -> None:
    repository(tmp_path, {"a.txt": f"one\n{GITHUB}\n"})
    git(tmp_path, "tag", "--annotate", "v1.0.0", "-m", "Release v1.0.0")
    head = commit(tmp_path, {"a.txt": f"one\n{GITHUB}\ntwo\n"})

    result = look(tmp_path, head)

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["lines"] == 1


def test_an_audited_allowance_lets_one_credential_pass_and_shows_it(tmp_path: Path) -> None:
    head = release(tmp_path, {"tests/fixture.txt": f"{GITHUB}\n"})
    failed = look(tmp_path, head)
    assert failed.evidence is not None
    fingerprint = failed.evidence.attachments[0].rows[0][3]  # type: ignore[union-attr]
    allowed = {
        "path": "tests/*",
        "fingerprint": fingerprint,
        "reason": "revoked",
        "audited_by": "Ada",
    }

    assert look(tmp_path, head, allowed=[allowed]).outcome is Outcome.PASSED
    other = [{**allowed, "fingerprint": "0" * 16}]
    assert look(tmp_path, head, allowed=other).outcome is Outcome.FAILED


def test_a_comment_in_the_file_allows_nothing(tmp_path: Path) -> None:
    head = release(tmp_path, {"b": f"{GITHUB}  # pragma: allowlist secret, gitleaks:allow\n"})

    assert look(tmp_path, head).outcome is Outcome.FAILED


def test_examples_and_hints_are_shown_and_do_not_fail(tmp_path: Path) -> None:
    head = release(tmp_path, {"b": "key: AKIAIOSFODNN7EXAMPLE\npassword = 'whatever9'\n"})

    result = look(tmp_path, head)

    assert result.outcome is Outcome.PASSED
    assert result.evidence is not None
    assert result.evidence.facts["hints"] == 2


def test_a_long_line_is_looked_through_to_its_end(tmp_path: Path) -> None:
    head = release(tmp_path, {"bundle.js": "var a=1;" * 5_000 + f'"{GITHUB}"' + ";b()" * 500})

    assert look(tmp_path, head).outcome is Outcome.FAILED


def test_a_file_too_large_to_look_at_is_no_evidence(tmp_path: Path) -> None:
    head = release(tmp_path, {"dump.sql": "insert;\n" * 700_000})

    result = look(tmp_path, head)

    assert result.outcome is Outcome.UNVERIFIED
    assert "dump.sql" in result.summary
    allowed = [{"path": "dump.sql", "reason": "public menu data", "audited_by": "Ada"}]
    assert look(tmp_path, head, allowed=allowed).outcome is Outcome.PASSED


def test_a_previous_release_that_is_not_here_is_no_evidence(tmp_path: Path) -> None:
    head = repository(tmp_path, {"a": "a"})

    result = look(tmp_path, head)

    assert result.outcome is Outcome.UNVERIFIED
    assert "git fetch --tags" in result.remedy


def test_without_a_detector_the_line_that_installs_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = release(tmp_path, {"b": "b\n"})
    monkeypatch.setitem(sys.modules, "detect_secrets.core.plugins.util", None)

    result = look(tmp_path, head)

    assert result.outcome is Outcome.UNVERIFIED
    assert "pip install 'pytest-chefrelease[detect]'" in result.remedy


# A stand-in that keeps to gitleaks' documented command line and report.
GITLEAKS = """#!{python}
import json, pathlib, sys
if sys.argv[1] == "version":
    print("8.24.0")
    sys.exit()
options = dict(zip(sys.argv[2:], sys.argv[3:]))
assert sys.argv[1] == "stdin" and "--redact" in sys.argv and "--ignore-gitleaks-allow" in sys.argv
assert "useDefault = true" in pathlib.Path(options["--config"]).read_text()
assert [path.name for path in pathlib.Path().iterdir()] == ["rules.toml"]
report = {report}
for number, line in enumerate(sys.stdin.buffer.read().split(b"\\n"), 1):
    at = line.find(b"ghp_")
    if at >= 0:
        report.append(dict(RuleID="github-pat", StartLine=number, EndLine=number, File="",
            StartColumn=at + 1, EndColumn=at + 40, Match="REDACTED", Secret="REDACTED"))
pathlib.Path(options["--report-path"]).write_text(json.dumps(report))
sys.exit({status})
"""


def gitleaks(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, report: str = "[]", status: int = 0
) -> None:
    program = folder / "bin/gitleaks"
    program.parent.mkdir()
    text = GITLEAKS.format(python=sys.executable, report=report, status=status)
    program.write_text(text)
    program.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda name: str(program) if name == "gitleaks" else None)


def test_gitleaks_is_preferred_and_its_finds_are_placed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    head = release(folder, {"b": "b\r\n\r\n", "c": f"x\nkey: {GITHUB}\n"})
    gitleaks(tmp_path, monkeypatch)

    result = look(folder, head)

    assert result.outcome is Outcome.FAILED
    assert result.summary.startswith("github-pat in c, line 2")
    assert result.evidence is not None
    assert result.evidence.facts["detector"] == "gitleaks 8.24.0"


@pytest.mark.parametrize(
    ("report", "status", "said"),
    [
        ("[]", 2, "ended with status 2"),
        ("[{'RuleID': 'x', 'StartLine': 99}]", 0, "a line that was not given"),
        ("['x']", 0, "no object"),
    ],
)
def test_a_gitleaks_that_does_not_work_is_no_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report: str, status: int, said: str
) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    head = release(folder, {"b": "b\n"})
    gitleaks(tmp_path, monkeypatch, report=report, status=status)

    result = look(folder, head)

    assert result.outcome is Outcome.UNVERIFIED
    assert said in result.summary


def test_the_library_is_chosen_without_gitleaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)

    assert choose.choose_detector().name.startswith("detect-secrets")
