"""Starts a stage run: settings, release identity, where reports go; on controller and workers."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict

from pytest_chefrelease.checks.declare import catalogue, declared_as
from pytest_chefrelease.checks.own import include_own
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.pytest_glue import options, selection
from pytest_chefrelease.pytest_glue.session import StageSession, unknown_item
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.load import load_settings
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.unknown_items import names_items, unknown_items

_LEAST_FILES = 64
"""What a small run opens at once: connections, programs' pipes, reports, temporary files."""

_LEAST_SPACE = 100_000
"""What the reports of a small run take, in bytes."""

SESSION = "chefrelease-session"


@dataclass(frozen=True, slots=True)
class StageRun:
    """What is fixed at the start of a stage run, the same for controller and workers.

    ``shared`` is a folder of the run that all its processes can write, None in a run of one
    process; ``reports`` is where reports go; ``configuration`` is the settings file's name and
    SHA-256.
    """

    stage: Stage
    settings: Settings
    release: Release
    repository: Path
    reports: Path
    shared: Path | None
    started_at: datetime
    configuration: tuple[str, str] | None = None


def activate(config: pytest.Config, stage: Stage) -> None:
    """Register what a stage run needs. Raises SettingsError for mistakes in the configuration."""
    if getattr(config, "workerinput", None) is None:  # workers have its limits
        _demand_files()
    selection.include_suite(config)
    directory = config.invocation_params.dir
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        directory = Path(workerinput["chefrelease_directory"])
    loaded = load_settings(
        directory, options.values(config), os.environ, options.config_file(config)
    )
    base = loaded.path.parent if loaded.path else directory
    if workerinput is not None:
        _demand_same(loaded.settings, workerinput, directory)
    include_own(loaded.settings, base, loaded.places)
    # Settings know no checks: here is where both are known.
    if names_items(loaded.settings) and (
        unknown := unknown_items(loaded.settings, catalogue(), loaded.places)
    ):
        raise SettingsError(unknown)
    _demand_items(loaded.settings)
    repository = (base / loaded.settings.release.repository).resolve()
    run = StageRun(
        stage=stage,
        settings=loaded.settings,
        release=_release(loaded.settings, repository, stage, workerinput),
        repository=repository,
        reports=directory / loaded.settings.report.directory,
        shared=_shared(config, stage, workerinput),
        started_at=datetime.now(UTC),
        configuration=_configuration(loaded.path),
    )
    if workerinput is None and not config.option.collectonly:
        _direct_reports(config, run)
    session = StageSession(config, run)
    config.pluginmanager.register(session, SESSION)
    if workerinput is None:
        session.signals.install()
        from pytest_chefrelease.pytest_glue.ending import Ending

        config.pluginmanager.register(Ending(config), "chefrelease-ending")
        _spread(config)


