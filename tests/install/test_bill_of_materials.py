"""What an installation brings, as `make sbom` writes it: every part, and its licence."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.install.environment import ROOT, Environment

# Binding to those who change the library itself, not to those who use it unchanged.
WEAK = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}


def test_the_bill_of_materials_names_every_part_and_its_licence(
    bare: Environment, tmp_path: Path
) -> None:
    written = tmp_path / "sbom.json"
    subprocess.run(
        [
            *(Path(sys.executable).parent / "cyclonedx-py", "environment", bare.path),
            *("--pyproject", ROOT / "pyproject.toml", "--output-file", written),
            *("--output-reproducible", "--no-validate"),
        ],
        check=True,
        capture_output=True,
    )

    bill = json.loads(written.read_text())
    licences = {
        each["name"].lower(): json.dumps(each.get("licenses")) for each in bill["components"]
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {canonicalize_name(Requirement(each).name) for each in project["dependencies"]}
    assert wanted <= {canonicalize_name(name) for name in licences}
    assert bill["metadata"]["component"]["name"] == project["name"]
    assert [name for name, told in licences.items() if told in ("null", "[]")] == []
    copyleft = {name: told for name, told in licences.items() if "GPL" in told}
    assert copyleft.keys() == WEAK.keys()
    assert all(WEAK[name] in told for name, told in copyleft.items())
