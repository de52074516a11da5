"""latency.p95 by Locust: a master and two workers as processes, and what its file must be."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.verified import settings_for, verify
from tests.probes.loopback import always, answer, serving

ROOT = Path(__file__).parents[2]
LOCUST = ROOT / ".venv" / "locust" / "bin" / "locust"
QUICK = {"requests": 60, "rate": 100, "max_rate": 200, "budget": 1, "p95": "10s", "timeout": "20s"}


class _Shop(BaseHTTPRequestHandler):
    """``/health`` at once, all else after 700 ms."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        time.sleep(0 if self.path == "/health" else 0.7)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        pass


@dataclass
class Run:
    statistics: list[dict[str, Any]]
    started: datetime

    def entry(self, name: str) -> dict[str, Any]:
        return next(each for each in self.statistics if each["name"] == name)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Six seconds of load by two workers, whose master writes the statistics of both."""
    folder = tmp_path_factory.mktemp("locust")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Shop)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    port = str(server.server_port + 1 if server.server_port < 65_000 else 64_000)
    common = [str(LOCUST), "-f", str(ROOT / "tests" / "locust" / "locustfile.py")]
    joining = ["--worker", "--master-host", "127.0.0.1", "--master-port", port]
    leading = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    load = ["--expect-workers", "2", "--headless", "-u", "68", "-r", "68", "-t", "6"]
    load += ["-H", f"http://127.0.0.1:{server.server_port}", "--json-file", "load"]
    started = datetime.now(UTC)
    workers = [
        subprocess.Popen([*common, *joining], cwd=folder, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    try:
        done = subprocess.run(
            [*common, *leading, *load],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        yield Run(json.loads((folder / "load.json").read_text()), started)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
        server.shutdown()
        server.server_close()


def look(
    folder: Path, statistics: object, endpoint: str, deployed_at: datetime, **latency: object
) -> Result:
    (folder / "load.json").write_text(
        statistics if isinstance(statistics, str) else json.dumps(statistics)
    )
    tables = {
        "latency": {"endpoints": [endpoint], "locust": "load.json", "source": "locust", **latency},
        "release": {"deployed_at": deployed_at},
    }
    settings = settings_for("http://127.0.0.1:9", **tables)
    return asyncio.run(verify("latency.p95", endpoint, settings, repository=folder))


def test_a_distributed_run_proves_p95_for_what_it_asked(run: Run, tmp_path: Path) -> None:
    quick = look(tmp_path, run.statistics, "/health", run.started, p95="10s")
    slow = look(tmp_path, run.statistics, "/orders", run.started)

    assert quick.outcome is Outcome.PASSED, quick.summary
    assert slow.outcome is Outcome.FAILED, slow.summary
    assert quick.evidence is not None
    facts = quick.evidence.facts
    assert facts["n"] == run.entry("/health")["num_requests"]
    assert isinstance(facts["age_s"], int)
    assert 0 <= facts["age_s"] < 60
    assert slow.evidence is not None
    assert slow.evidence.facts["k"] == slow.evidence.facts["n"]


def test_statistics_that_are_old_or_of_another_release_prove_nothing(
    run: Run, tmp_path: Path
) -> None:
    two_hours = timedelta(hours=2)
    shifted = json.loads(json.dumps(run.statistics))
    for each in shifted:
        each["start_time"] -= two_hours.total_seconds()
        each["last_request_timestamp"] -= two_hours.total_seconds()
    old = look(tmp_path, shifted, "/health", run.started - 2 * two_hours, p95="10s")
    before = look(tmp_path, run.statistics, "/health", datetime.now(UTC), p95="10s")

    assert (old.outcome, before.outcome) == (Outcome.UNVERIFIED, Outcome.UNVERIFIED)
    assert "Locust's last request was at" in old.summary
    assert "before the deploy" in before.summary


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "truncated"),
        ("[{", "truncated"),
        ("[]", "nothing at all"),
        ('{"stats": []}', "Expected `array`"),
        ('[{"name": "/health", "method": "GET"}]', "missing required field"),
    ],
)
def test_what_is_no_whole_statistics_proves_nothing(text: str, says: str, tmp_path: Path) -> None:
    result = look(tmp_path, text, "/health", datetime.now(UTC))

    assert result.outcome is Outcome.UNVERIFIED
    assert says in result.summary


def test_too_few_requests_and_other_names_prove_nothing(run: Run, tmp_path: Path) -> None:
    few = run.entry("/health") | {"num_requests": 50, "response_times": {"3": 50}}
    result = look(tmp_path, [few], "/health", run.started)
    other = look(tmp_path, run.statistics, "/menu", run.started)

    assert (result.outcome, other.outcome) == (Outcome.UNVERIFIED, Outcome.UNVERIFIED)
    assert "asked nothing by the name GET /menu, but GET" in other.summary


def test_slowness_under_load_contradicts_a_prober_that_finds_all_quick(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "load.json").write_text(json.dumps(run.statistics))

    async def beside(endpoint: str, **latency: object) -> Result:
        async with serving(always(answer(200, "{}"))) as site:
            tables = {
                "latency": {**QUICK, "endpoints": [endpoint], "locust": "load.json", **latency},
                "release": {"deployed_at": run.started},
            }
            settings = settings_for(site.url, **tables)
            return await verify("latency.p95", endpoint, settings, repository=tmp_path)

    differing = asyncio.run(beside("/orders", p95="600ms"))
    agreeing = asyncio.run(beside("/health"))

    assert agreeing.outcome is Outcome.PASSED, agreeing.summary
    assert agreeing.evidence is not None
    assert "P95" in str(agreeing.evidence.facts["locust"])
    assert differing.outcome is Outcome.UNVERIFIED
    assert "two witnesses differ: the prober says P95" in differing.summary
    assert "; Locust P95 " in differing.summary
