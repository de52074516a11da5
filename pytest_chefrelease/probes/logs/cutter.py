"""Cuts a stream of bytes into blocks of whole lines, at constant memory."""

from __future__ import annotations

LONGEST_LINE = 1_000_000
"""Bytes of a line that is still read; of a longer one only its being there is known."""
CHUNK = 65_536


class Cutter:
    """Keeps the half line at the end of what came until its rest comes."""

    def __init__(self) -> None:
        self.oversized = 0
        self._rest = b""
        self._is_skipping = False

    @property
    def pending(self) -> int:
        """How many bytes of an unfinished line are kept."""
        return len(self._rest)

    def cut(self, chunk: bytes) -> bytes:
        """The lines that are whole with this chunk; empty while there are none."""
        if self._is_skipping:
            end = chunk.find(b"\n") + 1
            if not end:
                return b""
            self._is_skipping, chunk = False, chunk[end:]
        end = chunk.rfind(b"\n") + 1
        whole, rest = chunk[:end], chunk[end:]
        if end:
            whole, self._rest = self._rest + whole, rest
        else:
            self._rest += rest
        if len(self._rest) > LONGEST_LINE:
            self._rest, self._is_skipping = b"", True
            self.oversized += 1
        return whole

    def last(self) -> bytes:
        """What is left where nothing more can come: a line without its end."""
        rest, self._rest = self._rest, b""
        return rest
