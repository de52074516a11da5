"""Sets the older reports of a stage aside when it is run again.

From the moment somebody asks for a stage, an older GO must not stand where this run's report
belongs: the command may have a typing error, the settings a mistake, the machine no power. So
the older reports are moved, whole, into ``previous/`` beside them. Moving takes no space on a
disk that is full.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.pytest_glue import selection
from pytest_chefrelease.report import kept
from pytest_chefrelease.settings.files import find_file
from pytest_chefrelease.settings.sources import overlay

_OPTIONS = ("release_reports", "release_ctrf", "release_sarif")
_ONLY_LOOKING = ("collectonly", "help", "version", "markers", "showfixtures")


def set_aside(config: pytest.Config) -> None:
    """Move what older runs of the selected stages wrote. Raises UsageError where that fails.

    Called before the command line is parsed for good, and before any conftest is loaded:
    whatever goes wrong from here on, no older report stands.
    """
    known = config.known_args_namespace
    if any(getattr(known, name, None) for name in _ONLY_LOOKING) or _is_worker():
        return
    table = _report_table(config.invocation_params.dir, known)
    name = table.get("directory")
    folder = config.invocation_params.dir / (name if isinstance(name, str) else "reports")
    for stage in sorted(selection.named_stages(known.markexpr)):
        try:
            kept.set_aside(folder, stage, _named(config, known, table))
        except OSError as error:
            raise pytest.UsageError(
                f"the older report of {stage} cannot be set aside: {error.strerror}; "
                "it would stand for this run's"
            ) from None


def _is_worker() -> bool:
    """Whether pytest-xdist started this process: its controller has moved what there was.

    Only a worker is a Python told by ``-c`` what to do; a pytest that a test within a worker
    starts inherits the variable alone.
    """
    return "PYTEST_XDIST_WORKER" in os.environ and sys.argv[:1] == ["-c"]


def _report_table(directory: Path, known: argparse.Namespace) -> Mapping[str, object]:
    """Where reports go, as far as settings can be read; mistakes are told later, all at once."""
    config = known.release_config or os.environ.get("CHEFRELEASE_RELEASE_CONFIG") or None
    try:
        file = find_file(directory, config)
    except SettingsError:
        file = None
    options = {name: getattr(known, name) for name in _OPTIONS}
    merged, _ = overlay(file.data if file else {}, options, os.environ)
    table = merged.get("report")
    return table if isinstance(table, dict) else {}


def _named(
    config: pytest.Config, known: argparse.Namespace, table: Mapping[str, object]
) -> list[Path]:
    """The files that the user names for this run, in the place of ours or beside them."""
    names = [getattr(known, name, None) for name in ("htmlpath", "xmlpath")]
    names += [table.get(name) for name in ("ctrf", "sarif")]
    return [place_of(config, name) for name in names if isinstance(name, str) and name]


def place_of(config: pytest.Config, name: str) -> Path:
    """The file that an option names, as pytest's reporters read it."""
    return config.invocation_params.dir / Path(os.path.expandvars(name)).expanduser()
