"""What ``chefrelease init`` does: it writes what is not there, and says what it would add."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.scaffold.release_toml import additions, release_toml
from pytest_chefrelease.scaffold.suggestion import Suggestion
from pytest_chefrelease.scaffold.survey import survey
from pytest_chefrelease.scaffold.toml_text import document
from pytest_chefrelease.scaffold.work_tree import WorkTree
from pytest_chefrelease.scaffold.workflow import workflow
from pytest_chefrelease.settings.files import find_file
from pytest_chefrelease.settings.load import load_settings


class Done(Struct, frozen=True):
    """What to tell; ``is_whole`` says that everything asked for was written."""

    lines: tuple[str, ...]
    is_whole: bool = True


def init(directory: Path, ci: str | None) -> Done:
    """Write release.toml, and with ``ci`` the workflow. Raises SettingsError for a broken file."""
    tree = WorkTree(directory)
    done = [_settings(tree)]
    if ci is not None:
        done.append(_workflow(tree, ci))
    lines = tuple(line for each in done for line in each.lines)
    return Done(lines, all(each.is_whole for each in done))


def _settings(tree: WorkTree) -> Done:
    suggested = survey(tree)
    existing = find_file(tree.directory, None)
    if existing is None:
        _write_new(tree.directory / "release.toml", release_toml(suggested))
        return Done((f"release.toml: written; {_counted(suggested)}.",))
    more = additions(suggested, existing.data)
    name = existing.path.name
    if not more:
        return Done((f"{name}: is there, and nothing would be added.",), is_whole=False)
    said = f"{name}: is there, and is left as it is. It could take:"
    return Done((said, "", document(more).rstrip(), ""), is_whole=False)


def _counted(suggested: Sequence[Suggestion]) -> str:
    """How much of it the repository has given, and how much only speaks of another product."""
    written = [each for each in suggested if not each.is_example]
    found = sum(each.is_found for each in written)
    others = len(written) - found
    said = f"{found} settings are from this repository" if found else "nothing was found here"
    return said + (f", {others} take ChefCloud's defaults out" if others else "")


def _workflow(tree: WorkTree, ci: str) -> Done:
    settings = load_settings(tree.directory, {}, {}).settings
    found = workflow(tree, ci, settings)
    path = (tree.root or tree.directory) / found.path
    if path.exists():
        said = f"{found.path}: is there, and is left as it is. It would be:"
        return Done((said, "", found.text.rstrip(), ""), is_whole=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_new(path, found.text)
    return Done((f"{found.path}: written. {found.note}",))


def _write_new(path: Path, text: str) -> None:
    """Never over a file that came into being meanwhile."""
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
