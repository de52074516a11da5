"""The command runner with real programs: ends, limits, what they leave behind."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from pytest_chefrelease.errors import MissingExtra, NotConfigured
from pytest_chefrelease.probes.commands import CommandRun, clean_environment, run_command


def python(script: str) -> str:
    """A command line that runs a script with this Python."""
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(script)}"


def run(
    command: str,
    folder: Path,
    *,
    timeout_s: float = 20,
    shell: bool = False,
    given: dict[str, str] | None = None,
    told: list[str] | None = None,
) -> CommandRun:
    return asyncio.run(
        run_command(
            command,
            directory=folder,
            environment=clean_environment(os.environ, given),
            timeout_s=timeout_s,
            shell=shell,
            tell=(told if told is not None else []).append,
        )
    )


def is_running(pid: int) -> bool:
    """Whether the process runs; one that waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def pid_in(path: Path) -> int:
    """The process id that a script wrote, once it has."""
    for _ in range(200):
        if path.exists() and path.read_text():
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{path.name} was not written")


# --- an end of its own


def test_a_command_runs_where_it_is_told_and_its_output_is_kept(tmp_path: Path) -> None:
    script = (
        "import os, sys; print(os.getcwd(), flush=True); print('bad', file=sys.stderr); sys.exit(3)"
    )

    ran = run(python(script), tmp_path)

    assert (ran.exit_code, ran.end, ran.last_line) == (3, "exit code 3", "bad")
    assert ran.output.splitlines() == [str(tmp_path), "bad"]


def test_a_command_that_a_signal_ends_says_which(tmp_path: Path) -> None:
    ran = run(python("import os; os.kill(os.getpid(), 11)"), tmp_path)

    assert (ran.exit_code, ran.end) == (-11, "ended by SIGSEGV")


def test_nothing_is_on_standard_input(tmp_path: Path) -> None:
    assert run(python("import sys; print(repr(sys.stdin.read()))"), tmp_path).output == "''\n"


def test_colours_and_odd_bytes_do_not_reach_the_output(tmp_path: Path) -> None:
    script = r"import sys; sys.stdout.buffer.write(b'\x1b[31mred\x1b[0m 50%\r100% \xff\n')"

    assert run(python(script), tmp_path).output == "red 50%100% \N{REPLACEMENT CHARACTER}\n"


# --- what it gets


def test_no_variable_reaches_it_that_it_was_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JWT_SECRET", "not for scripts")

    ran = run(
        python("import os; print(sorted(os.environ))"),
        tmp_path,
        given={"API_BASE_URL": "http://127.0.0.1:1"},
    )

    assert "JWT_SECRET" not in ran.output
    assert "'API_BASE_URL'" in ran.output
    assert "'PATH'" in ran.output


def test_no_shell_reads_the_line_unless_asked(tmp_path: Path) -> None:
    line = "echo $HOME; echo two"

    plain, by_shell = run(line, tmp_path), run(line, tmp_path, shell=True)

    assert plain.output == "$HOME; echo two\n"
    assert by_shell.output == f"{os.environ['HOME']}\ntwo\n"


# --- bounds


def test_a_long_output_keeps_its_beginning_and_end(tmp_path: Path) -> None:
    script = "for n in range(200_000): print('line', n)"

    ran = run(python(script), tmp_path)

    assert ran.output.startswith("line 0\n")
    assert ran.output.endswith("line 199999\n")
    assert f"… {ran.dropped_bytes:,} bytes left out …" in ran.output
    assert ran.output_bytes > 2_000_000
    assert len(ran.output) < 70_000


def test_progress_is_told_while_it_runs_and_not_too_often(tmp_path: Path) -> None:
    script = "import time\nfor n in range(60):\n    print('step', n, flush=True); time.sleep(0.02)"
    told: list[str] = []

    run(python(script), tmp_path, told=told)

    assert told[0].startswith("step ")
    assert 2 <= len(told) <= 6


def test_the_time_limit_ends_the_whole_tree(tmp_path: Path) -> None:
    inner = "import os, time; open('inner', 'w').write(str(os.getpid())); time.sleep(60)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    began = time.monotonic()

    ran = run(python(outer), tmp_path, timeout_s=1)

    assert (ran.exit_code, ran.end) == (None, "not finished in 1 s")
    assert time.monotonic() - began < 8
    assert not is_running(pid_in(tmp_path / "inner"))


def test_one_that_ignores_the_polite_signal_is_ended_too(tmp_path: Path) -> None:
    script = (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "open('pid', 'w').write(str(os.getpid())); print('deaf', flush=True); time.sleep(60)"
    )

    ran = run(python(script), tmp_path, timeout_s=1)

    assert (ran.exit_code, ran.output) == (None, "deaf\n")
    assert not is_running(pid_in(tmp_path / "pid"))


def test_what_it_left_running_is_ended_and_does_not_hold_us(tmp_path: Path) -> None:
    inner = "import os, time; open('inner', 'w').write(str(os.getpid())); time.sleep(60)"
    outer = (
        f"import os, subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {inner!r}])\n"
        "while not os.path.exists('inner'): time.sleep(0.01)\nprint('done')"
    )
    began = time.monotonic()

    ran = run(python(outer), tmp_path)

    assert (ran.exit_code, ran.output) == (0, "done\n")
    assert time.monotonic() - began < 8
    assert not is_running(pid_in(tmp_path / "inner"))


def test_cancellation_ends_it(tmp_path: Path) -> None:
    script = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"

    async def go() -> None:
        task = asyncio.create_task(
            run_command(
                python(script), directory=tmp_path, environment=dict(os.environ), timeout_s=60
            )
        )
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())

    assert not is_running(pid_in(tmp_path / "pid"))


# --- what cannot be started


@pytest.mark.parametrize("command", ["", "  ", "echo 'open", "echo a\0b"])
def test_a_line_that_cannot_be_read_is_a_mistake_of_the_settings(
    command: str, tmp_path: Path
) -> None:
    with pytest.raises(NotConfigured, match="cannot be read"):
        run(command, tmp_path)


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match="no-such-program cannot be run: no such file"):
        run("no-such-program --help", tmp_path)


def test_a_program_without_the_right_to_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("#!/bin/sh\n")

    with pytest.raises(MissingExtra, match="permission denied"):
        run("./script", tmp_path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match="directory gone is not there"):
        run("true", tmp_path / "gone")
