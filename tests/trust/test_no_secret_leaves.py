"""No value of a secret leaves the gate: real runs at their most talkative, searched for canaries.

The rehearsal's secrets are the canaries: random values in the environment, the databases, the
vendors' doubles and the applications. Faults bring them back to the gate from outside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from pytest_chefrelease.rehearsal.chefcloud.visitors import message_line
from pytest_chefrelease.rehearsal.faults import fault_named
from pytest_chefrelease.rehearsal.intercept import Intercept
from pytest_chefrelease.rehearsal.stack import Stack
from pytest_chefrelease.rehearsal.walk import suite_environment
from pytest_chefrelease.runbook.item import Stage
from tests.trust.needles import forms, found

TALKATIVE = (
    *("-vvv", "--tb=long", "--showlocals", "-o", "log_cli=true", "--log-cli-level=DEBUG"),
    *("-rA", "-W", "always", "--capture=tee-sys", "--full-trace"),
)
FAULTS = ("secret-in-repository", "secret-in-note", "secret-in-script", "secret-in-health")
DEAR = (
    "not browser and not latency and not staging_route and not drill and not rehearsed"
    " and not from_scratch and not idempotent"
)
LIMIT_S = 240
NOT_SECRET = ("control",)
"""The token by which tests steer the stack: the gate never has it."""

CRASHING = """
import logging, os
from pytest_chefrelease.api import Evidence, Item, Minimum, Section, Severity, Stage, check

@check(Item(id="kitchen.crash", title="It crashes", stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
            severity=Severity.P2, section=Section.BEYOND, minimum=Minimum(counts={"n": 1}),
            remedy="None."))
async def crash(look):
    secret = os.environ["JWT_SECRET"]
    logging.getLogger("kitchen").warning("logged %s", secret)
    try:
        raise ValueError(secret)
    except ValueError:
        logging.getLogger("kitchen").exception("with a traceback")
    held = {"url": os.environ["DATABASE_URL"], "hook": os.environ["WH_SECRET"]}
    raise RuntimeError(f"{secret} {held} {os.environ['GITHUB_TOKEN']}")

@check(Item(id="kitchen.tells", title="It tells", stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
            severity=Severity.P2, section=Section.BEYOND, minimum=Minimum(counts={"n": 1}),
            remedy="None."))
async def tells(look):
    secret = os.environ["JWT_SECRET"]
    look.say(f"using {secret}")
    return Evidence(secret, secret, look.now(), {"n": 1, "secret": secret, secret: "key"})
"""
TESTS = """
from pytest_chefrelease.plugin import verification

test_crash = verification("kitchen.crash")
test_tells = verification("kitchen.tells")
"""


@dataclass
class Ran:
    """What two talkative gates left: their output, files, and the command lines they started."""

    canaries: Mapping[str, str]
    outputs: list[tuple[str, bytes]]
    files: list[tuple[str, bytes]]
    commands: list[tuple[str, bytes]]


def canaries_of(stack: Stack) -> dict[str, str]:
    made_up = stack._secrets
    values = {
        name: getattr(made_up, name)
        for name in type(made_up).__match_args__
        if name not in NOT_SECRET
    }
    return values | {"odd": stack.environment["WH_SECRET"]}


def tell_everything(stack: Stack) -> None:
    """The outside has every secret that the gate knows, and says it, in several spellings."""
    secrets = [
        value
        for name, value in stack.environment.items()
        if name.endswith(("SECRET", "TOKEN", "KEY", "PASSWORD", "SECRET_OLD"))
    ]
    secrets += [
        unquote(urlsplit(stack.environment[url]).password or "")
        for url in ("DATABASE_URL", "STAGING_DATABASE_URL", "REDIS_URL", "STAGING_REDIS_URL")
    ]
    spelt = " ".join(
        f"{value} {quote(value, safe='')} {value.encode().hex()} "
        f"{b64encode(f'a:{value}'.encode()).decode()} {b64encode(value.encode()).decode()}"
        for value in secrets
    )
    stack.log("".join(message_line(1_700_000_000 + n, spelt, 50) for n in range(3)))
    for site in ("production-api", "staging-api", "production-web"):
        stack.intercept(Intercept(site, "/finance/*", status=500, body=spelt))
        stack.intercept(Intercept(site, "/inventory/*", headers={"X-Request-Id": spelt[:4000]}))
        stack.intercept(Intercept(site, "/orders", status=200, body=f"<html>{spelt}"))
        stack.intercept(Intercept(site, "/login", headers={"Server": spelt[:4000]}))
    stack.intercept(Intercept("github", "*/check-runs*", status=403, body=spelt))
    stack.intercept(Intercept("sentry", "*", status=403, body=spelt))
    stack.intercept(Intercept("status", "*", merge={"status": {"description": spelt[:500]}}))
    stack.intercept(Intercept("prometheus", "*", status=422, body=spelt))


def _descendants(root: int) -> Iterator[Path]:
    """The processes that a process has started, and those that they have."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:
                continue  # ended meanwhile
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    for pid in parents:
        above = pid
        while above in parents and above != root:
            above = parents[above]
        if above == root:
            yield Path("/proc") / str(pid)


