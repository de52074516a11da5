"""What a check needs of a log, whatever keeps it."""

from __future__ import annotations

from typing import ClassVar, Protocol

from msgspec import Struct

from pytest_chefrelease.runbook.log_tally import Tally


class Window(Struct, frozen=True):
    """A stretch of time in milliseconds since 1970; the end is not part of it."""

    start_ms: int
    end_ms: int = 2**62


class LogReading(Protocol):
    """The logs of one window, as they grow."""

    async def advance(self) -> Tally:
        """All that the window holds by now; what was read before is not read again.

        Raises a ProbeError where the logs cannot be read.
        """
        ...

    async def close(self) -> None:
        """Let go of what is open."""
        ...


class LogSource(Protocol):
    """Where logs are kept; ``place`` names it in reports.

    ``every_s`` is how often it may be asked, in seconds.
    """

    every_s: ClassVar[float]

    @property
    def place(self) -> str:
        """Where that is, in words."""
        ...

    def reading(self, window: Window) -> LogReading:
        """Begin to read a window; nothing is read yet."""
        ...
