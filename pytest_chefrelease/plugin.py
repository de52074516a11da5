"""The pytest plugin: options, markers, and the start of a stage run.

Loaded by every pytest run of an environment that has this package installed, so it imports
next to nothing until a stage is selected.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.pytest_glue import neighbours, options, selection

if TYPE_CHECKING:
    from pytest_chefrelease.runbook.outcome import Result

__all__ = ["verification"]

_MARKERS = (
    "prerelease: verified before deploying",
    "postrelease: verified after deploying",
    "monitoring: verified while the release is watched",
    "p1: a failure means: site down, roll back at once",
    "p2: a failure means: core feature broken, within 1 hour",
    "p3: a failure means: minor, fix forward",
    "browser: needs a real browser",
    "manual: signed off by a person",
    "release_item(id): the runbook's item that the test verifies",
)


def verification(item_id: str) -> Callable[..., None]:
    """Make the test that verifies an item.

    Written as ``test_health_endpoint = verification("health.endpoint")``.

    In a stage run it carries the item's stages and severity as markers, and is run once per
    parameter; an id that no check declares is an error of collection. Other runs leave it out.
    """

    def verify(release_check: Result) -> None:
        from pytest_chefrelease.pytest_glue.session import require

        require(release_check)

    # Whatever names the project gives its own tests by python_functions, this is one.
    verify.__test__ = True  # type: ignore[attr-defined]
    marked: Callable[..., None] = pytest.mark.release_item(item_id)(verify)
    return marked


def pytest_addoption(parser: pytest.Parser) -> None:
    options.add_prefixed(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser
) -> Iterator[None]:
    if selection.named_stages(early_config.known_args_namespace.markexpr):
        from pytest_chefrelease.pytest_glue.older_reports import set_aside

        set_aside(early_config)
        neighbours.without_coverage(early_config.known_args_namespace)
    yield
    neighbours.remember_foreign(early_config, options.add_unprefixed(parser))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    try:
        stage = selection.selected_stage(config.option.markexpr)
        if stage is not None:
            _pause_collector(config)
            from pytest_chefrelease.pytest_glue.activation import activate

            activate(config, stage)
    except SettingsError as error:
        raise pytest.UsageError(*error.mistakes) from None


def _pause_collector(config: pytest.Config) -> None:
    """Keep the garbage collector out of start-up, where everything stays: a tenth of a run.

    The session resumes it when collection has ended, and whatever happens the end does.
    """
    gc.disable()
    config.add_cleanup(gc.enable)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    found = yield
    return [*found, *neighbours.overlooked(file_path, parent, found)]


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    node_id = selection.suite_node_id(module_path)
    if node_id is None:
        return None
    module: pytest.Module = pytest.Module.from_parent(parent, path=module_path, nodeid=node_id)
    return module


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "release_check" in metafunc.fixturenames:
        from pytest_chefrelease.pytest_glue.session import parametrize

        parametrize(metafunc)


@pytest.fixture
def release_check(request: pytest.FixtureRequest) -> Result:
    """The result of the check that the requesting test stands for."""
    from pytest_chefrelease.pytest_glue.session import result_for

    return result_for(request)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a stage there is no run for verifications to belong to: leave them out."""
    if config.pluginmanager.hasplugin("chefrelease-session"):
        return
    left_out = [item for item in items if item.get_closest_marker("release_item")]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)
