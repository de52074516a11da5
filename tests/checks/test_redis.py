"""redis.ping against a real redis-server: its memory, its evictions, its silence."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.once import Once
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import Failed, NoAnswer
from pytest_chefrelease.probes.probes import Probes
from pytest_chefrelease.probes.redis import RedisProbe
from pytest_chefrelease.probes.scratch.ports import free_port
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.checks.looking import verified

ITEM = "redis.ping"
PASSWORD = "p@ss-w0rd-of-the-cache"
QUOTED = "p%40ss-w0rd-of-the-cache"
TARGET = {"production": {"redis_env": "CACHE"}}


@dataclass
class Server:
    """A running server; ``client`` administers it."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://:{QUOTED}@127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=PASSWORD)

    def fill(self, keys: int) -> None:
        with self.client.pipeline(transaction=False) as pipeline:
            for number in range(keys):
                pipeline.set(f"key{number}", "x" * 1000)
            pipeline.execute(raise_on_error=False)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    program = shutil.which("redis-server")
    assert program is not None, "scripts/system-setup.sh redis installs it"
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    folder = tmp_path_factory.mktemp("redis")
    with (folder / "log").open("wb") as log:
        command = [program, *options, "--requirepass", PASSWORD, "--dir", str(folder)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        started = Server(port, process)
        _wait(started)
        yield started
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)


def _wait(server: Server) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            server.client.ping()
        except redis.ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    yield running
    running.client.config_set("maxmemory", 0)
    running.client.config_set("maxmemory-policy", "noeviction")
    running.client.flushall()


def look(url: str, **environment: str) -> Result:
    return verified(ITEM, {"environments": TARGET}, environment={"CACHE": url, **environment})


def assert_outcome(result: Result, outcome: Outcome, *said: str) -> None:
    assert result.outcome is outcome, result.summary
    text = f"{result.summary} {result.remedy} {result.where}"
    assert [part for part in said if part not in text] == [], text
    assert not any(secret in repr(result) for secret in (PASSWORD, QUOTED))


def test_a_server_that_answers_passes_with_its_memory(server: Server) -> None:
    server.client.config_set("maxmemory", "100mb")

    result = look(server.url)

    assert_outcome(result, Outcome.PASSED, "PONG in ", " of 105 MB")
    assert result.evidence is not None
    assert result.evidence.source == f"PING and INFO of 127.0.0.1:{server.port}"
    version = server.client.info("server")["redis_version"]
    assert result.evidence.facts["redis_version"] == version


def test_without_a_limit_it_says_so(server: Server) -> None:
    assert_outcome(look(server.url), Outcome.PASSED, "no maxmemory set")


def test_memory_at_its_limit_is_red(server: Server) -> None:
    server.client.config_set("maxmemory", "3mb")
    server.fill(3000)

    result = look(server.url)

    assert_outcome(result, Outcome.FAILED, "used of 3146 kB (maxmemory, noeviction)", "--bigkeys")
    assert result.severity is Severity.P2


def watched(server: Server, keys: int) -> Evidence:
    """The second look of a watch, with so many keys set between the two."""
    settings = Settings.model_validate({"environments": TARGET, "redis": {"max_used": 1}})
    look = Context(
        settings=settings,
        release=Release("v1.5.0", None, "production"),
        stage=Stage.MONITORING,
        repository=Path(),
        probes=Probes(settings, Path()),
        once=Once(),
        environment={"CACHE": server.url},
        watch=Watch(60, 1),
    )

    async def go() -> Evidence:
        await catalogue()[ITEM].verify(look)
        server.fill(keys)
        server.client.flushall()
        return await catalogue()[ITEM].verify(look)

    return asyncio.run(go())


def test_keys_evicted_in_the_watch_are_red_and_older_ones_are_not(server: Server) -> None:
    server.client.config_set("maxmemory", "3mb")
    server.client.config_set("maxmemory-policy", "allkeys-lru")
    server.fill(3000)
    server.client.flushall()

    assert "0 keys evicted in the watch" in watched(server, keys=0).summary
    with pytest.raises(Failed, match=r"\d+ keys were evicted while it was watched \(allkeys-lru\)"):
        watched(server, keys=3000)


def test_a_port_where_nobody_listens_is_red() -> None:
    result = look(f"redis://:{QUOTED}@127.0.0.1:{free_port()}/0")

    assert_outcome(result, Outcome.FAILED, "Redis refused the connection", "an answer to PING")


def test_a_server_that_stands_still_is_red(server: Server) -> None:
    server.process.send_signal(signal.SIGSTOP)
    try:
        result = asyncio.run(still(server.url))
    finally:
        server.process.send_signal(signal.SIGCONT)

    assert "no answer from Redis in 0.3 s" in result


async def still(url: str) -> str:
    with pytest.raises(NoAnswer) as caught:
        await RedisProbe(url, timeout_s=0.3).look()
    return caught.value.seen


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (f"redis://:{PASSWORD[2:]}x@127.0.0.1:PORT/0", "Redis refuses the password"),
        ("redis://127.0.0.1:PORT/0", "Redis refuses the password"),
        ("redis://:secret@chefrelease.invalid/0", "Redis cannot be reached"),
        ("https://:secret@127.0.0.1/0", "Redis' URL is not usable"),
        ("redis://:secret@127.0.0.1:port/0", "Redis' URL is not usable"),
    ],
)
def test_what_cannot_be_asked_leaves_it_open(server: Server, url: str, said: str) -> None:
    result = look(url.replace("PORT", str(server.port)))

    assert_outcome(result, Outcome.UNVERIFIED, said)
    assert "secret" not in repr(result)


def test_a_user_who_may_not_ask_is_told_what_to_grant(server: Server) -> None:
    server.client.acl_setuser("meek", enabled=True, passwords=["+meek"], categories=["-@all"])

    result = look(f"redis://meek:meek@127.0.0.1:{server.port}/0")

    assert_outcome(result, Outcome.UNVERIFIED, "may not run PING and INFO", "+ping +info")


def test_without_redis_it_does_not_apply_unless_it_is_required() -> None:
    assert verified(ITEM, {}, environment={"REDIS_REQUIRED": "0"}).outcome is (
        Outcome.NOT_APPLICABLE
    )
    result = verified(ITEM, {}, environment={"REDIS_REQUIRED": "1"})
    assert_outcome(result, Outcome.UNVERIFIED, "REDIS_REQUIRED is on", "redis_env")


def test_a_variable_that_is_not_set_leaves_it_open() -> None:
    result = verified(ITEM, {"environments": TARGET}, environment={})

    assert_outcome(result, Outcome.UNVERIFIED, "CACHE is not set")
