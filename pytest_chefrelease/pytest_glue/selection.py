"""Which stage a pytest command selects, and where the shipped verifications are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.errors import SettingsError

if TYPE_CHECKING:
    import pytest

    from pytest_chefrelease.runbook.item import Stage

_STAGE = re.compile(r"(not\s+)?\b(prerelease|postrelease|monitoring)\b")
_PACKAGE = Path(__file__).resolve().parent.parent


def selected_stage(mark_expression: str) -> Stage | None:
    """The stage that ``-m`` names, or None. Raises SettingsError when it names two."""
    names = named_stages(mark_expression)
    if not names:
        return None
    if len(names) > 1:
        selects = " and ".join(sorted(names))
        raise SettingsError(
            [f"-m {mark_expression!r}: selects {selects}; one stage at a time has a verdict"]
        )
    from pytest_chefrelease.runbook.item import Stage

    return Stage(names.pop())


def named_stages(mark_expression: str) -> set[str]:
    """The stages that ``-m`` names."""
    return {name for negated, name in _STAGE.findall(mark_expression) if not negated}


def suite() -> Path:
    """The folder of the verifications: in the package, or beside it in a checkout."""
    shipped = _PACKAGE / "verifications"
    return shipped if shipped.is_dir() else _PACKAGE.parent / "verifications"


def include_suite(config: pytest.Config) -> None:
    """Let pytest collect the verifications, unless paths were given on the command line."""
    if config.args_source is type(config).ArgsSource.ARGS:
        return
    folder = suite()
    base = config.invocation_params.dir
    if not any((base / arg.split("::")[0]).resolve() == folder for arg in config.args):
        config.args.append(str(folder))


def suite_node_id(path: Path) -> str | None:
    """The id of a module of the suite, the same wherever the suite is installed."""
    return f"verifications/{path.name}" if path.parent == suite() else None


def suite_room(path: Path) -> str | None:
    """The room whose verifications a module of the suite holds: its ids start so."""
    is_module = path.suffix == ".py" and path.stem.startswith("test_")
    return path.stem.removeprefix("test_") if is_module and path.parent == suite() else None