def _watch(root: int, ended: threading.Event, seen: set[bytes]) -> None:
    while not ended.wait(0.01):
        for process in _descendants(root):
            try:
                seen.add((process / "cmdline").read_bytes())
            except OSError:
                continue


def gate(stack: Stack, stage: Stage, reports: Path, temporary: Path) -> tuple[bytes, set[bytes]]:
    """A talkative run of a stage as a process of its own: its output, and what it started."""
    command = [sys.executable, "-m", "pytest", "-m", stage.value, "-p", "no:cacheprovider"]
    command += ["--release-config", str(stack.write_release_toml()), *TALKATIVE, "-k", DEAR]
    command += ["--release-reports", str(reports), "--rootdir", str(stack.workspace)]
    command += ["--base-url", stack.api_url] if stage is not Stage.PRERELEASE else []
    environment = suite_environment(stack) | {"TMPDIR": str(temporary), "PYTHONASYNCIODEBUG": "1"}
    ended, seen = threading.Event(), set[bytes]()
    with subprocess.Popen(
        command,
        cwd=stack.workspace,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        watcher = threading.Thread(target=_watch, args=(process.pid, ended, seen))
        watcher.start()
        try:
            output, _ = process.communicate(timeout=LIMIT_S)
        finally:
            ended.set()
            watcher.join()
            process.kill()
    return output, seen


def in_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        yield f"the name of {path.name}", os.fsencode(path)
        if path.is_file():
            yield path.name, path.read_bytes()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("gate")
    (temporary := folder / "tmp").mkdir()
    (reports := folder / "reports").mkdir()
    with Stack() as stack:
        stack.environment["WH_SECRET"] = 'o"d\\d <&> ä%/+ ' + stack.environment["WH_SECRET"][:32]
        for name in FAULTS:
            stack.apply(fault_named(name))
        tell_everything(stack)
        stack.configure('[checks]\nmodules = ["leaky"]')
        (stack.workspace / "leaky.py").write_text(CRASHING, encoding="utf-8")
        (stack.workspace / "test_leaky.py").write_text(TESTS, encoding="utf-8")
        outputs, commands = [], set[bytes]()
        for stage in (Stage.PRERELEASE, Stage.POSTRELEASE):
            output, started = gate(stack, stage, reports, temporary)
            outputs.append((f"the output of {stage.value}", output))
            commands |= started
        yield Ran(
            canaries_of(stack),
            outputs,
            [*in_folder(reports), *in_folder(temporary)],
            [("a command line", command) for command in commands],
        )


def test_outputs_hold_no_secret(ran: Ran) -> None:
    assert found(ran.canaries, ran.outputs) == []


def test_files_hold_no_secret(ran: Ran) -> None:
    assert {name for name, _ in ran.files} >= {"prerelease.json", "postrelease.html"}
    assert found(ran.canaries, ran.files) == []


def test_command_lines_hold_no_secret(ran: Ran) -> None:
    assert any(b"git" in command or b"pg_restore" in command for _, command in ran.commands)
    assert found(ran.canaries, ran.commands) == []


def test_the_runs_had_secrets_to_hide(ran: Ran) -> None:
    everything = b"".join(text for _, text in ran.outputs)

    assert everything.count(b"[redacted]") > 20
    assert b"a defect in the check itself: RuntimeError in crash" in everything


@pytest.mark.parametrize("shift", range(3))
def test_the_search_finds_base64_at_every_alignment(shift: int) -> None:
    secret = 'o"d\\d-canary-ä'
    text = b64encode(b"x" * shift + secret.encode() + b"tail")

    assert found({"odd": secret}, [("here", text)]) == [
        f"odd ({kind}) in here"
        for kind, _ in sorted(forms(secret))
        if kind in (f"base64 at {shift}", f"base64url at {shift}")
    ]
