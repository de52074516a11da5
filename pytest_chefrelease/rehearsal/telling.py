"""What a rehearsal says while it runs: coloured in a terminal, plain lines elsewhere."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from rich.console import Console

    from pytest_chefrelease.rehearsal.stack import Stack

_COLOURS = {Decision.GO: "bold green", Decision.NO_GO: "bold red", Decision.HOLD: "bold yellow"}
Note = Callable[[str], None]


class Teller:
    """Writes lines; each is out at once, also into a pipe."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, text: str = "", style: str = "") -> None:
        """One line, in a style that only terminals show."""
        self._console.print(text, style=style or None, markup=False)
        self._console.file.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[Note]:
        """A step of the walk: told with its duration when it ends, and with what it notes."""
        notes: list[str] = []
        begun = time.monotonic()
        yield notes.append
        took = f"{time.monotonic() - begun:.1f} s"
        self.line(f"   {title:<16} {took:>7}  {' '.join(notes)}".rstrip())

    def fault(self, fault: Fault) -> None:
        """A fault that the stack has from now on."""
        self.line(f"   Fault            {fault.name}: {fault.title}", "magenta")

    def stage(self, stage: Stage) -> None:
        """A stage begins."""
        self.line(f"\n== {stage.value}: pytest -m {stage.value}", "bold")

    def verdict(self, stage: Stage, decision: Decision) -> None:
        """What a stage ended with; the gate itself has just said why."""
        self.line(f"== {stage.value}: {decision.value}", _COLOURS[decision])

    def end(self, reports: Path, *, is_go: bool) -> None:
        """The end of the walk, and where its reports are."""
        verdict = "GO: the release was rehearsed from gate to watch" if is_go else "stopped here"
        self.line(f"Rehearsal {verdict}. Reports:", "bold")
        for stage in Stage:
            page = reports / f"{stage.value}.html"
            if page.exists():
                self.line(f"   {page}")

    def serving(self, stack: Stack, release_toml: Path) -> None:
        """What a user types in another terminal to run pytest against the stack."""
        self.line("\nIn another terminal:\n", "bold")
        for name, value in sorted(stack.environment.items()):
            self.line(f"export {name}={shlex.quote(value)}")
        config = shlex.quote(str(release_toml))
        self.line(f"\npytest -m prerelease  --release-config={config}")
        for stage, more in ((Stage.POSTRELEASE, ""), (Stage.MONITORING, " --watch=20s")):
            base = f"--base-url={stack.api_url}"
            self.line(f"pytest -m {stage.value} --release-config={config} {base}{more}")
        self.line(f"\nWeb front {stack.web_url}; Ctrl-C stops everything.")


def teller() -> Teller:
    """A teller that writes to standard output."""
    from rich.console import Console

    return Teller(Console(highlight=False, soft_wrap=True))
