"""One release everywhere: what each witness says, and the cell that differs.

Source: DESIGN.md section 3, rule 6: a disagreement of two witnesses is shown with both values.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Cell(Struct, frozen=True):
    """What one witness says in one column of the table.

    ``said`` is what it says, empty where it says nothing; ``missing`` is why (``not
    configured``). ``differs_from`` is the value that it should have agreed with.
    """

    witness: str
    column: str
    said: str = ""
    missing: str = ""
    differs_from: str | None = None

    @property
    def text(self) -> str:
        """The cell as the table shows it."""
        if not self.said:
            return self.missing or "says nothing"
        return f"≠ {self.said}" if self.differs_from is not None else self.said

    @property
    def sentence(self) -> str:
        """``web front of staging: 1.4.2, but the release is v1.5.0``."""
        return f"{self.witness} of {self.column}: {self.said}, but {self.differs_from}"


def witnesses(cells: Sequence[Cell]) -> int:
    """How many say something."""
    return sum(1 for cell in cells if cell.said)


def differing(cells: Sequence[Cell]) -> list[Cell]:
    """The cells that disagree, in the table's order."""
    return [cell for cell in cells if cell.differs_from is not None]


def rows(cells: Sequence[Cell], columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The table: a row for each witness, a column for the release and each environment."""
    names = dict.fromkeys(cell.witness for cell in cells)
    by_place = {(cell.witness, cell.column): cell.text for cell in cells}
    return tuple((name, *(by_place.get((name, c), "") for c in columns)) for name in names)


def compare_sets(wanted: Sequence[str], found: Sequence[str]) -> str | None:
    """How a set of migrations differs from another: ``lacks A; has B too``."""
    lacking = [name for name in wanted if name not in found]
    more = [name for name in found if name not in wanted]
    parts = []
    if lacking:
        parts.append(f"lacks {_few(lacking)}")
    if more:
        parts.append(f"has {_few(more)} too")
    return "; ".join(parts) or None


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:2])
    return f"{shown} and {len(names) - 2} more" if len(names) > 2 else shown
