"""A team's own modules: what they declare is in the catalogue, mistakes are lines with a place."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.own import include_own
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.load import load_settings

DECLARED = """
from pytest_chefrelease.api import Context, Evidence, Item, Minimum, Section, Severity, Stage, check

@check(
    Item(
        id="{id}",
        title="Every kitchen printer answers",
        stages=(Stage.POSTRELEASE,),
        severity=Severity.P1,
        section=Section.BEYOND,
        minimum=Minimum(counts={{"printers": 2}}),
        remedy="Restart the printers.",
    ),
)
async def printers(look: Context) -> Evidence: ...
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project whose modules are forgotten again when the test ends."""
    known = set(catalogue())
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for item_id in set(catalogue()) - known:
        catalogue().pop(item_id)  # type: ignore[attr-defined]


def include(project: Path, name: str, text: str | None) -> None:
    toml = f'[checks]\nmodules = ["{name}"]\n'
    (project / "release.toml").write_text(toml, encoding="utf-8")
    if text is not None:
        (project / f"{name}.py").write_text(text, encoding="utf-8")
    loaded = load_settings(project, {}, {})
    include_own(loaded.settings, project, loaded.places)


def test_a_module_beside_the_settings_is_included_once(project: Path) -> None:
    include(project, "printers_of_ours", DECLARED.format(id="kitchen.printers"))
    include(project, "printers_of_ours", None)

    assert catalogue()["kitchen.printers"].item.title == "Every kitchen printer answers"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("absent", None, "there is no module absent, here or installed"),
        ("wants", "import no_such", "No module named 'no_such' (wants.py line 1)"),
        ("raises", "x = {}['a']", "KeyError: 'a' (raises.py line 1)"),
        ("open_end", "x = (", "SyntaxError: '(' was never closed (open_end.py line 1)"),
        ("hollow", "", "hollow declares no check"),
        ("taken", DECLARED.format(id="health.endpoint"), '"health.endpoint" is declared already'),
        ("no_id", DECLARED.format(id="Kitchen"), 'the id "Kitchen" is none'),
    ],
)
def test_a_mistake_in_a_module_is_one_line_with_its_place(
    project: Path, name: str, text: str | None, said: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        include(project, name, text)

    [line] = raised.value.mistakes
    assert line.startswith("release.toml:2: checks.modules[0]: ")
    assert said in line


def test_a_name_that_is_no_module_is_a_mistake_in_settings(project: Path) -> None:
    with pytest.raises(SettingsError, match="the name of a Python module"):
        include(project, "release-checks", None)
