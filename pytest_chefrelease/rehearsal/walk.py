"""The rehearsal: the runbook, walked on the embedded ChefCloud, to the end or the first NO-GO."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from pytest_chefrelease.errors import NoAnswer, ReleaseGateError
from pytest_chefrelease.rehearsal import people
from pytest_chefrelease.rehearsal.faults import FAULTS, fault_named
from pytest_chefrelease.rehearsal.faults.fault import Fault
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.rehearsal.telling import Teller, teller
from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.verdict import Decision

GO, NOT_GO, INTERRUPTED = 0, 1, 2
_GATE_LIMIT_S = 180.0
_ITEMS_LISTED = 2


class Record(msgspec.Struct):
    """What a walk reads of a stage's report (reports/STAGE.json)."""

    verdict: Decision


class Walk(Struct, frozen=True):
    """One walk: the stack, the faults it has been told to have, and where reports go."""

    stack: Stack
    faults: Sequence[Fault]
    reports: Path
    tell: Teller

    def run(self) -> int:
        """Prerelease, deploy, postrelease, watch: 0 when each is GO, 1 at the first that is not."""
        self._give(lambda fault: fault.stage is Stage.PRERELEASE)
        if self._gate(Stage.PRERELEASE) is not Decision.GO:
            return NOT_GO
        self._deploy()
        self._give(lambda fault: fault.stage is Stage.POSTRELEASE and not fault.strikes_deploy)
        if self._gate(Stage.POSTRELEASE) is not Decision.GO:
            return NOT_GO
        with self.tell.step("Document") as note:
            self.stack.sign(people.DOCUMENTED)
            note(f"signed by {people.DOCUMENTED.person.name}")
        return GO if self._watch() is Decision.GO else NOT_GO

    def _deploy(self) -> None:
        """The runbook's deployment procedure, steps 2 to 8."""
        stack = self.stack
        self._give(lambda fault: fault.strikes_deploy)
        with self.tell.step("Maintenance on"):
            stack.maintenance(is_on=True)
        with self.tell.step("Backup") as note:
            note(stack.backup().name)
        with self.tell.step("Announce") as note:
            stack.sign(people.ANNOUNCED)
            note(f"signed by {people.ANNOUNCED.person.name}")
        with self.tell.step("Deploy") as note:
            stack.deploy()
            note(stack.release_build.version)
        with self.tell.step("Migrate") as note:
            done = stack.migrate()
            note(f"failed: {done.error}" if done.error else f"applied {', '.join(done.applied)}")
        with self.tell.step("Maintenance off"):
            stack.maintenance(is_on=False)
        stack.is_released = True

    def _watch(self) -> Decision:
        """The watch; a fault of its own begins while it runs."""
        late = [fault for fault in self.faults if fault.stage is Stage.MONITORING]
        timers = [threading.Timer(4.0, self.stack.apply, [fault]) for fault in late]
        for timer in timers:
            timer.start()
        try:
            return self._gate(Stage.MONITORING)
        finally:
            for timer in timers:
                timer.cancel()
                timer.join()

    def _give(self, which: Callable[[Fault], bool]) -> None:
        for fault in filter(which, self.faults):
            self.tell.fault(fault)
            self.stack.apply(fault)

    def _gate(self, stage: Stage) -> Decision:
        """Run a stage as a user does and tell its verdict, which is the report's."""
        self.tell.stage(stage)
        code = run_stage(self.stack, stage, self.reports)
        path = self.reports / f"{stage.value}.json"
        if not path.exists():
            raise ReleaseGateError(f"{stage.value} wrote no report (exit code {code})")
        record = msgspec.json.decode(path.read_bytes(), type=Record)
        decision = record.verdict
        if (decision is Decision.GO) != (code == 0):
            raise ReleaseGateError(f"{stage.value} says {decision.value}, exit code {code}")
        self.tell.verdict(stage, decision)
        return decision


def run_stage(stack: Stack, stage: Stage, reports: Path, *extra: str) -> int:
    """Run ``pytest -m STAGE`` against the stack and give its exit code; output is passed on."""
    command = [sys.executable, "-m", "pytest", "-m", stage.value, "-p", "no:cacheprovider"]
    command += ["--release-config", str(stack.write_release_toml())]
    command += ["--release-reports", str(reports), "--rootdir", str(stack.workspace)]
    if stage is not Stage.PRERELEASE:
        command += ["--base-url", stack.api_url]
    with subprocess.Popen(
        [*command, *extra], cwd=stack.workspace, env=suite_environment(stack)
    ) as process:
        try:
            with stack.gate.running(process):
                return process.wait(_GATE_LIMIT_S)
        except subprocess.TimeoutExpired:
            _let_end(process)
            raise NoAnswer(f"{stage.value} did not end within {_GATE_LIMIT_S:.0f} s") from None
        except BaseException:
            # Ctrl-C has reached it as well: it writes its report before it ends.
            _let_end(process)
            raise


def _let_end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(15.0)
    except subprocess.TimeoutExpired:
        process.kill()


def suite_environment(stack: Stack) -> dict[str, str]:
    """The stack's variables over ours, less what would tell the suite of another system."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CHEFRELEASE_", "PYTEST_", "GITHUB_")) and name != "CI"
    }
    return kept | stack.environment


def rehearse(faults: Sequence[str], serve: bool, reports: Path) -> int:  # noqa: FBT001 - cli.py's flag
    """Walk the runbook on a stack with these faults, or keep the stack up (``serve``).

    Returns 0 when every stage is GO, 1 at the first that is not, 2 when interrupted.

    Raises:
        SettingsError: a fault's name is unknown.
        ReleaseGateError: the stack did not start, or a stage wrote no report.
    """
    chosen = [fault_named(name) for name in faults]
    tell = teller()
    reports = reports.resolve()
    reports.mkdir(parents=True, exist_ok=True)
    try:
        with _terminated_as_interrupted():
            with ExitStack() as parts:
                with tell.step("Start ChefCloud") as note:
                    stack = parts.enter_context(Stack())
                    note(stack.api_url)
                if serve:
                    return _serve(stack, chosen, tell)
                code = Walk(stack, chosen, reports, tell).run()
            tell.end(reports, is_go=code == GO)
            return code
    except KeyboardInterrupt:
        tell.line("Interrupted; everything is stopped.")
        return INTERRUPTED


def _serve(stack: Stack, faults: Sequence[Fault], tell: Teller) -> int:
    """Keep the stack up, as after the deploy where faults need that, until Ctrl-C."""
    if any(fault.stage is not Stage.PRERELEASE for fault in faults):
        stack.release()
    for fault in faults:
        stack.apply(fault)
    tell.serving(stack, stack.write_release_toml())
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        tell.line("Stopped.")
    return GO


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends us as Ctrl-C does: in order, with everything stopped."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def list_faults() -> str:
    """One line for each fault: its name, the verdict and items that follow, what it is."""
    name, items = (
        max(map(len, column))
        for column in ([f.name for f in FAULTS], [_first_items(f) for f in FAULTS])
    )
    return "\n".join(
        f"{f.name:<{name}}  {f.verdict.value:<5}  {_first_items(f):<{items}}  {f.title}"
        for f in FAULTS
    )


def _first_items(fault: Fault) -> str:
    """At most two of the fault's items and how many more, so that titles stay in sight."""
    more = len(fault.items) - _ITEMS_LISTED
    return ", ".join(fault.items[:_ITEMS_LISTED]) + (f" +{more} more" if more > 0 else "")
