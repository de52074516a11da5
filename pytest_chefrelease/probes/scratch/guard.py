"""Ends a server and removes its folder when the process that started it dies without a word.

Ctrl-C and SIGTERM leave time to do so in order; SIGKILL and an out-of-memory do not.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

# Reading ends when we are gone; a line means that all was done in order.
_SCRIPT = """
if read -r _; then exit 0; fi
kill -QUIT "$1" 2>/dev/null
for _ in 1 2 3 4 5; do kill -0 "$1" 2>/dev/null || break; sleep 0.2; done
kill -KILL "$1" 2>/dev/null
rm -rf "$2"
"""


@dataclass(slots=True)
class Guard:
    """A shell that waits beside us; ``release`` ends it once all is in order."""

    process: subprocess.Popen[bytes] = field(repr=False)

    @classmethod
    def over(cls, pid: int, folder: Path) -> Guard:
        """Watch over a server and its folder."""
        return cls(
            subprocess.Popen(
                ["/bin/sh", "-c", _SCRIPT, "sh", str(pid), str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    def release(self) -> None:
        """There is nothing to watch over any more."""
        self.process.communicate(b"\n", timeout=5)
