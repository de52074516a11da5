"""What outside systems said last, for signals that are not to be asked at every beat."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pytest_chefrelease.errors import ProbeError

T = TypeVar("T")


@dataclass(slots=True)
class Paced(Generic[T]):
    """The last answer of one source, good for ``every_s`` seconds; a refusal lasts as long.

    A watch looks at every signal each few seconds; a vendor with a limit of requests is
    asked less often, and what it said last stands meanwhile, with the time at which it said it.
    """

    every_s: float
    clock: Callable[[], float] = time.monotonic
    _asked: float | None = None
    _said: list[T] = field(default_factory=list)
    _refused: ProbeError | None = None

    async def get(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The last answer, or a new one where that is too old. Raises what ``ask`` raises."""
        now = self.clock()
        if self._asked is None or now - self._asked >= self.every_s:
            self._asked, self._refused = now, None
            self._said.clear()
            try:
                self._said.append(await ask())
            except ProbeError as error:
                self._refused = error
            except BaseException:
                # Broken off: nothing was said, so the next look asks anew.
                self._asked = None
                raise
        if self._refused is not None:
            raise self._refused
        return self._said[0]
