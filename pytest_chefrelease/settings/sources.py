"""Lays the four sources of settings over each other.

The command line wins, then the environment (``CHEFRELEASE_…``), then the file, then the
defaults (DESIGN.md section 2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_chefrelease.settings.files import Raw


@dataclass(frozen=True, slots=True)  # pytest's every start reads this: no msgspec
class Option:
    """One setting that a command-line option and an environment variable can replace.

    ``name`` is the option (``--base-url``), ``key`` its path in release.toml;
    ``{environment}`` in the path stands for the environment that is released to.
    """

    name: str
    key: tuple[str, ...]
    metavar: str | None
    help: str
    repeatable: bool = False

    @property
    def variable(self) -> str:
        """The environment variable: ``CHEFRELEASE_BASE_URL``."""
        return "CHEFRELEASE_" + self.name.lstrip("-").replace("-", "_").upper()

    @property
    def dest(self) -> str:
        """The attribute under which pytest keeps the option's value."""
        return self.name.lstrip("-").replace("-", "_")


OPTIONS = (
    Option(
        "--base-url",
        ("environments", "{environment}", "api"),
        "URL",
        "address of the API that is verified",
    ),
    Option(
        "--web-url",
        ("environments", "{environment}", "web"),
        "URL",
        "address of the web front that is verified",
    ),
    Option(
        "--watch",
        ("monitoring", "watch"),
        "DURATION",
        "how long pytest -m monitoring watches, such as 15m (the default)",
    ),
    Option(
        "--allow-unverified",
        ("verdict", "allow_unverified"),
        None,
        "let items that could not be verified warn instead of holding the release",
    ),
    Option(
        "--release",
        ("release", "version"),
        "VERSION",
        "the release's version; default: the newest tag that HEAD carries",
    ),
    Option(
        "--release-env",
        ("release", "environment"),
        "NAME",
        "the environment that is released to; default: production",
    ),
    Option(
        "--release-item",
        ("release", "items"),
        "GLOB",
        "verify only items that match, such as 'secrets.*' (repeatable)",
        repeatable=True,
    ),
    Option(
        "--release-reports",
        ("report", "directory"),
        "DIR",
        "where reports are written; default: reports",
    ),
    Option(
        "--release-ctrf",
        ("report", "ctrf"),
        "FILE",
        "also write the results in the Common Test Report Format",
    ),
    Option(
        "--release-sarif",
        ("report", "sarif"),
        "FILE",
        "also write findings that have a place in the repository as SARIF",
    ),
    Option(
        "--release-junit",
        ("report", "junit"),
        "FLAVOUR",
        "for whom the JUnit file is: plain, gitlab, github, jenkins or azure; default: the CI "
        "system that it runs in",
    ),
    Option(
        "--release-shard",
        ("release", "shard"),
        "K/N",
        "run part K of N of the stage; chefrelease merge gives the verdict of all parts",
    ),
    Option(
        "--release-deployed-at",
        ("release", "deployed_at"),
        "TIME",
        "when the release went live; default: by the uptime that the health endpoint tells",
    ),
)
CONFIG_OPTION = Option("--release-config", (), "FILE", "the settings file; default: release.toml")


def overlay(
    raw: Raw, options: Mapping[str, object], environment: Mapping[str, str]
) -> tuple[Raw, dict[tuple[str, ...], str]]:
    """Lay options and environment over the file's data.

    Returns the merged data, and for each replaced key where its value came from
    (``--base-url``, ``CHEFRELEASE_BASE_URL``), for messages.
    """
    merged = dict(raw)
    origins: dict[tuple[str, ...], str] = {}
    chosen = {option: _chosen(option, options, environment) for option in OPTIONS}
    for option, found in chosen.items():
        if found is None:
            continue
        value, origin = found
        key = tuple(
            _environment_name(merged, chosen) if k == "{environment}" else k for k in option.key
        )
        _set(merged, key, value)
        origins[key] = origin
    return merged, origins


def _chosen(
    option: Option, options: Mapping[str, object], environment: Mapping[str, str]
) -> tuple[object, str] | None:
    value = options.get(option.dest)
    if value not in (None, False, [], ()):
        return value, option.name
    text = environment.get(option.variable)
    if text is None or text == "":
        return None
    if option.repeatable:
        return [part.strip() for part in text.split(",") if part.strip()], option.variable
    if option.metavar is None:
        return _flag(text), option.variable
    return text, option.variable


_FLAGS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off"), False),
}


def _flag(text: str) -> object:
    """A flag's usual words; anything else is left for validation to name."""
    return _FLAGS.get(text.strip().lower(), text)


def _environment_name(merged: Raw, chosen: Mapping[Option, tuple[object, str] | None]) -> str:
    for option, found in chosen.items():
        if option.name == "--release-env" and found is not None:
            return str(found[0])
    release = merged.get("release")
    name = release.get("environment") if isinstance(release, dict) else None
    return name if isinstance(name, str) else "production"


def _set(raw: Raw, key: tuple[str, ...], value: object) -> None:
    """Set a key; tables on the way are copied, the file's own data stays as it was read."""
    table = raw
    for part in key[:-1]:
        inner = table.get(part, {})
        if not isinstance(inner, dict):
            return  # a mistake in the file, which validation names
        table[part] = inner = dict(inner)
        table = inner
    table[key[-1]] = value
