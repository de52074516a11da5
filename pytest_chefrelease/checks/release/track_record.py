"""release.track-record: what this gate said of earlier releases, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.errors import Failed, NotApplicable, NotConfigured, Unverified
from pytest_chefrelease.probes.ledger import LedgerProbe, LedgerResult, LedgerRun
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome
from pytest_chefrelease.runbook.track_record import Became, Heard, Tally, tallies

_SHOWN = 10


@check(
    Item(
        id="release.track-record",
        title="The gate was right about earlier releases",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P3,
        section=Section.BEYOND,
        minimum=Minimum(counts={"releases": 1, "judged_releases": 1}),
        remedy="Mend the item or its threshold, or let it run as shadow, before people learn to "
        "overrule the gate.",
        blocking=False,
        if_configured=True,
    )
)
async def release_track_record(look: Context) -> Evidence:
    """Earlier releases in the ledger: how often each item blocked, and how often rightly.

    Rightly, when the release was mended or went wrong; wrongly, when it went out as it was
    and was good. Fails when an item was wrong more often than right.
    """
    ledger = LedgerProbe(Path(look.settings.report.ledger_path))
    try:
        runs, results, said = await asyncio.to_thread(
            lambda: (ledger.runs(), ledger.results(), ledger.became())
        )
    except NotConfigured:
        raise NotApplicable("no earlier run is known: there is no ledger yet") from None
    earlier = [run for run in runs if run.version not in (None, look.release.version)]
    if not earlier:
        raise NotApplicable("no earlier release is in the ledger")
    became = {version: Became(word) for version, word in said.items()}
    counted = tallies(_heard(results, look.release.version), became)
    seen = _evidence(look, earlier, counted, became)
    _demand_a_word(earlier, became, seen)
    wolves = [tally for tally in counted if tally.cries_wolf]
    if wolves:
        names = "; ".join(f"{t.item} {t.wrongly} of {t.wrongly + t.rightly} times" for t in wolves)
        raise Failed(
            f"items blocked wrongly: {names}",
            expected="each item right at least as often as wrong",
            where=seen.source,
            evidence=seen,
        )
    return seen


def _demand_a_word(
    earlier: Sequence[LedgerRun], became: Mapping[str, Became], seen: Evidence
) -> None:
    """Whether the gate was right can only be said where somebody said what came of a release."""
    versions = list(dict.fromkeys(run.version for run in earlier if run.version))
    if not any(version in became for version in versions):
        raise Unverified(
            f"of {len(versions)} earlier releases nobody has said what came of them",
            where=seen.source,
            remedy=f"chefrelease outcome {versions[0]} good (or rolled-back, or incident)",
            evidence=seen,
        )


def _heard(results: Sequence[LedgerResult], version: str | None) -> list[Heard]:
    return [
        Heard(
            run=one.run,
            version=one.version,
            stage=one.stage,
            item=one.item,
            label=f"{one.item}[{one.parameter}]" if one.parameter else one.item,
            passed=one.outcome == Outcome.PASSED,
            blocked=one.is_blocking and one.outcome == Outcome.FAILED,
            would_block=one.is_blocking and one.would == Outcome.FAILED,
        )
        for one in results
        if one.version != version
    ]


def _evidence(
    look: Context,
    earlier: Sequence[LedgerRun],
    counted: Sequence[Tally],
    became: Mapping[str, Became],
) -> Evidence:
    versions = list(dict.fromkeys(run.version for run in earlier if run.version))
    judged = [version for version in versions if version in became]
    blocked, rightly, wrongly = (
        sum(getattr(tally, name) for tally in counted) for name in ("blocked", "rightly", "wrongly")
    )
    return Evidence(
        summary=f"{len(versions)} earlier releases: items blocked {blocked} times, "
        f"{rightly} rightly, {wrongly} wrongly",
        source=Path(look.settings.report.ledger_path).name,
        observed_at=earlier[0].at,
        facts={
            "releases": len(versions),
            "judged_releases": len(judged),
            "blocked": blocked,
            "rightly": rightly,
            "wrongly": wrongly,
            "undecided": sum(tally.undecided for tally in counted),
            "went_wrong_after_go": _missed(earlier, became),
        },
        attachments=(_by_item(counted), _by_release(earlier, versions, became)),
    )


def _missed(earlier: Sequence[LedgerRun], became: Mapping[str, Became]) -> int:
    """Releases that had a GO before they were deployed, and went wrong."""
    let_pass = {r.version for r in earlier if r.stage == Stage.PRERELEASE and r.verdict == "GO"}
    return sum(became.get(version or "", Became.GOOD) is not Became.GOOD for version in let_pass)


def _by_item(counted: Sequence[Tally]) -> Table:
    columns = ("item", "blocked", "rightly", "wrongly", "open", "would have, as shadow")
    rows = tuple(
        (t.item, *map(str, (t.blocked, t.rightly, t.wrongly, t.undecided, t.shadow)))
        for t in counted[:_SHOWN]
    )
    return Table("Items that blocked earlier releases", columns, rows)


def _by_release(
    earlier: Sequence[LedgerRun], versions: Sequence[str], became: Mapping[str, Became]
) -> Table:
    rows = []
    for version in versions[:_SHOWN]:
        mine = [run for run in earlier if run.version == version]
        last = {run.stage: run.verdict for run in reversed(mine)}
        verdicts = ", ".join(f"{stage} {verdict}" for stage, verdict in last.items())
        came = became.get(version)
        rows.append((version, str(len(mine)), verdicts, came.value if came else "not said"))
    return Table("Earlier releases", ("release", "runs", "last verdicts", "became"), tuple(rows))
