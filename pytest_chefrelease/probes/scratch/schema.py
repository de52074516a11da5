"""A database's schema as lines of text, so that two of them can be compared and read.

Definitions are PostgreSQL's own words for them; what extensions own and Prisma's history are
left out. The same query runs on production, read-only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import LiteralString

SCHEMA: LiteralString = r"""
WITH spaces AS (
    SELECT oid, nspname FROM pg_catalog.pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), owned AS (
    SELECT classid, objid FROM pg_catalog.pg_depend WHERE deptype = 'e'
), relations AS (
    SELECT c.oid, c.relkind, c.relrowsecurity, s.nspname || '.' || c.relname AS name
    FROM pg_catalog.pg_class c JOIN spaces s ON s.oid = c.relnamespace
    WHERE c.relname <> '_prisma_migrations' AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM owned o
        WHERE o.classid = 'pg_catalog.pg_class'::regclass AND o.objid = c.oid)
)
SELECT CASE relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' WHEN 'm' THEN
       'materialized view ' WHEN 'f' THEN 'foreign table ' ELSE 'table ' END || name ||
       CASE WHEN relrowsecurity THEN ' with row security' ELSE '' END ||
       CASE WHEN relkind IN ('v', 'm') THEN ': ' || pg_catalog.pg_get_viewdef(oid) ELSE '' END
FROM relations WHERE relkind IN ('r', 'p', 'S', 'v', 'm', 'f')
UNION ALL
SELECT 'column ' || r.name || '.' || a.attname || ' ' ||
       pg_catalog.format_type(a.atttypid, a.atttypmod) ||
       CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END ||
       coalesce(' DEFAULT ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')
FROM relations r JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE r.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index ' || pg_catalog.pg_get_indexdef(i.indexrelid)
FROM pg_catalog.pg_index i JOIN relations r ON r.oid = i.indrelid
UNION ALL
SELECT 'constraint ' || r.name || '.' || k.conname || ' ' || pg_catalog.pg_get_constraintdef(k.oid)
FROM pg_catalog.pg_constraint k JOIN relations r ON r.oid = k.conrelid WHERE k.contype <> 'n'
UNION ALL
SELECT 'trigger ' || pg_catalog.pg_get_triggerdef(t.oid)
FROM pg_catalog.pg_trigger t JOIN relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy ' || r.name || '.' || p.polname
FROM pg_catalog.pg_policy p JOIN relations r ON r.oid = p.polrelid
UNION ALL
SELECT 'type ' || s.nspname || '.' || t.typname || ' (' ||
       (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid) || ')'
FROM pg_catalog.pg_type t JOIN spaces s ON s.oid = t.typnamespace WHERE t.typtype = 'e'
UNION ALL
SELECT 'function ' || s.nspname || '.' || p.proname || '(' ||
       pg_catalog.pg_get_function_identity_arguments(p.oid) || ') ' || md5(p.prosrc)
FROM pg_catalog.pg_proc p JOIN spaces s ON s.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM owned o
    WHERE o.classid = 'pg_catalog.pg_proc'::regclass AND o.objid = p.oid)
"""
"""Gives one column of text; its order means nothing."""


def differences(before: Iterable[str], after: Iterable[str]) -> tuple[str, ...]:
    """``+ column public.orders.channel text`` for what came, with a minus for what went."""
    old, new = set(before), set(after)
    changed = [(line, "-") for line in old - new] + [(line, "+") for line in new - old]
    return tuple(f"{sign} {' '.join(line.split())}" for line, sign in sorted(changed))
