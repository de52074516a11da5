"""The command-line options, and their values for settings."""

from __future__ import annotations

from argparse import ArgumentError
from typing import TYPE_CHECKING

from pytest_chefrelease.pytest_glue.neighbours import is_meant
from pytest_chefrelease.settings.sources import CONFIG_OPTION, OPTIONS, Option

if TYPE_CHECKING:
    import pytest

_GROUP = "chefrelease"
_TOLD = "chefrelease_options"


def add_prefixed(parser: pytest.Parser) -> None:
    """Add the options that nobody else has: ``--release…``."""
    group = parser.getgroup(_GROUP, "release verification")
    for option in (*OPTIONS, CONFIG_OPTION):
        if option.name.startswith("--release"):
            _add(group, option)


def add_unprefixed(parser: pytest.Parser) -> list[str]:
    """Add ``--base-url`` and its like, where no plugin or conftest has defined them.

    Called after the initial conftests were loaded. Returns the names that others have.
    """
    group = parser.getgroup(_GROUP, "release verification")
    foreign = []
    for option in OPTIONS:
        if not option.name.startswith("--release"):
            try:
                _add(group, option)
            except (ValueError, ArgumentError):
                foreign.append(option.name)
    return foreign


def _add(group: pytest.OptionGroup, option: Option) -> None:
    if option.repeatable:
        group.addoption(
            option.name, dest=option.dest, action="append", metavar=option.metavar, help=option.help
        )
    elif option.metavar is None:
        group.addoption(option.name, dest=option.dest, action="store_true", help=option.help)
    else:
        group.addoption(option.name, dest=option.dest, metavar=option.metavar, help=option.help)


def values(config: pytest.Config) -> dict[str, object]:
    """The options' values by destination, whoever defined them; unset ones are None.

    A worker of pytest-xdist has those of its controller.
    """
    told: dict[str, object] | None = getattr(config, "workerinput", {}).get(_TOLD)
    if told is not None:
        return told
    return {
        option.dest: config.getoption(option.name, None) if is_meant(config, option) else None
        for option in OPTIONS
    }


def for_worker(config: pytest.Config) -> dict[str, object]:
    """What a worker is told of them."""
    return {_TOLD: values(config)}


def config_file(config: pytest.Config) -> str | None:
    """The value of --release-config."""
    value: str | None = getattr(config.option, CONFIG_OPTION.dest, None)
    return value
