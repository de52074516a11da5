"""What a migration's statements do to a database in use: which lock, what is lost, the safer way.

Sources: squawk's rules (2.70); PostgreSQL's documentation, "Explicit Locking", ALTER TABLE and
CREATE INDEX; Prisma's documentation, "Customizing migrations".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

_EXCLUSIVE = "ACCESS EXCLUSIVE: blocks reads and writes"
_SHARE = "SHARE: blocks writes"
_SHARE_ROW = "SHARE ROW EXCLUSIVE: blocks writes"
_ALONE = "in a migration of its own: Prisma runs several statements as one transaction"
_CONTRACT = "Stop using it in one release, take it away in a later one, after a backup."


class Risk(Struct, frozen=True):
    """What is risky in a statement.

    ``lock`` is empty where it is no lock that matters; ``destroys`` says that data goes, or
    that running code breaks; then the size of the table does not matter.
    """

    what: str
    lock: str
    safer: str
    destroys: bool = False


OPAQUE = "opaque-block"
EMPTIES = "emptying-table"
TOGETHER = "concurrently-with-others"
RISKS: Mapping[str, Risk] = {
    "ban-drop-column": Risk("drops a column", _EXCLUSIVE, _CONTRACT, destroys=True),
    "ban-drop-table": Risk("drops a table", _EXCLUSIVE, _CONTRACT, destroys=True),
    "ban-drop-schema": Risk("drops a schema", _EXCLUSIVE, _CONTRACT, destroys=True),
    "ban-drop-database": Risk("drops a database", "", "Do that by hand, if at all.", destroys=True),
    "ban-drop-type": Risk("drops a type", _EXCLUSIVE, _CONTRACT, destroys=True),
    "ban-drop-view": Risk("drops a view", _EXCLUSIVE, _CONTRACT, destroys=True),
    EMPTIES: Risk("empties a table", _EXCLUSIVE, "Delete by hand, after a backup.", destroys=True),
    "renaming-column": Risk(
        "renames a column",
        _EXCLUSIVE,
        "Add the new one, write both, copy, read the new one; drop the old one releases later.",
        destroys=True,
    ),
    "renaming-table": Risk(
        "renames a table",
        _EXCLUSIVE,
        "Keep the name in the database (Prisma: @@map), or leave a view under the old one.",
        destroys=True,
    ),
    "changing-column-type": Risk(
        "changes a column's type",
        f"{_EXCLUSIVE}, while the table is rewritten",
        "Add a column of the new type, copy in batches, switch, drop the old one later.",
        destroys=True,
    ),
    "adding-required-field": Risk(
        "adds a column that must be given",
        _EXCLUSIVE,
        "Add it with a constant default or nullable, fill it, make it NOT NULL later.",
        destroys=True,
    ),
    "adding-not-nullable-field": Risk(
        "demands a value for a column",
        f"{_EXCLUSIVE}, while the table is read",
        "ADD CONSTRAINT … CHECK (column IS NOT NULL) NOT VALID, VALIDATE it, then SET NOT NULL.",
    ),
    "adding-field-with-default": Risk(
        "adds a column with a default that is computed for each row",
        f"{_EXCLUSIVE}, while the table is rewritten",
        "Add it without a default, set the default, fill old rows in batches.",
    ),
    "adding-foreign-key-constraint": Risk(
        "adds a foreign key",
        f"{_SHARE_ROW} on both tables, while the table is read",
        "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a migration of its own.",
    ),
    "constraint-missing-not-valid": Risk(
        "adds a constraint",
        f"{_EXCLUSIVE}, while the table is read",
        "ADD CONSTRAINT … NOT VALID, and VALIDATE CONSTRAINT in a migration of its own.",
    ),
    "disallowed-unique-constraint": Risk(
        "adds a unique constraint",
        f"{_EXCLUSIVE}, while its index is built",
        f"CREATE UNIQUE INDEX CONCURRENTLY ({_ALONE}), then ADD CONSTRAINT … USING INDEX.",
    ),
    "adding-serial-primary-key-field": Risk(
        "adds a primary key",
        f"{_EXCLUSIVE}, while its index is built",
        f"CREATE UNIQUE INDEX CONCURRENTLY ({_ALONE}), then ADD PRIMARY KEY USING INDEX.",
    ),
    "require-concurrent-index-creation": Risk(
        "builds an index",
        f"{_SHARE}, while it is built",
        f"CREATE INDEX CONCURRENTLY, {_ALONE}.",
    ),
    "require-concurrent-index-deletion": Risk(
        "drops an index", _EXCLUSIVE, f"DROP INDEX CONCURRENTLY, {_ALONE}."
    ),
    "require-concurrent-reindex": Risk(
        "builds an index anew", _EXCLUSIVE, f"REINDEX CONCURRENTLY, {_ALONE}."
    ),
    TOGETHER: Risk(
        "runs CONCURRENTLY beside other statements, which fails inside Prisma's transaction",
        "",
        "Leave the statement alone in its migration.",
        destroys=True,
    ),
    OPAQUE: Risk(
        "runs a block of code that no linter reads",
        "",
        "Write it as plain statements; or read it, and accept the finding with a reason.",
        destroys=True,
    ),
}
_SAID_BY_ANOTHER = {
    "constraint-missing-not-valid": {
        "adding-foreign-key-constraint",
        "disallowed-unique-constraint",
        "adding-serial-primary-key-field",
    }
}


class TableSize(Struct, frozen=True):
    """A table of production: bytes without indexes, and rows as last estimated."""

    size_bytes: int
    rows: int


class Acceptance(Struct, frozen=True):
    """Somebody accepts findings: of a migration, of a rule, and of a table where one is named."""

    migration: str
    rule: str
    reason: str
    table: str | None = None

    def fits(self, finding: RiskyStep) -> bool:
        """Whether it accepts this finding."""
        return (
            self.migration == finding.migration
            and self.rule == finding.rule
            and self.table in (None, *finding.tables)
        )

    def __str__(self) -> str:
        of = f" on {self.table}" if self.table else ""
        return f"{self.rule} in {self.migration}{of}"


class RiskyStep(Struct, frozen=True):
    """A statement of a pending migration that a rule finds risky.

    ``tables`` are those it works on and ``sizes`` those of them that production has;
    ``accepted`` is the reason for which somebody accepts it; ``is_small`` says that its lock
    is over in no time.
    """

    migration: str
    line: int
    rule: str
    statement: str
    tables: tuple[str, ...]
    sizes: Mapping[str, TableSize]
    accepted: str | None = None
    is_small: bool = False

    @property
    def risk(self) -> Risk:
        """What is risky."""
        return RISKS[self.rule]

    @property
    def counts(self) -> bool:
        """Whether it is neither accepted nor harmless."""
        return self.accepted is None and not self.is_small


def weighed(
    steps: Iterable[RiskyStep], accepted: Sequence[Acceptance], small_bytes: int
) -> tuple[RiskyStep, ...]:
    """Steps with what speaks for them: somebody's acceptance, or tables that are small.

    A step is told once: what a more exact rule says of the same statement goes first.
    """
    given = tuple(steps)
    rules: dict[tuple[str, str], set[str]] = {}
    for step in given:
        rules.setdefault((step.migration, step.statement), set()).add(step.rule)
    kept = [
        step
        for step in given
        if not _SAID_BY_ANOTHER.get(step.rule, set()) & rules[step.migration, step.statement]
    ]
    return tuple(_weighed(step, accepted, small_bytes) for step in kept)


def _weighed(step: RiskyStep, accepted: Sequence[Acceptance], small_bytes: int) -> RiskyStep:
    reason = next((each.reason for each in accepted if each.fits(step)), None)
    # A table that production does not show may be of any size.
    is_small = (
        not step.risk.destroys
        and bool(step.tables)
        and all(
            name in step.sizes and step.sizes[name].size_bytes <= small_bytes
            for name in step.tables
        )
    )
    return replace(step, accepted=reason, is_small=is_small)


def unused(accepted: Sequence[Acceptance], steps: Iterable[RiskyStep]) -> tuple[Acceptance, ...]:
    """Acceptances that no finding needs."""
    found = tuple(steps)
    return tuple(each for each in accepted if not any(each.fits(step) for step in found))
