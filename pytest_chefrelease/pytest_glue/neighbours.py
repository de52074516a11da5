"""What a project has for its own tests, and how a stage's run stays the same beside it.

Options of the same names, reruns of failed tests, a shuffled order, coverage and its limit,
names that its test files and functions must have: none of it may change what a gate says.
"""

from __future__ import annotations

import os
import shlex
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from pytest_chefrelease.pytest_glue import selection
from pytest_chefrelease.settings.sources import Option

if TYPE_CHECKING:
    from pathlib import Path

_FOREIGN = pytest.StashKey[tuple[str, ...]]()


def without_coverage(options: Namespace) -> None:
    """A gate runs none of the project's code: its coverage would be 0 %, and below any limit.

    To be called before pytest-cov looks at its options, as ``--no-cov`` has it.
    """
    if hasattr(options, "no_cov"):
        options.no_cov = True


def remember_foreign(config: pytest.Config, names: Sequence[str]) -> None:
    """Keep which of our options somebody else has defined."""
    config.stash[_FOREIGN] = tuple(names)


def is_meant(config: pytest.Config, option: Option) -> bool:
    """Whether the option's value speaks of the release.

    One that somebody else has defined does so only where it was typed with this command, or
    stands in PYTEST_ADDOPTS: its default, or what an ini file says, is for the project's own
    tests (``base_url`` of pytest-base-url is often a server on the developer's machine).
    """
    if option.name not in config.stash.get(_FOREIGN, ()):
        return True
    # pytest has read the variable by now: it can be cut.
    added = shlex.split(os.environ.get("PYTEST_ADDOPTS", ""))
    typed = (str(argument) for argument in (*added, *config.invocation_params.args))
    return any(each.partition("=")[0] == option.name for each in typed)


def without_reruns(item: pytest.Item) -> None:
    """Let pytest-rerunfailures be content with one run: a second one is given the same result."""
    if item.config.pluginmanager.hasplugin("rerunfailures"):
        item.add_marker(pytest.mark.flaky(reruns=0), append=False)


def overlooked(
    path: Path, parent: pytest.Collector, found: Sequence[pytest.Collector]
) -> list[pytest.Collector]:
    """A module of the suite that the project's ``python_files`` does not let pytest find.

    ``found`` is what was; with ``--doctest-modules`` that is each module, for its doctests only.
    """
    if selection.suite_room(path) is None or any(map(_holds_tests, found)):
        return []
    module = parent.ihook.pytest_pycollect_makemodule(module_path=path, parent=parent)
    return [module] if isinstance(module, pytest.Collector) else []


def _holds_tests(collector: pytest.Collector) -> bool:
    return isinstance(collector, pytest.Module) and "Doctest" not in type(collector).__name__
