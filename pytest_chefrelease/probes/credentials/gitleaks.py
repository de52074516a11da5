"""The program gitleaks (8.19 or newer), given the added lines on its standard input.

It reads no configuration of the repository, which could allow everything: its own default rules
are named by a file of ours. Values are redacted by gitleaks itself. Source: gitleaks' README,
"stdin", "--redact", "--ignore-gitleaks-allow".
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pytest_chefrelease.errors import Malformed, MissingExtra, NoAnswer
from pytest_chefrelease.probes.added_text import AddedLine
from pytest_chefrelease.probes.credentials.detector import Detected, fingerprint_of
from pytest_chefrelease.runbook.secret_strength import is_example

_RULES = "[extend]\nuseDefault = true\n"


class Gitleaks:
    """A gitleaks on PATH."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.name = f"gitleaks {self._version()}"

    def detect(self, lines: Sequence[AddedLine], *, limit_s: float) -> tuple[Detected, ...]:
        """All finds; the line in the stream tells file and line."""
        with tempfile.TemporaryDirectory(prefix="chefrelease-") as name:
            folder = Path(name)
            rules, report = folder / "rules.toml", folder / "report.json"
            rules.write_text(_RULES, encoding="utf-8")
            self._run(lines, rules, report, limit_s)
            try:
                entries = json.loads(report.read_text(encoding="utf-8") or "[]")
            except (OSError, ValueError):
                raise Malformed("gitleaks gave no report", where=self._program) from None
        if not isinstance(entries, list):
            raise Malformed("gitleaks' report is no list", where=self._program)
        return tuple(dict.fromkeys(_read(entries, lines)))

    def _run(self, lines: Sequence[AddedLine], rules: Path, report: Path, limit_s: float) -> None:
        text = "".join(f"{_one_line(line.text)}\n" for line in lines)
        process = subprocess.Popen(
            [
                self._program,
                *("stdin", "--config", str(rules), "--report-format", "json"),
                *("--report-path", str(report), "--redact", "--no-banner", "--exit-code", "0"),
                *("--ignore-gitleaks-allow", "--log-level", "error"),
            ],
            cwd=rules.parent,  # no .gitleaks.toml or .gitleaksignore of the repository
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            _, said = process.communicate(text.encode(errors="replace"), timeout=limit_s)
        except BaseException as error:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise NoAnswer(f"gitleaks did not end in {limit_s:.0f} s") from None
            raise
        if process.returncode != 0:
            last = said.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise MissingExtra(
                f"gitleaks ended with status {process.returncode}: {last[0][:200]}",
                remedy="Install gitleaks 8.19 or newer, or take it from PATH.",
            )

    def _version(self) -> str:
        try:
            done = subprocess.run(
                [self._program, "version"], capture_output=True, timeout=10, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return "of unknown version"
        return done.stdout.decode(errors="replace").strip()[:40] or "of unknown version"


def find_gitleaks() -> Gitleaks | None:
    """The program on PATH, or None."""
    program = shutil.which("gitleaks")
    return Gitleaks(program) if program else None


def _read(entries: list[object], lines: Sequence[AddedLine]) -> Iterator[Detected]:
    for entry in entries:
        if not isinstance(entry, dict):
            raise Malformed("gitleaks' report holds an entry that is no object")
        start, rule = entry.get("StartLine"), entry.get("RuleID")
        if not isinstance(start, int) or not 0 < start <= len(lines):
            raise Malformed("gitleaks' report names a line that was not given to it")
        line = lines[start - 1]
        text = _matched(entry, line.text)
        yield Detected(
            str(rule)[:80], line.path, line.number, fingerprint_of(text), not is_example(text)
        )


def _matched(entry: dict[str, object], line: str) -> str:
    """The matched part of the line, by its columns (from 1); the whole line without them."""
    first, last = entry.get("StartColumn"), entry.get("EndColumn")
    if isinstance(first, int) and isinstance(last, int) and 0 < first <= last:
        return line[first - 1 : last] or line
    return line


def _one_line(text: str) -> str:
    return text.replace("\r", " ")
