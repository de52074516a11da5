"""The real Prisma of a release's checkout, asked for the state of migrations.

It gets the database's URL under the name that its schema reads, and no other secret; it is told
to reach no host of Prisma's own. ``migrate status`` reads the database and writes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote

from msgspec import Struct

from pytest_chefrelease.errors import MissingExtra
from pytest_chefrelease.probes.commands import CommandRun, clean_environment, run_command

_PROGRAM = Path("node_modules", ".bin", "prisma")
_CONFIGURATIONS = ("prisma.config.*", ".config/prisma.*")
_URL_NAME = re.compile(r'^\s*url\s*=\s*env\("(\w+)"\)', re.MULTILINE)
_OTHER_NAMES = re.compile(r'^\s*(?:directUrl|shadowDatabaseUrl)\s*=\s*env\("(\w+)"\)', re.MULTILINE)
_QUIET = {"CHECKPOINT_DISABLE": "1", "PRISMA_HIDE_UPDATE_MESSAGE": "1"}
_LIMIT_S = 25.0


class PrismaCli(Struct, frozen=True):
    """A Prisma that is installed; ``folder`` is the package that it belongs to.

    ``schema`` is the schema beside the migrations, None where there is none.
    """

    program: Path
    folder: Path
    schema: Path | None

    @property
    def command(self) -> str:
        """The line that is run. A configuration of the package names its schema itself."""
        line = f"{quote(str(self.program))} migrate status"
        is_configured = any(any(self.folder.glob(name)) for name in _CONFIGURATIONS)
        if self.schema is None or is_configured:
            return line
        return f"{line} --schema {quote(str(self.schema))}"


@dataclass(frozen=True, slots=True)
class Access:
    """The database's URL, and the variables that Prisma is given besides, by their names."""

    url: str = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    variables: tuple[str, ...] = ()


def find_prisma(repository: Path, directory: str) -> PrismaCli:
    """The Prisma nearest to the migrations, in their package or above it. Raises MissingExtra."""
    migrations = repository / directory.strip("/")
    schema = migrations.parent / "schema.prisma"
    for folder in migrations.parents:
        if (folder / _PROGRAM).exists():
            return PrismaCli(folder / _PROGRAM, folder, schema if schema.is_file() else None)
        if folder == repository:
            break
    raise MissingExtra(
        "Prisma is not installed in the release's checkout",
        expected=f"{_PROGRAM} in the migrations' package or above it",
        remedy="Install the release's packages there (npm ci, pnpm install), or set "
        "migrations.ask_prisma = false.",
    )


def given_to(prisma: PrismaCli, access: Access) -> dict[str, str]:
    """The variables that Prisma is given beside what any program needs: each may be a secret."""
    text = prisma.schema.read_text(errors="replace") if prisma.schema else ""
    named = _URL_NAME.search(text)
    others = (*_OTHER_NAMES.findall(text), *access.variables)
    given = {name: access.environment[name] for name in others if name in access.environment}
    return given | {"DATABASE_URL": access.url, named[1] if named else "DATABASE_URL": access.url}


async def ask_prisma(prisma: PrismaCli, access: Access) -> CommandRun:
    """Run it. Raises MissingExtra where it does not start."""
    given = given_to(prisma, access)
    return await run_command(
        prisma.command,
        directory=prisma.folder,
        environment=clean_environment(access.environment, {**given, **_QUIET}),
        timeout_s=_LIMIT_S,
    )
