"""docs/ as a site: every page is in it, every internal link and anchor leads somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.rehearsal.faults import FAULTS
from pytest_chefrelease.settings.sources import OPTIONS

ROOT = Path(__file__).parents[2]


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """The site; any link or anchor that leads nowhere is an error, by mkdocs.yml."""
    mkdocs = Path(sys.executable).parent / "mkdocs"
    return subprocess.run(
        [mkdocs, "build", "--site-dir", site], cwd=root, capture_output=True, text=True, check=False
    )


def test_the_site_is_built_and_asks_no_other_host(tmp_path: Path) -> None:
    done = build(ROOT, tmp_path)

    assert done.returncode == 0, done.stderr
    written = {page.stem for page in tmp_path.glob("*.html")}
    assert written >= {page.stem for page in (ROOT / "docs").glob("*.md")}
    loaded = re.compile(r'<(?:script|link|img)\b[^>]*(?:src|href)="https?:')
    assert [page.name for page in tmp_path.rglob("*.html") if loaded.search(page.read_text())] == []


@pytest.mark.parametrize("link", ["nosuch.md", "how-to.md#nosuch"])
def test_a_link_that_leads_nowhere_is_an_error(link: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    with (tmp_path / "docs" / "tutorial.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[nowhere]({link})\n")

    done = build(tmp_path, tmp_path / "site")

    assert done.returncode != 0
    assert link.removeprefix("how-to.md") in done.stderr


def test_the_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_reference_names_everything_that_can_be_typed() -> None:
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")

    names = [*(f"`{each}`" for each in catalogue()), *(f"`{fault.name}`" for fault in FAULTS)]
    names += [f"`{option.name}" for option in OPTIONS]
    names += [f"### chefrelease {name}\n" for name in chefrelease.commands]
    assert [name for name in names if name not in text] == []
