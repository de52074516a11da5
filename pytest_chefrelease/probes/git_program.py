"""Runs the git program so that it only reads, asks nobody, and runs nothing of the repository's.

A repository is data from outside: its configuration can name programs (hooks, file system
monitors, pagers, external diffs, ssh commands), and each is switched off here. Source:
git's own documentation, ``git help config`` and ``git help git``.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pytest_chefrelease.errors import (
    AccessDenied,
    Malformed,
    MissingExtra,
    NoAnswer,
    NotConfigured,
    ProbeError,
    Unreachable,
)

_SAFE_OPTIONS = (
    "--no-pager",
    "--no-optional-locks",
    "--no-replace-objects",
    "--literal-pathspecs",
    *("-c", "safe.directory=*"),  # CI checks out as another user; nothing of it is run
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.attributesFile=/dev/null"),
    *("-c", "diff.external="),
    *("-c", "log.showSignature=false"),
    *("-c", "protocol.ext.allow=never"),
    *("-c", "submodule.recurse=false"),
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)
_FIXED_VARIABLES = {
    "LC_ALL": "C",
    "LANGUAGE": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",  # a partial clone is not filled up by reading it
    "GCM_INTERACTIVE": "never",
}
# GIT_DIR, GIT_INDEX_FILE and the like, as hooks set them, would lead to another repository.
_KEPT_VARIABLES = re.compile(r"GIT_(SSH|SSL|ASKPASS|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|PROXY)")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@]*@")
_MAX_OUTPUT_BYTES = 256 * 1024 * 1024


class GitFailed(ProbeError):
    """Git ended with ``status``; ``text`` is its error output without credentials."""

    def __init__(self, command: str, status: int, text: str, where: str) -> None:
        last = text.splitlines()[-1][:300] if text else f"exit status {status}"
        super().__init__(f"git {command} failed: {last}", where=where)
        self.status = status
        self.text = text


def run_git(
    directory: Path,
    *arguments: str,
    stdin: bytes = b"",
    timeout_s: float = 20.0,
    variables: Mapping[str, str] | None = None,
) -> bytes:
    """The output of ``git arguments`` in ``directory``.

    Raises GitFailed on another exit status than 0, NoAnswer after ``timeout_s`` seconds
    (the process and its children are ended), MissingExtra without git, NotConfigured where
    the directory is no repository.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out:
        given.write(stdin)
        given.seek(0)
        process = start_git(
            directory, arguments, given.fileno(), out.fileno(), subprocess.PIPE, variables or {}
        )
        try:
            _, error_output = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            end_program(process)
            raise NoAnswer(
                f"git {arguments[0]} did not end in {timeout_s:g} s",
                where=str(directory),
                remedy="Look for a slow disk or remote, then run it again.",
            ) from None
        except BaseException:
            end_program(process)
            raise
        if process.returncode != 0:
            raise failure_of(directory, arguments[0], process.returncode, error_output)
        if out.seek(0, os.SEEK_END) > _MAX_OUTPUT_BYTES:
            raise Malformed(
                f"git {arguments[0]} gave over {_MAX_OUTPUT_BYTES:,} bytes", where=str(directory)
            )
        out.seek(0)
        return out.read()


def start_git(
    directory: Path,
    arguments: tuple[str, ...],
    stdin: int,
    stdout: int,
    stderr: int,
    variables: Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """Start git; the numbers are file descriptors, ``stderr`` may be subprocess.PIPE.

    Raises MissingExtra without git, NotConfigured where there is no such directory.
    """
    try:
        return subprocess.Popen(
            ["git", *_SAFE_OPTIONS, *arguments],
            cwd=directory,
            env=_environment() | dict(variables),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        if not directory.is_dir():
            raise _no_repository(directory) from None
        raise MissingExtra(
            f"the git program cannot be run ({error.strerror})", remedy="Install git 2.30 or newer."
        ) from None


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or _KEPT_VARIABLES.match(name)
    }
    # A host key or passphrase that ssh asks for would wait for ever.
    kept.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    return kept | _FIXED_VARIABLES


def end_program(process: subprocess.Popen[bytes]) -> None:
    """End the process with its children: it leads a process group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def failure_of(directory: Path, command: str, status: int, error_output: bytes) -> ProbeError:
    """Why git failed, from its exit status and its error output."""
    text = _CREDENTIALS.sub("", error_output[:4_000].decode(errors="replace")).strip()
    if "not a git repository" in text:
        return _no_repository(directory)
    return GitFailed(command, status, text, str(directory))


def _no_repository(directory: Path) -> NotConfigured:
    return NotConfigured(
        "the directory is no git repository",
        where=str(directory),
        remedy="Run pytest in the release's work tree, or set release.repository to it.",
    )


def remote_failure(failed: GitFailed, remote: str) -> ProbeError:
    """Why a remote could not be read, from git's words."""
    text = failed.text
    last = text.splitlines()[-1][:200] if text else f"exit status {failed.status}"
    if re.search(
        r"could not resolve host|connection refused|timed out|unable to access", text, re.IGNORECASE
    ):
        return Unreachable(f"the remote does not answer: {last}", where=remote)
    if re.search(
        r"authentication failed|could not read (username|password)|denied", text, re.IGNORECASE
    ):
        return AccessDenied(
            f"the remote refuses to be read: {last}",
            where=remote,
            remedy="Give git here credentials that may read the remote.",
        )
    return Unreachable(
        f"the remote cannot be read: {last}",
        where=remote,
        remedy="Check that it exists and that the credentials here may read it.",
    )
