"""The latency prober: samples endpoints on a fixed schedule, from a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.prober_wire import Batch, Endpoint, Lane, Report, Shot, Stop

__all__ = ["Batch", "Endpoint", "Lane", "Prober", "Sample", "Shot", "Stop"]

_START = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from pytest_chefrelease.probes.prober_process import main; main()"
)
_ROOT = Path(__file__).resolve().parents[2]
_LINE_BYTES = 2**24
_ENDING_S = 2.0


@dataclass(slots=True)
class Sample:
    """What a batch brought: shots in the order of the schedule, and what was stopped early.

    ``cpu_s`` is the processor time of the prober's process since its first request.
    """

    shots: list[Shot] = field(default_factory=list)
    stops: dict[Endpoint, Stop] = field(default_factory=dict)
    is_cut: bool = False
    cpu_s: float = 0.0


@dataclass(slots=True)
class Prober:
    """The prober's process, as an async context manager.

    ``ca_file`` is a PEM file of authorities trusted besides the public ones.
    """

    ca_file: str | None = None
    process: Process | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        # Without -P the user's folder would come first on the path of imports.
        command = [sys.executable, "-P", "-c", _START, str(_ROOT)]
        self.process = await asyncio.create_subprocess_exec(
            *command,
            *([self.ca_file] if self.ca_file else []),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=_LINE_BYTES,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process = self._started()
        assert process.stdin is not None  # noqa: S101 - for the type checker: it is a pipe
        process.stdin.close()
        if kind is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _ENDING_S)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def sample(
        self, batch: Batch, on_progress: Callable[[Sample], bool] = lambda _sample: True
    ) -> Sample:
        """Measure one batch.

        ``on_progress`` is called about twice a second with what there is so far; when it
        returns False, the batch is cut and the prober can measure no more. Raises ProbeError
        when the process breaks.
        """
        process = self._started()
        assert process.stdin is not None  # noqa: S101
        sample = Sample()
        # A process that is gone says why when its output is read.
        with contextlib.suppress(ConnectionError):
            process.stdin.write(msgspec.json.encode(batch) + b"\n")
            await process.stdin.drain()
        while True:
            report = await self._next_report(process)
            sample.shots += report.shots
            sample.stops |= report.stops
            sample.cpu_s = report.cpu_s
            if report.is_last or not on_progress(sample):
                sample.is_cut = not report.is_last
                sample.shots.sort(key=lambda shot: shot.at_s)
                return sample

    async def _next_report(self, process: Process) -> Report:
        assert process.stdout is not None  # noqa: S101
        assert process.stderr is not None  # noqa: S101
        line = await process.stdout.readline()
        if line:
            return msgspec.json.decode(line, type=Report)
        errors = (await process.stderr.read()).decode(errors="replace").strip().splitlines()
        raise ProbeError(
            f"the prober's process broke: {errors[-1][:200] if errors else 'it said nothing'}",
            remedy="Run again; if it happens again, report it to the authors.",
        )

    def _started(self) -> Process:
        if self.process is None:
            raise ValueError("the prober is used in `async with`")
        return self.process
