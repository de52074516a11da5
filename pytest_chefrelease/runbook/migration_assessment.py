"""The assessment questions of the bad-migration protocol, answered as far as evidence goes.

Each answer begins with yes, no, none, partly or ``not known``. Sources: the runbook's "Migration
Rollback (Bad Migration Protocol)", step 1; PostgreSQL's documentation, "Multiple Statements in a
Simple Query" and "PostgreSQL Error Codes".
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from msgspec import Struct

from pytest_chefrelease.runbook.outcome import Outcome, Result

SERVING, APPLIED = "Is the app still functional?", "Which statements were applied?"
CORRUPTED, FORWARD = "Is data corrupted?", "Can we fix forward?"
_CODE = re.compile(r"^Database error code: (\w{5})$", re.MULTILINE)
_LATEST = datetime.max.replace(tzinfo=UTC)
_SHOWN = 5
_SHOWN_CHARS = 300


class Attempt(Struct, frozen=True):
    """What is known of a try that failed.

    ``logs`` is what Prisma kept of it. ``statements`` is how many its script has, 0 where nobody
    counted, None where the release does not hold it; ``is_one_piece`` that it neither commits by
    itself nor builds an index concurrently, so that PostgreSQL undoes all of it. ``changes`` are
    the statements that change or remove rows, None where nobody has read them; ``there`` and
    ``missing`` the tables that the script makes, by what the database has now.
    """

    logs: str
    statements: int | None = None
    is_one_piece: bool = False
    changes: tuple[str, ...] | None = None
    there: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """PostgreSQL's error code, empty where the log has none."""
        found = _CODE.search(self.logs)
        return found[1] if found else ""


def assess(attempt: Attempt) -> dict[str, str]:
    """The answers that the database and the script give."""
    applied = _applied(attempt)
    is_clean = applied.startswith("none")
    return {
        APPLIED: applied,
        CORRUPTED: _corrupted(attempt, is_clean=is_clean),
        FORWARD: _forward(attempt.code, is_clean=is_clean),
    }


def _applied(attempt: Attempt) -> str:
    if not attempt.logs.strip():
        return "not known: the try has no error in its log, and may still be running"
    if attempt.statements is None:
        return "not known: the release does not hold its script"
    tables = _tables(attempt)
    if not attempt.is_one_piece:
        return (
            "not known: the script commits by itself, or builds an index concurrently: what came "
            f"before the error stays{tables}"
        )
    if attempt.there and not attempt.code.startswith("42P07"):
        return f"not known: what the script makes may be from before, or from this try{tables}"
    count = attempt.statements
    of = "its one statement failed" if count == 1 else f"PostgreSQL undid {_all(count)} together"
    return f"none: {of}{tables}"


def _all(count: int) -> str:
    return f"all {count}" if count else "all of them"


def _tables(attempt: Attempt) -> str:
    """Which of the tables that it makes are there."""
    named = (("is there", attempt.there), ("is not", attempt.missing))
    said = [f"{', '.join(names[:_SHOWN])} {what}" for what, names in named if names]
    return f"; of its tables {', '.join(said)}" if said else ""


def _corrupted(attempt: Attempt, *, is_clean: bool) -> str:
    if is_clean:
        return "no: nothing of this try stayed"
    if attempt.changes is None:
        return "not known: nobody could read what the script does to rows"
    if not attempt.changes:
        return "no: none of its statements changes or removes rows"
    more = len(attempt.changes) - _SHOWN
    shown = "; ".join(attempt.changes[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    return f"not known: it may have changed or removed rows: {shown}"


def _forward(code: str, *, is_clean: bool) -> str:
    way = _WAYS.get(code) or _WAYS.get(code[:2])
    if way is None:
        why = f"PostgreSQL's {code} may have many causes" if code else "its log has no error code"
        return f"not known: {why}"
    if is_clean:
        return f"yes: {way}"
    return f"not known before it is clear what was applied; by its error {code}: {way}"


_AGAIN = "mark it as rolled back, and deploy again"
_ROWS = f"correct the rows that it stumbles over (step 3), {_AGAIN}"
_THERE = (
    "what it makes is there already; where that is as it should be, resolve it as --applied "
    "instead, else mend the script and deploy again"
)
_LACKING = f"it names what this database does not have; mend the script, {_AGAIN}"
_WAITED = f"it waited for a lock or ran too long, and was ended; at a quieter hour {_AGAIN}"
_WAYS = {
    **dict.fromkeys(("42P07", "42701", "42710", "42P06", "42723", "42P16"), _THERE),
    **dict.fromkeys(("42P01", "42703", "42704", "42883", "3F000"), _LACKING),
    **dict.fromkeys(("57014", "55P03", "40P01", "40001"), _WAITED),
    "42501": f"give its role the right that it lacks, {_AGAIN}",
    "42601": f"it is not SQL; mend the script, {_AGAIN}",
    "25001": f"put that statement into a migration of its own, {_AGAIN}",
    "22": _ROWS,
    "23": _ROWS,
    "53": f"make room on the server, {_AGAIN}",
    "08": f"the connection was lost; {_AGAIN}",
    "57": f"the server was stopped; {_AGAIN}",
}
"""By error code, or by the class of codes that it belongs to."""


def serving(results: Iterable[Result]) -> str:
    """Whether the application works, by what was seen of it."""
    seen = list(results)
    health = [result for result in seen if result.item.id == "health.endpoint"]
    if not health:
        return "not known: health was not looked at"
    last = max(health, key=_looked_at)
    if last.outcome is Outcome.FAILED:
        return f"no: {last.summary}"
    if last.outcome is not Outcome.PASSED:
        return f"not known: {last.summary}"
    others = [result for result in seen if result.item.id in ("smoke.endpoint", "routes.login")]
    broken = [result for result in others if result.outcome is Outcome.FAILED]
    if broken:
        return f"partly: {last.summary}; but {broken[0].label}: {broken[0].summary}"
    return f"yes: {last.summary}"


def _looked_at(result: Result) -> datetime:
    # What failed before it saw anything is not outdone by what was seen well at another time.
    return result.evidence.observed_at if result.evidence else _LATEST


def answers(results: Iterable[Result]) -> tuple[tuple[str, str], ...]:
    """Every question with its answer; none where no migration's state was looked at."""
    seen = list(results)
    status = next((r for r in seen if r.item.id == "migrations.status"), None)
    if status is None:
        return ()
    told = status.evidence.facts.get("assessment") if status.evidence else None
    found = {key: str(text) for key, text in told.items()} if isinstance(told, dict) else {}
    if not found:
        found = {
            APPLIED: f"not known: no migration is recorded as failed; {status.summary}",
            CORRUPTED: "not known",
            FORWARD: f"not known: {status.remedy}" if status.remedy else "not known",
        }
    found[SERVING] = serving(seen)
    order = (SERVING, APPLIED, CORRUPTED, FORWARD)
    return tuple((key, " ".join(found[key].split())[:_SHOWN_CHARS]) for key in order)
