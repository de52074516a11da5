"""The scripts of a release's migrations, in the order in which Prisma applies them."""

from __future__ import annotations

from pytest_chefrelease.errors import NotConfigured
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.scratch.migrate import Migration, read_migrations
from pytest_chefrelease.runbook.migration_history import name_order

_SCRIPT = "/migration.sql"


def read_scripts(git: GitProbe, commit: str | None, directory: str) -> tuple[Migration, ...]:
    """Those of a commit, or of the work tree where there is none. Raises NotConfigured."""
    path = directory.strip("/")
    found = (
        read_migrations(git.repository / path) if commit is None else _in_commit(git, commit, path)
    )
    if not found:
        raise NotConfigured(
            f"there are no migrations in {path}",
            expected="directories with a migration.sql",
            remedy="Set migrations.directory in release.toml.",
        )
    return found


def _in_commit(git: GitProbe, commit: str, path: str) -> tuple[Migration, ...]:
    blobs = {
        entry.path[len(path) + 1 :].removesuffix(_SCRIPT): entry.blob
        for entry in git.files(commit, path)
        if entry.path.endswith(_SCRIPT) and entry.path[len(path) + 1 :].count("/") == 1
    }
    contents = git.blobs(blobs.values())
    names = sorted(blobs, key=name_order)
    return tuple(Migration(name, contents[blobs[name]]) for name in names)
