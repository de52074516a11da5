"""Records that look like those of real runs, to render and to read back."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from pytest_chefrelease.runbook.evidence import (
    Chart,
    Evidence,
    Fact,
    Picture,
    Scalar,
    Table,
    Text,
    Timeline,
)
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage, Symptom
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.quick_check import LineEvidence, fill
from pytest_chefrelease.runbook.record import StageRecord
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.response import Deployment, respond
from pytest_chefrelease.runbook.verdict import Run, decide

NOW = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)
COMMIT = "3f2a91c07d5be8a4416fd0b1a0c9e3d27788aa54"
RELEASE = Release(
    "v1.5.0", COMMIT, "production", image="sha256:" + "9d3e" * 16, previous_version="v1.4.2"
)
DEPLOYMENT = Deployment(
    provider="fly",
    apps=("chefcloud-prod-api", "chefcloud-prod-web"),
    previous_version="v1.4.2",
    image="registry.fly.io/chefcloud-prod-api:deployment-01J",
)


def item(
    name: str,
    section: Section = Section.AUTOMATED,
    severity: Severity = Severity.P2,
    stage: Stage = Stage.POSTRELEASE,
    *,
    title: str = "",
    blocking: bool = True,
    quick_check: int | None = None,
    symptom: Symptom | None = None,
) -> Item:
    return Item(
        id=name,
        title=title or name.replace(".", " ").replace("-", " ").capitalize(),
        stages=(stage,),
        severity=severity,
        section=section,
        minimum=Minimum(counts={"n": 1}, max_age=timedelta(hours=24)),
        remedy=f"Mend {name}.",
        blocking=blocking,
        quick_check=quick_check,
        symptom=symptom,
    )


def result(
    of: Item,
    outcome: Outcome = Outcome.PASSED,
    summary: str = "all as it should be",
    *,
    parameter: str | None = None,
    facts: dict[str, Fact] | None = None,
    attachments: tuple[Text | Picture | Table | Chart | Timeline, ...] = (),
    expected: str = "",
    where: str = "",
    duration_s: float = 0.2,
    source: str = "GET https://api.example/health",
    with_evidence: bool = True,
) -> Result:
    evidence = Evidence(
        summary=summary,
        source=source,
        observed_at=NOW - timedelta(seconds=90),
        facts=facts if facts is not None else {"n": 1},
        commit=COMMIT,
        attachments=attachments,
    )
    not_well = outcome in (Outcome.FAILED, Outcome.UNVERIFIED)
    suffix = f"[{parameter}]" if parameter else ""
    return Result(
        item=of,
        parameter=parameter,
        stage=of.stages[0],
        outcome=outcome,
        summary=summary,
        severity=of.severity,
        blocking=of.blocking,
        remedy=of.remedy if not_well else "",
        expected=expected,
        seen=summary if not_well else "",
        where=where,
        evidence=evidence if with_evidence else None,
        symptom=of.symptom,
        duration_s=duration_s,
        nodeid=f"verifications/test_{of.room}.py::{of.test_name}{suffix}",
    )


def record_of(
    results: tuple[Result, ...],
    stage: Stage = Stage.POSTRELEASE,
    *,
    notes: tuple[str, ...] = (),
    finished: datetime = NOW,
) -> StageRecord:
    verdict = decide(Run(stage), results)
    lines = [
        LineEvidence(
            r.item.quick_check,
            r.outcome.value,
            r.stage.value,
            (r.evidence.observed_at if r.evidence else finished).isoformat(),
            blocking=r.blocking,
        )
        for r in results
        if r.item.quick_check
    ]
    return StageRecord(
        release=RELEASE,
        stage=stage,
        started_at=finished - timedelta(seconds=41),
        finished_at=finished,
        verdict=verdict,
        response=respond(stage, verdict, results, DEPLOYMENT),
        quick_check=fill(lines),
        results=results,
        targets=(("api", "https://api.example"), ("web", "https://www.example")),
        notes=notes,
    )


def latency_chart() -> Chart:
    points = tuple(
        (i / 10, 180 + 60 * math.sin(i / 9) + (420 if i % 41 == 0 else 0) + (i * 37 % 50))
        for i in range(300)
    )
    return Chart("Latency of GET /orders", "ms", points, limit=500.0, band=(455.0, 561.0))


def picture(width: int = 320, height: int = 200) -> Picture:
    """A real PNG, drawn here: a blue page with a lighter head."""
    rows = b"".join(
        b"\0" + (b"\xdd\xe6\xf5" if y < height // 6 else b"\x3b\x6f\xc4") * width
        for y in range(height)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
    data = base64.b64encode(png + chunk(b"IEND", b"")).decode()
    return Picture("The page as it was seen", "image/png", data)


def timeline() -> Timeline:
    marks = (
        (0.0, "ok", "200 in 31 ms"),
        (312.0, "failed", "503 from https://api.example/health"),
        (327.0, "ok", "200 in 34 ms"),
        (600.0, "unknown", "no answer in 10 s"),
        (610.0, "ok", "200 in 29 ms"),
    )
    return Timeline("health", 900.0, marks)


def table() -> Table:
    rows = (
        ("tag", "v1.5.0", "v1.5.0", "yes"),
        ("services/api/package.json", "1.5.0", "1.5.0", "yes"),
        ("health endpoint", "1.4.2", "1.5.0", "no"),
    )
    return Table("One release everywhere", ("where", "seen", "expected", "agrees"), rows)


def every_outcome() -> StageRecord:
    """A postrelease run that shows each outcome and each kind of attachment."""
    s = Section
    services: list[Scalar] = ["database", "redis"]
    return record_of(
        (
            result(
                item(
                    "health.endpoint",
                    s.MONITORING,
                    Severity.P1,
                    quick_check=8,
                    title="The health endpoint says ok, and which version",
                ),
                summary="200, status ok, version 1.5.0, all of 2 services up",
                facts={"n": 1, "duration_ms": 31.4, "services": services},
            ),
            result(
                item("latency.p95", s.MONITORING, title="95 of 100 requests are fast enough"),
                Outcome.FAILED,
                "P95 612 ms over 500 ms on GET /orders (300 requests, 41 over)",
                parameter="GET /orders",
                expected="P95 below 500 ms",
                where="https://api.example/orders",
                facts={"n": 300, "p95_ms": 612.25, "error_rate": 0.003, "size_bytes": 48_211},
                attachments=(latency_chart(), Text("Slowest", "1201 ms  /orders?page=9\n" * 9)),
                duration_s=31.2,
            ),
            result(
                item("routes.browser", s.ROUTES, title="The page works in a real browser"),
                summary="settled after 640 ms, text and form visible, no error",
                parameter="/login",
                attachments=(picture(),),
                facts={"n": 1, "settled_ms": 640, "requests": 31, "errors": 0},
            ),
            result(
                item("version.coherence", s.BEYOND, title="One release everywhere"),
                Outcome.WAIVED,
                "Waived by Ada until 2026-12-01: known. It failed: health says 1.4.2",
                attachments=(table(),),
            ),
            result(
                item("sentry.no-new-issues", s.MONITORING, title="No new issue in Sentry"),
                Outcome.NOT_APPLICABLE,
                "Sentry is not configured",
                with_evidence=False,
            ),
            result(
                item("logs.no-5xx", s.MONITORING, quick_check=9, title="No 5xx in the logs"),
                Outcome.UNVERIFIED,
                "the log source could not be read: permission denied",
                where="/var/log/api",
                with_evidence=False,
            ),
            result(
                item("latency.regression", s.MONITORING, blocking=False, title="Not slower"),
                Outcome.FAILED,
                "12 % slower than v1.4.2",
            ),
            result(
                item("watch.complete", s.MONITORING, title="The watch ran its full time"),
                Outcome.SHADOW,
                "would have passed: watched 15 minutes, 90 observations",
                attachments=(timeline(),),
                facts={"n": 90, "watched_s": 900.0},
            ),
        ),
        notes=("latency.p95: limit loosened from 400 ms to 500 ms since v1.4.2.",),
    )


def all_well(stage: Stage = Stage.PRERELEASE) -> StageRecord:
    """A run in which everything passed."""
    names = (
        ("ci.required-checks", Section.CI, 1, ("lint", "build", "test")),
        ("staging.smoke", Section.STAGING, 2, ("GET /health",)),
        ("version.tag", Section.VERSION, 3, (None,)),
        ("secrets.strength", Section.SECRETS, 4, ("JWT_SECRET", "WH_SECRET")),
        ("backup.fresh", Section.MIGRATIONS, 5, (None,)),
        ("migrations.status", Section.MIGRATIONS, 7, (None,)),
    )
    return record_of(
        tuple(
            result(
                item(name, section, stage=stage, quick_check=line),
                parameter=parameter,
                summary=f"{name} is as it should be, seen {index + 1} times",
            )
            for index, (name, section, line, parameters) in enumerate(names)
            for parameter in parameters
        ),
        stage,
        finished=NOW - timedelta(hours=3),
    )


HOSTILE = (
    "</script><script>window.stolen=1</script>",
    '"><img src=x onerror="window.stolen=1">',
    "javascript:window.stolen=1",
    "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07link\x1b]8;;\x07 \x07bell \x9b2J",
    "| a | b |\n|---|\n# title\n[x](https://evil.example) ![i](https://evil.example/i.png) `c`",
    "]]> &amp; <![CDATA[ \x00\x0b\ufffe \ud800 \u202e gnp.exe",
    "{{ 7 * 7 }} {% raw %} ${jndi}",
    "::error file=a.py::forged\n::set-output name=x::y",
)


def hostile() -> StageRecord:
    """A record in which every free text was written by somebody who means harm."""
    results = []
    for index, text in enumerate(HOSTILE):
        of = replace(item(f"hostile.item-{index}"), title=text, remedy=text)
        attachments = (
            Text(text, text),
            Table(text, (text, "b"), ((text, text),)),
            Chart(text, text, ((0.0, 1.0), (1.0, 2.0))),
            Timeline(text, 10.0, ((0.0, text, text),)),
            Picture(text, text, "AAAA"),
        )
        listed: list[Scalar] = [text]
        rows: list[dict[str, Scalar]] = [{text: text}]
        facts: dict[str, Fact] = {text: text, "list": listed, "rows": rows, "n": 1}
        results.append(
            replace(
                result(
                    of,
                    Outcome.FAILED if index % 2 else Outcome.PASSED,
                    text,
                    parameter=text,
                    facts=facts,
                    attachments=attachments,
                    expected=text,
                    where=text,
                    source=text,
                ),
                remedy=text,
                nodeid=f"verifications/test_hostile.py::test_hostile_item_{index}[x]",
            )
        )
    plain = record_of(tuple(results), notes=HOSTILE)
    release = replace(plain.release, version=HOSTILE[0], environment=HOSTILE[1])
    return replace(plain, release=release, targets=tuple((t, t) for t in HOSTILE))


def many(count: int) -> StageRecord:
    """A large run: one in a hundred failed."""
    of = item("smoke.endpoint", Section.AUTOMATED, quick_check=8, title="The endpoint answers")
    return record_of(
        tuple(
            result(
                of,
                Outcome.FAILED if index % 100 == 50 else Outcome.PASSED,
                f"answered {404 if index % 100 == 50 else 200} in {index % 90} ms",
                parameter=f"GET /items/{index}",
                facts={"n": 1, "status": 200, "duration_ms": float(index % 90)},
            )
            for index in range(count)
        )
    )
