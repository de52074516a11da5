"""A reading that many look at: read at most once in a while, whoever asks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from pytest_chefrelease.errors import ProbeError
from pytest_chefrelease.probes.logs.source import LogReading
from pytest_chefrelease.runbook.log_tally import Tally


@dataclass(slots=True)
class PacedReading:
    """Gives what was read less than ``every_s`` ago again, a refusal too.

    So a vendor that limits how often it is asked is not asked by each check anew.
    """

    reading: LogReading
    every_s: float
    _tally: Tally | None = None
    _refusal: ProbeError | None = None
    _next_s: float = 0.0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def advance(self) -> Tally:
        """All that the window held a moment ago. Raises a ProbeError."""
        async with self._turn:
            clock = asyncio.get_running_loop().time
            if clock() >= self._next_s:
                self._tally = self._refusal = None
                try:
                    self._tally = await self.reading.advance()
                except ProbeError as error:
                    self._refusal = error
                self._next_s = clock() + self.every_s
            if self._refusal is not None:
                raise self._refusal
            if self._tally is None:  # the look that read it was given up
                self._tally = await self.reading.advance()
            return self._tally

    async def close(self) -> None:
        """Close what is read."""
        await self.reading.close()