def _demand_files() -> None:
    """Better no run than one that ends in the middle. Raises SettingsError."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = limit - len(os.listdir("/dev/fd"))  # noqa: PTH208 (names are enough)
    if limit != resource.RLIM_INFINITY and free < _LEAST_FILES:
        told = f"{limit} files may be open at once here, {free} of them are free"
        raise SettingsError([f"ulimit -n: {told}; at least {_LEAST_FILES} have to be"])


def _spread(config: pytest.Config) -> None:
    """Where workers are on other hosts, xdist deals the tests as hosts need it."""
    workers = getattr(config.option, "tx", None) or []
    if any(not spec.rpartition("*")[2].startswith("popen") for spec in workers):
        from pytest_chefrelease.pytest_glue.hosts import Hosts

        config.pluginmanager.register(Hosts(), "chefrelease-hosts")
        if config.option.maxworkerrestart is None:
            config.option.maxworkerrestart = "0"  # a host that was lost does not answer


def _demand_same(settings: Settings, workerinput: dict[str, Any], directory: Path) -> None:
    from pytest_chefrelease.pytest_glue.hosts import demand_same

    demand_same(settings, workerinput["chefrelease_settings"], directory)


def _demand_items(settings: Settings) -> None:
    """A selection by an id that no item has would select nothing, and not say why."""
    literal = [glob for glob in settings.release.items if not set(glob) & set("*?[")]
    unknown = [item_id for item_id in literal if declared_as(item_id) is None]
    if unknown:
        raise SettingsError([f"--release-item {each}: {unknown_item(each)}" for each in unknown])


def _configuration(path: Path | None) -> tuple[str, str] | None:
    return (path.name, sha256(path.read_bytes()).hexdigest()) if path else None


def _release(
    settings: Settings, repository: Path, stage: Stage, workerinput: dict[str, Any] | None
) -> Release:
    """Found once by the controller; workers are told."""
    if workerinput is not None:
        return Release(**workerinput["chefrelease_release"])
    from pytest_chefrelease.probes.git import GitProbe, identify_release
    from pytest_chefrelease.probes.rolled_back import as_fallback

    release = identify_release(settings, repository)
    if stage is Stage.PRERELEASE or settings.release.version is None:
        return release
    return as_fallback(release, GitProbe(repository), settings.release.tag_prefix)


def _shared(config: pytest.Config, stage: Stage, workerinput: dict[str, Any] | None) -> Path | None:
    if workerinput is not None:
        from pytest_chefrelease.pytest_glue.hosts import shared_here

        return shared_here(config, Path(str(workerinput["chefrelease_shared"])))
    if stage is Stage.MONITORING:
        # A watch is one process: workers would each watch for the whole time, one after
        # the other.
        config.option.numprocesses, config.option.dist, config.option.tx = None, "no", []
    if getattr(config.option, "dist", "no") == "no" and not getattr(config.option, "tx", None):
        return None
    folder = Path(tempfile.mkdtemp(prefix="chefrelease-"))
    config.add_cleanup(lambda: _remove(folder))
    return folder


def _remove(folder: Path) -> None:
    # A backup may be a folder in it.
    shutil.rmtree(folder)


def _direct_reports(config: pytest.Config, run: StageRun) -> None:
    """Point pytest-html and JUnit at our reports, where the user has not said otherwise."""
    _demand_writable(run.reports)
    option = config.option
    if hasattr(option, "htmlpath") and option.htmlpath is None:
        option.htmlpath = str(run.reports / f"{run.stage}.html")
        option.self_contained_html = True
    if getattr(option, "xmlpath", None) is None:
        option.xmlpath = str(run.reports / f"{run.stage}.xml")
    # The verdict block says all that failed, and better than a stack.
    if option.tbstyle == "auto":
        option.tbstyle = "no"
    if option.reportchars == "fE":
        option.reportchars = ""


def _demand_writable(reports: Path) -> None:
    """A run whose verdict nobody could read is not worth starting."""
    try:
        _make(reports)
        with tempfile.TemporaryFile(dir=reports) as file:
            file.write(bytes(_LEAST_SPACE))
    except OSError as error:
        raise SettingsError(
            [f"--release-reports: {reports} cannot be written: {error.strerror}"]
        ) from None


def _make(reports: Path) -> None:
    """A new folder of reports is nothing that git should commit."""
    if not reports.is_dir():
        reports.mkdir(parents=True)
        (reports / ".gitignore").write_text("# What pytest-chefrelease writes.\n*\n", "utf-8")


def worker_input(run: StageRun, config: pytest.Config) -> dict[str, object]:
    """What a worker is told, as plain data."""
    from pytest_chefrelease.pytest_glue.hosts import fingerprint

    return {
        "chefrelease_settings": fingerprint(run.settings),
        "chefrelease_directory": str(config.invocation_params.dir),
        **options.for_worker(config),
        "chefrelease_release": asdict(run.release),
        "chefrelease_shared": str(run.shared),
    }
