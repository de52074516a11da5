"""The live view of a watch: a line for each signal, drawn anew each second."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_chefrelease.checks.watch_signals import Signal, value_text
from pytest_chefrelease.report.plain import one_line
from pytest_chefrelease.report.readable import duration

if TYPE_CHECKING:
    from rich.table import Table

_STYLES = {"passed": "green", "failed": "bold red", "unverified": "yellow", "measuring": "cyan"}


def view(signals: Sequence[Signal], elapsed_s: float, length_s: float) -> Table:
    """The signals' last values, trends and states, under the time that is left."""
    from rich.markup import escape
    from rich.table import Table

    left = duration(max(0, round(length_s - elapsed_s)))
    table = Table(
        title=f"Watching: {duration(round(elapsed_s))} of {duration(round(length_s))}, {left} left",
        box=None,
        title_justify="left",
        pad_edge=False,
        expand=True,
    )
    for name, ratio in (("signal", 3), ("state", 2), ("value", 2), ("", None), ("seen", 6)):
        table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis")
    for each in signals:
        style = _STYLES.get(each.outcome, "")
        state = f"{each.outcome} {duration(max(0, round(elapsed_s - each.since_s)))}"
        cells = (each.label, state, value_text(each), each.trend.value, one_line(each.summary, 200))
        shown = [escape(cell) for cell in cells]
        shown[1] = f"[{style}]{shown[1]}[/]" if style else shown[1]
        table.add_row(*shown)
    return table
