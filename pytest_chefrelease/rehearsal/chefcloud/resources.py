"""What the API reads from the database: one statement for each guarded path."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.chefcloud.database import Database, Row

RESOURCES = {
    "/pos/menu/categories": (
        "SELECT c.id, c.name, count(i.id) AS items FROM menu_categories c"
        " LEFT JOIN menu_items i ON i.category_id = c.id GROUP BY c.id ORDER BY c.position"
    ),
    "/pos/orders": (
        "SELECT id, table_number, status::text AS status, total_cents, opened_at FROM orders"
        " ORDER BY opened_at DESC LIMIT 40"
    ),
    "/inventory/items": (
        "SELECT i.id, i.name, c.name AS category, i.unit, i.on_hand, i.reorder_at"
        " FROM inventory_items i JOIN inventory_categories c ON c.id = i.category_id"
        " ORDER BY i.name"
    ),
    "/inventory/categories": "SELECT id, name FROM inventory_categories ORDER BY name",
    "/workforce/employees": "SELECT id, name, role FROM users ORDER BY name",
    "/workforce/payroll-runs": (
        "SELECT id, period, gross_cents, closed_at FROM payroll_runs ORDER BY period DESC"
    ),
    "/finance/journal-entries": (
        "SELECT id, account, amount_cents, booked_at FROM journal_entries"
        " ORDER BY booked_at DESC LIMIT 50"
    ),
}
"""Statement by path; every one of these paths answers 401 without a token."""

_SUMMARY = """
SELECT coalesce(sum(total_cents) FILTER (WHERE status = 'paid'), 0)::bigint AS revenue_cents,
       count(*) FILTER (WHERE status = 'open') AS open_orders,
       coalesce(avg(total_cents) FILTER (WHERE status = 'paid'), 0)::bigint AS average_cents,
       (SELECT count(*) FROM inventory_items WHERE on_hand < reorder_at) AS to_reorder
FROM orders WHERE opened_at > now() - interval '24 hours'
"""


async def summary(database: Database) -> Row:
    """The figures of the dashboard: the last 24 hours, and what the kitchen has to reorder."""
    return (await database.query(_SUMMARY))[0]
