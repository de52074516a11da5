"""What the log holds since the deploy, and what it held before: read once for all checks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.errors import Malformed, NotConfigured, ProbeError, Unverified
from pytest_chefrelease.probes.logs.source import Window
from pytest_chefrelease.runbook.log_tally import Tally

SILENT_AFTER = timedelta(minutes=10)
"""A log whose newest line is older says nothing of now."""

_TELL = (
    "Pass --release-deployed-at=TIME or set release.deployed_at: when the release went live, with "
    "its time zone."
)
_AHEAD = timedelta(minutes=1)


class Deploy(Struct, frozen=True):
    """When the release went live, and who says so."""

    at: datetime
    told_by: str

    @property
    def ms(self) -> int:
        """In milliseconds since 1970."""
        return int(self.at.timestamp() * 1000)


class Reading(Struct, frozen=True):
    """What a log holds of a window, and where it is kept."""

    deploy: Deploy
    tally: Tally
    place: str

    @property
    def newest(self) -> datetime:
        """The time of its newest line, or of the deploy where there is none."""
        return moment(self.tally.last_ms) if self.tally.last_ms else self.deploy.at


def moment(ms: int) -> datetime:
    """A time of a log."""
    return datetime.fromtimestamp(ms / 1000, UTC)


async def since_deploy(look: Context) -> Reading:
    """All lines since the deploy. Raises Unverified where there is none, and ProbeErrors."""
    place = look.probes.log_source(look.environment).place
    deploy = await deploy_of(look)
    tally = await look.probes.logs(Window(deploy.ms), look.environment).advance()
    if not tally.last_ms:
        raise _nothing(tally, deploy, place)
    return Reading(deploy, tally, place)


def _nothing(tally: Tally, deploy: Deploy, place: str) -> Unverified:
    """Silence, or a log in no form that is known: neither is a log without errors."""
    unread = tally.unreadable + tally.oversized
    if unread:
        return Unverified(
            f"nothing since the deploy can be read in the log: {unread} lines are in no known form",
            expected="JSON lines, an access log, or text with times",
            where=place,
            remedy="See that logs.source names the application's log, and no binary or half one.",
        )
    return Unverified(
        f"the log has no line since the deploy at {deploy.at:%H:%M:%S} UTC ({deploy.told_by})",
        expected="the application's log of that time",
        where=place,
        remedy="See that logs.source is the log of what was deployed, and that it logs at all: "
        "LOG_LEVEL, a full disk, a shipper that stands still.",
    )


async def before_deploy(look: Context) -> Reading:
    """The lines of ``logs.baseline`` before the deploy, read once for the run."""
    place = look.probes.log_source(look.environment).place
    deploy = await deploy_of(look)
    span_ms = int(look.settings.logs.baseline.total_seconds() * 1000)

    async def work() -> Json:
        window = Window(deploy.ms - span_ms, deploy.ms)
        tally = await look.probes.logs(window, look.environment).advance()
        return msgspec.json.encode(tally).decode()

    kept = await look.once.get("logs.before-deploy", work)
    return Reading(deploy, msgspec.json.decode(str(kept), type=Tally), place)


async def deploy_of(look: Context) -> Deploy:
    """``release.deployed_at``, or the start of the process that answers at ``/health``.

    Asked once for the run: a process that dies and starts anew during a watch must not take
    its log's beginning with it. Raises Unverified where neither tells.
    """
    told = look.settings.release.deployed_at
    if told is not None:
        if told > look.now() + _AHEAD:
            raise Unverified(
                f"release.deployed_at is {told.isoformat()}, which is not yet",
                expected="a time that has been",
                remedy=_TELL,
            )
        return Deploy(told, "release.deployed_at")

    async def work() -> Json:
        return (await _started_at(look)).isoformat()

    at = await look.once.get("logs.deployed-at", work)
    return Deploy(datetime.fromisoformat(str(at)), "by the uptime that health tells")


async def _started_at(look: Context) -> datetime:
    """Health's own clock less its uptime: the clock that the log is written by."""
    try:
        url = look.api + look.settings.target.health
    except NotConfigured:
        raise NotConfigured("nobody says when the release went live", remedy=_TELL) from None
    try:
        answer = await look.probes.http.get(url)
        document = answer.json() if answer.status == 200 else None
    except ProbeError as error:
        raise _unknown(error.seen, url) from None
    if not isinstance(document, dict):
        raise _unknown(f"status {answer.status} without a JSON object", url)
    uptime_s = document.get("uptime")
    if isinstance(uptime_s, bool) or not isinstance(uptime_s, int | float) or uptime_s < 0:
        raise _unknown("no uptime in seconds is told", url)
    try:
        return _clock(document.get("timestamp"), look.now()) - timedelta(seconds=uptime_s)
    except OverflowError:
        raise _unknown("the uptime is longer than there are years", url) from None


def _unknown(seen: str, url: str) -> Malformed:
    return Malformed(
        f"when the release went live is unknown: {seen}",
        expected="health's uptime",
        where=f"GET {url}",
        remedy=_TELL,
    )


def _clock(stamp: object, now: datetime) -> datetime:
    try:
        told = datetime.fromisoformat(str(stamp))
    except ValueError:
        return now
    return told if told.tzinfo is not None else now
