"""Runs a command of the user's own: bounded in time and output, its whole process group ended.

No shell unless asked for, nothing on standard input, an environment of named variables only,
so that a script sees no secret that it was not given.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import MissingExtra, NotConfigured

Tell = Callable[[str], None]

_PASSED_ON = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\r(?!\n)")
_GRACE_S, _LOOK_EVERY_S = 2.0, 0.02
_LAST_WORDS_S = 1.0
_TELL_EVERY_S = 0.5
_HEAD_BYTES, _TAIL_BYTES = 16_000, 48_000


class CommandRun(Struct, frozen=True):
    """How a command ended.

    ``exit_code`` is negative for a signal, as in subprocess, and None where the time limit
    ended it. ``output`` is standard output and error as they came, without colours; of a
    long one the beginning and the end, ``dropped_bytes`` between them.
    """

    command: str
    exit_code: int | None
    duration_s: float
    output: str
    output_bytes: int
    dropped_bytes: int = 0

    @property
    def end(self) -> str:
        """``exit code 1``, ``ended by SIGKILL``, ``not finished in 600 s``."""
        if self.exit_code is None:
            return f"not finished in {self.duration_s:.0f} s"
        if self.exit_code < 0:
            return f"ended by {signal_name(-self.exit_code)}"
        return f"exit code {self.exit_code}"

    @property
    def last_line(self) -> str:
        """The last line of output that says something."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1] if lines else ""


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def clean_environment(
    surrounding: Mapping[str, str], given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """What any program needs of ``surrounding``, and what is ``given``; colours are off."""
    kept = {name: surrounding[name] for name in _PASSED_ON if name in surrounding}
    return {**kept, "NO_COLOR": "1", "TERM": "dumb", **(given or {})}


async def run_command(
    command: str,
    *,
    directory: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    shell: bool = False,
    tell: Tell = lambda _line: None,
) -> CommandRun:
    """Run a command line to its end, and end everything that it started.

    ``environment`` is all that it gets (see ``clean_environment``); ``tell`` is given its
    newest line of output, at most twice a second. With ``shell``, /bin/sh reads the line.

    Raises NotConfigured where the line cannot be read, MissingExtra where the program or
    the directory is not there.
    """
    split = _split(command)
    arguments = ["/bin/sh", "-c", command] if shell else split
    kept = _Kept(tell)
    began = time.perf_counter()
    exit_code: int | None = None
    async with _started(arguments, directory, environment, kept) as (process, reading):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                exit_code = await process.wait()
                # What it left in the pipe; what it left running may hold that open.
                await asyncio.wait({reading}, timeout=_LAST_WORDS_S)
        took_s = time.perf_counter() - began
    return CommandRun(
        command=command,
        exit_code=exit_code,
        duration_s=took_s,
        output=kept.text(),
        output_bytes=kept.seen_bytes,
        dropped_bytes=kept.dropped_bytes,
    )


def _split(command: str) -> list[str]:
    try:
        arguments = shlex.split(command)
        reason = "it is empty" if not arguments else ""
    except ValueError as error:
        arguments, reason = [], str(error).lower()
    if "\0" in command:
        reason = "it holds a null character"
    if reason:
        raise NotConfigured(
            f"the command cannot be read: {reason}",
            expected="a program and its arguments, quoted as for a shell",
            remedy="Correct the command in release.toml.",
        )
    return arguments


@contextlib.asynccontextmanager
async def _started(
    arguments: list[str], directory: Path, environment: Mapping[str, str], kept: _Kept
) -> AsyncIterator[tuple[asyncio.subprocess.Process, asyncio.Task[None]]]:
    """The running command, and the task that reads its output; both end with the block."""
    # A pipe of our own: asyncio's makes wait() wait for it to close, however long a
    # grandchild holds it.
    here, there = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            cwd=directory,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=there,
            stderr=there,
            start_new_session=True,
        )
    except OSError as error:
        os.close(here)
        raise _not_started(arguments[0], directory, error) from None
    finally:
        os.close(there)
    reading = asyncio.create_task(_read(here, kept))
    try:
        yield process, reading
    finally:
        await _end(process)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(reading, _LAST_WORDS_S)


def _not_started(program: str, directory: Path, error: OSError) -> MissingExtra:
    if not directory.is_dir():
        return MissingExtra(
            f"the directory {directory.name} is not there",
            remedy="Check release.repository in release.toml.",
        )
    return MissingExtra(
        f"{program} cannot be run: {(error.strerror or 'unknown reason').lower()}",
        expected="a program on PATH, or a path to one",
        remedy=f"Install {program} here, or correct the command.",
    )


async def _read(descriptor: int, kept: _Kept) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        while chunk := await reader.read(65_536):
            kept.feed(chunk)
    finally:
        transport.close()


async def _end(process: asyncio.subprocess.Process) -> None:
    """End the process group: politely, then for good. Nothing happens where all is over."""
    if _signal_group(process.pid, signal.SIGTERM):
        for _ in range(round(_GRACE_S / _LOOK_EVERY_S)):
            await asyncio.sleep(_LOOK_EVERY_S)
            if process.returncode is not None and not _signal_group(process.pid, 0):
                break
        _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: int) -> bool:
    """Signal the group; False where it is gone. Signal 0 only asks."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@dataclass(slots=True)
class _Kept:
    """Output as it comes: its beginning, its end, and the newest line told on the way."""

    tell: Tell
    seen_bytes: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)
    _told_at: float = 0.0

    @property
    def dropped_bytes(self) -> int:
        """How much of the middle is gone."""
        return self.seen_bytes - len(self._head) - len(self._tail)

    def feed(self, chunk: bytes) -> None:
        """Take a piece."""
        self.seen_bytes += len(chunk)
        room = _HEAD_BYTES - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[max(0, room) :]
        del self._tail[:-_TAIL_BYTES]
        now = time.monotonic()
        line = _plain(chunk[-1_000:]).strip().rpartition("\n")[2].strip()
        if line and now - self._told_at >= _TELL_EVERY_S:
            self._told_at = now
            self.tell(line[:200])

    def text(self) -> str:
        """What was kept, with a line that says how much is missing."""
        if not self.dropped_bytes:
            return _plain(bytes(self._head + self._tail))
        gap = f"\n… {self.dropped_bytes:,} bytes left out …\n"
        return _plain(bytes(self._head)) + gap + _plain(bytes(self._tail))


def _plain(data: bytes) -> str:
    return _CONTROL.sub("", data.decode("utf-8", "replace"))
