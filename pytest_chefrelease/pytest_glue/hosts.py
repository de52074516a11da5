"""What pytest-xdist needs where its workers are on several hosts (``--tx socket=…``, ``ssh=…``).

Hosts share no files: each has a folder for what its own workers share, what measures the target
runs on one of them, and a host with other settings than the controller's takes no part.
"""

from __future__ import annotations

import fcntl
import platform
import shutil
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pytest
from xdist.scheduler import LoadScopeScheduling

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.model import Settings

if TYPE_CHECKING:
    from xdist.remote import Producer

_MEASURES = "what measures the target"


class OneHostMeasures(LoadScopeScheduling):
    """Every test where there is room; those that hold the target alone all at one worker.

    Two hosts that measure at once would disturb each other, and send twice what
    ``latency.max_rate`` allows.
    """

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        items = (check.item for check in catalogue().values())
        self._measuring = {item.test_name for item in items if item.holds_target}

    def _split_scope(self, nodeid: str) -> str:
        name = nodeid.rpartition("::")[2].partition("[")[0]
        return _MEASURES if name in self._measuring else nodeid


class Hosts:
    """The plugin object of a controller that has workers elsewhere."""

    @pytest.hookimpl
    def pytest_testnodedown(self, error: object | None) -> None:
        """End the run where a worker refused its configuration: xdist would try it for ever."""
        _, refused, mistake = str(error).rpartition("UsageError: ")
        if refused:
            raise pytest.UsageError(mistake.strip())

    @pytest.hookimpl
    def pytest_xdist_make_scheduler(
        self, config: pytest.Config, log: Producer
    ) -> LoadScopeScheduling | None:
        """In place of xdist's ``load``, its default; who chose another way, has it."""
        if config.option.dist != "load":
            return None
        config.option.loadscopereorder = False  # the gravest first, not the largest group
        return OneHostMeasures(config, log)


def fingerprint(settings: Settings) -> str:
    """What tells whether two hosts have the same settings."""
    return sha256(settings.model_dump_json().encode()).hexdigest()


def demand_same(settings: Settings, told: object, directory: Path) -> None:
    """Raise SettingsError where this worker would verify by other rules than the controller."""
    if fingerprint(settings) != told:
        mistake = (
            f"{platform.node()}: its settings are not the controller's: the same release.toml has "
            f"to be in {directory}, and the same CHEFRELEASE_ variables"
        )
        raise SettingsError([mistake])


def shared_here(config: pytest.Config, told: Path) -> Path:
    """The folder that this host's workers share: the controller's, or one of their own.

    Theirs goes with the last of them.
    """
    if told.is_dir():
        return told
    own = Path(tempfile.gettempdir()) / told.name
    own.mkdir(mode=0o700, exist_ok=True)
    use = (own / "in-use.lock").open("a")
    fcntl.flock(use, fcntl.LOCK_SH)
    config.add_cleanup(lambda: _leave(own, use))
    return own


def _leave(folder: Path, use: TextIO) -> None:
    with use, suppress(BlockingIOError):
        fcntl.flock(use, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder)
