"""Another product than ChefCloud is a release.toml: a ledger is released, well and not well."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.checks.work_tree import WorkTree

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "ledger"
SIGNED = ("release.approved", "staging.ui-spot-check", "deploy.announced", "release.documented")
# The watch and the samples are short here; everything else is as the example has it.
QUICK = """requests = 100
rate = 50
max_rate = 200
calibration = 120
slower_least = "200ms"

[monitoring]
watch = "6s"
interval = "1s"

[deploy]
settle = "2s"
"""


@dataclass
class Site:
    """One running ledger: its own folder, and the version that it was started from."""

    folder: Path
    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    address: str = ""
    process: subprocess.Popen[str] | None = None

    @property
    def journal(self) -> Path:
        return self.folder / "journal.db"

    def start(self, code: Path, version: str, commit: str) -> None:
        """Serve the code at the port that it had, as a supervisor does after a deploy."""
        port = self.address.rpartition(":")[2] or "0"
        self.folder.mkdir(exist_ok=True)
        variables = {
            **os.environ,
            "LEDGER_VERSION": version,
            "LEDGER_COMMIT": commit,
            "LEDGER_JOURNAL": str(self.journal),
            "LEDGER_LOG": str(self.folder / "access.log"),
            "LEDGER_TOKEN_SECRET": self.secret,
        }
        self.process = subprocess.Popen(
            [sys.executable, "ledger.py", port],
            cwd=code,
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate(timeout=10)


class Product:
    """The ledger's repository with two releases, production and staging."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.folder = WorkTree.make(folder / "ledger"), folder
        self.production, self.staging = Site(folder / "production"), Site(folder / "staging")
        origin = folder / "origin.git"
        self.tree.git("init", "--quiet", "--bare", "--initial-branch=main", str(origin))
        self.tree.git("remote", "add", "origin", str(origin))
        self.old = self._release("v2.0.0", without="migrations/0002_notes.sql")
        self.production.start(self._checkout("v2.0.0"), "2.0.0", self.old)
        self.staging.start(self._checkout("v2.0.0", "staging-code"), "2.0.0", self.old)
        self.new = self._release("v2.1.0")
        self.staging.stop()
        self.staging.start(self.tree.path, "2.1.0", self.new)

    def _release(self, version: str, without: str = "") -> str:
        shutil.copytree(EXAMPLE, self.tree.path, dirs_exist_ok=True)
        if without:
            (self.tree.path / without).unlink()
        for name in ("release.toml", "pyproject.toml"):
            file = self.tree.path / name
            file.write_text(self._here(file.read_text(), version.removeprefix("v")))
        commit = self.tree.commit({".gitignore": "__pycache__/\n"}, f"feat: what {version} brings")
        self.tree.git("tag", "--annotate", f"--message=Release {version}", version)
        self.tree.git("push", "--quiet", "origin", "main", "--tags")
        return commit

    def _here(self, text: str, version: str) -> str:
        """The example's files, with this machine's addresses."""
        text = text.replace("https://staging.ledger.example", self.staging.address or "http://x")
        text = text.replace("https://ledger.example", self.production.address or "http://x")
        text = text.replace("log/access.log", str(self.production.folder / "access.log"))
        text = text.replace('"/status", "/v2/rates"]\n\n[logs]', f'"/status"]\n{QUICK}\n[logs]')
        return text.replace('"python -m', f'"{sys.executable} -m').replace("2.1.0", version)

    def _checkout(self, version: str, name: str = "old-code") -> Path:
        path = self.folder / name
        self.tree.git("worktree", "add", "--quiet", "--detach", str(path), version)
        return path

    def deploy(self) -> None:
        self.production.stop()
        self.production.start(self.tree.path, "2.1.0", self.new)

    def visit(self, path: str, times: int) -> None:
        """What visitors do: logs and rates are compared with it."""
        for _ in range(times):
            with urllib.request.urlopen(self.production.address + path, timeout=5) as answer:
                answer.read()

    def sign(self) -> None:
        for item in SIGNED:
            self._run("chefrelease", "sign", item, "--note", "seen")

    def gate(self, stage: str, *more: str) -> tuple[int, str]:
        done = self._run("pytest", "-m", stage, "-p", "no:cacheprovider", *more)
        return done.returncode, done.stdout

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        variables = {
            **{k: v for k, v in os.environ.items() if not k.startswith("CHEFRELEASE_")},
            "LEDGER_TOKEN_SECRET": self.production.secret,
            "STAGING_LEDGER_TOKEN_SECRET": self.staging.secret,
            "LEDGER_READ_ONLY": "0",
        }
        variables.pop("CI", None)
        return subprocess.run(
            [Path(sys.executable).parent / program, *arguments],
            cwd=self.tree.path,
            env=variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("ledger"))
    try:
        yield made
    finally:
        made.production.stop()
        made.staging.stop()


@pytest.mark.alone
def test_a_ledger_without_prisma_provider_or_github_is_released_by_its_release_toml(
    product: Product,
) -> None:
    product.visit("/v2/rates", 50)
    product.sign()
    code, said = product.gate("prerelease")
    assert code == 0, said

    product.deploy()
    product.visit("/v2/rates", 50)
    code, said = product.gate("postrelease")
    assert code == 0, said

    product.visit("/v2/rates", 50)
    code, said = product.gate("monitoring")
    assert code == 0, said
    record = json.loads((product.tree.path / "reports/postrelease.json").read_text())
    own = {item["id"]: item["outcome"] for item in record["items"] if "ledger." in item["id"]}
    assert own == {"ledger.balanced": "passed", "ledger.schema": "passed"}
    assert sum(item["outcome"] == "passed" for item in record["items"]) > 20

    # And with one posting lost, which no runbook of another product would see:
    with closing(sqlite3.connect(product.production.journal)) as journal:
        journal.execute("DELETE FROM postings WHERE cents < 0")
        journal.commit()
    code, said = product.gate("postrelease", "--release-item=ledger.*")
    assert code == 1
    assert said.rstrip().splitlines()[-1].startswith("NO-GO: ledger.balanced failed (P1)")
    assert "1200 cents are out of balance" in said
