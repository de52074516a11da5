"""The secrets' values that this machine holds, for what takes them out of all output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.secret_stores.env_file import EnvFileStore
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.values import Table

_SECRET_FIELDS = ("token_env", "password_env", "database_env", "redis_env", "old_env")
USUAL_TOKENS = (
    *("FLY_API_TOKEN", "RENDER_API_KEY", "REGISTRY_CREDENTIALS"),
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),  # boto3 logs the token among its headers
)
"""The variables that are read where settings name none; importing who reads them takes time."""


def local_values(settings: Settings, repository: Path, environment: Mapping[str, str]) -> list[str]:
    """Every value that settings name as secret, from variables and env files.

    Those that a vendor's store gives are not among them: checks keep them wrapped.
    """
    variables = {environment.get(name, "") for name in _variables(settings)}
    return sorted(filter(None, {*variables, *_in_files(settings, repository)}))


def _variables(settings: Settings) -> Iterator[str]:
    yield from (*_named_in(settings), *USUAL_TOKENS)
    prefixes = [source.partition(":")[2] for source in _sources(settings) if _is_env(source)]
    for name, rule in settings.secrets.all_required.items():
        for prefix in ("", *prefixes):
            yield from (prefix + name, prefix + (rule.stored_as or name))


def _named_in(table: Table) -> Iterator[str]:
    """The variables that tables name for tokens, passwords and connection strings."""
    for field in type(table).model_fields:
        value = getattr(table, field)
        if field in _SECRET_FIELDS and isinstance(value, str):
            yield value
        for inner in value.values() if isinstance(value, dict) else (value,):
            if isinstance(inner, Table):
                yield from _named_in(inner)


def _in_files(settings: Settings, repository: Path) -> Iterator[str]:
    rules = settings.secrets.all_required
    names = {*rules, *(rule.stored_as for rule in rules.values())}
    for source in _sources(settings):
        kind, _, path = source.partition(":")
        if kind != "env-file":
            continue
        store = EnvFileStore(repository / Path(path).expanduser())
        try:
            found = store.values()
        except ProbeError:
            continue  # the items that read it say so
        yield from (value for name, value in found.items() if name in names)


def _sources(settings: Settings) -> tuple[str, ...]:
    table = settings.secrets
    return (table.source, table.values or "env", table.staging_source)


def _is_env(source: str) -> bool:
    return source.partition(":")[0] == "env"
