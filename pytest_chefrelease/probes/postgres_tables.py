"""How large tables are, read from the catalogue of a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from pytest_chefrelease.probes.postgres import Session
from pytest_chefrelease.probes.squawk.script import Relation
from pytest_chefrelease.runbook.migration_risks import TableSize

# A partitioned table's rows are its partitions'; an index stands for its table.
_SIZES = """
    SELECT n.nspname, c.relname, coalesce(t.relname, c.relname),
           coalesce(sum(pg_catalog.pg_table_size(p.relid)),
                    pg_catalog.pg_table_size(coalesce(t.oid, c.oid)))::bigint,
           greatest(coalesce(sum(r.reltuples), t.reltuples, c.reltuples), 0)::bigint
    FROM unnest(%s::text[], %s::text[]) AS asked (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = asked.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
    LEFT JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
    LEFT JOIN LATERAL pg_catalog.pg_partition_tree(coalesce(t.oid, c.oid)) p ON p.isleaf
    LEFT JOIN pg_catalog.pg_class r ON r.oid = p.relid
    GROUP BY n.nspname, c.relname, c.oid, c.reltuples, t.oid, t.relname, t.reltuples
"""


class SizedTable(Struct, frozen=True):
    """The table that a relation is, or that an index belongs to, and its size."""

    name: str
    size: TableSize


async def table_sizes(
    session: Session, relations: Iterable[Relation]
) -> Mapping[Relation, SizedTable]:
    """Sizes of the relations that the database has; names without schema are in the URL's.

    Raises ProbeErrors: a table that somebody holds exclusively gives no size.
    """
    default = session.database.schema
    asked = {(each.schema or default, each.name): each for each in dict.fromkeys(relations)}
    if not asked:
        return {}
    schemas, names = ([key[place] for key in asked] for place in (0, 1))
    found: dict[Relation, SizedTable] = {}
    for schema, name, table, size, rows in await session.rows(_SIZES, (schemas, names)):
        if isinstance(size, int) and isinstance(rows, int):
            relation = asked[str(schema), str(name)]
            found[relation] = SizedTable(str(table), TableSize(size, rows))
    return found
