"""Logs that a command prints, such as ``fly logs --no-tail`` or ``journalctl -u api -o cat``.

A command that ends is run again at a later look, at most every ten seconds, and what it prints
again counts once. One that goes on printing (``kubectl logs -f``) keeps running, and its new
lines are read at each look.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from pytest_chefrelease.errors import MissingExtra, NotConfigured, Unreachable
from pytest_chefrelease.probes.commands import clean_environment
from pytest_chefrelease.probes.logs.cutter import CHUNK, Cutter
from pytest_chefrelease.probes.logs.lines import LineTally
from pytest_chefrelease.probes.logs.source import LogReading, Window
from pytest_chefrelease.runbook.log_tally import Tally

_AGAIN_S = 10.0
_FIRST_WORDS_S, _PAUSE_S, _LONGEST_S = 10.0, 0.3, 60.0
_SHOWN_CHARS = 200


@dataclass(frozen=True, slots=True)
class CommandSource:
    """A command line, run without a shell in ``directory`` with ``variables`` and no others."""

    every_s: ClassVar[float] = 1.0
    line: str
    directory: Path
    variables: Mapping[str, str] = field(repr=False)

    @property
    def place(self) -> str:
        """The command line."""
        return self.line

    def reading(self, window: Window) -> LogReading:
        """Run it, and count what it prints of a window."""
        return CommandReading(self, LineTally(window))


@dataclass(slots=True)
class CommandReading:
    """What a command has printed so far."""

    source: CommandSource
    lines: LineTally
    _process: asyncio.subprocess.Process | None = None
    _cutter: Cutter = field(default_factory=Cutter)
    _next_s: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def advance(self) -> Tally:
        """All that was printed by now. Raises MissingExtra, NotConfigured or Unreachable."""
        async with self._turn:
            now_s = asyncio.get_running_loop().time()
            if self._process is None and now_s >= self._next_s:
                self._process = await _start(self.source)
                self._cutter = Cutter()
                self._next_s = now_s + _AGAIN_S
                await self._read(_FIRST_WORDS_S)
            elif self._process is not None:
                await self._read(_PAUSE_S)
        return self.lines.tally

    async def close(self) -> None:
        """End what still runs."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            self._process = None

    async def _read(self, first_s: float) -> None:
        """Read until nothing has come for a moment, or the command ends."""
        process = self._process
        assert process is not None, "a running command is read"  # noqa: S101
        assert process.stdout is not None, "a pipe was asked for"  # noqa: S101
        wait_s = first_s
        try:
            async with asyncio.timeout(_LONGEST_S):
                while chunk := await asyncio.wait_for(process.stdout.read(CHUNK), wait_s):
                    self.lines.add(self._cutter.cut(chunk).split(b"\n"))
                    wait_s = _PAUSE_S
        except TimeoutError:
            return  # it goes on: at the next look there will be more
        self.lines.add([self._cutter.last()])
        self.lines.oversized(self._cutter.oversized)
        await self._demand_success(process)

    async def _demand_success(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None, "a pipe was asked for"  # noqa: S101
        said = (await process.stderr.read()).decode(errors="replace").strip()
        code = await process.wait()
        self._process = None
        if code:
            raise Unreachable(
                f"the command ended with exit code {code}: {said[-_SHOWN_CHARS:] or 'no word'}",
                where=self.source.line,
                remedy="Run it in a terminal; give it what it needs by logs.variables.",
            )


async def _start(source: CommandSource) -> asyncio.subprocess.Process:
    try:
        arguments = shlex.split(source.line)
    except ValueError as error:
        raise NotConfigured(
            f"the command cannot be read: {str(error).lower()}", remedy="Correct logs.source."
        ) from None
    try:
        return await asyncio.create_subprocess_exec(
            *arguments,
            cwd=source.directory,
            env=clean_environment(os.environ, source.variables),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise MissingExtra(
            f"{arguments[0]} cannot be run: {(error.strerror or 'unknown reason').lower()}",
            remedy="Install it here, or correct logs.source.",
        ) from None
