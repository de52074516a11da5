"""The measuring of all endpoints' latency, done once for all checks and workers of a run.

The requests of all endpoints of one host take turns, so that the host sees at most
``latency.max_rate`` requests a second. What is still undecided is sampled on, batch by
batch, up to the budget; a watch takes one sample over its whole time instead, which is
judged while it grows (``watched``).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.latency.watched import Lookout, is_over, own_ms
from pytest_chefrelease.checks.once import Json
from pytest_chefrelease.errors import NoAnswer, ProbeError
from pytest_chefrelease.probes.prober import Batch, Lane, Prober, Sample, Shot
from pytest_chefrelease.runbook import p95, slow_watch
from pytest_chefrelease.settings.model import LatencyTable

_PROGRESS_S = 5.0
_START_S = 1.0
_SPARE_S = 30.0
_MOST_SET_ASIDE = 2


class Target(Struct, frozen=True):
    """One endpoint to measure; ``accepted`` are statuses of 400 and more that are right."""

    name: str
    url: str
    accepted: tuple[int, ...] = ()

    @property
    def host(self) -> str:
        """Scheme, name and port: what shares a limit of the rate."""
        return urlsplit(self.url)._replace(path="", query="", fragment="").geturl()


class Refusal(msgspec.Struct, frozen=True):
    """Why an endpoint was not measured, or no further; ``is_guarded``: it wants a login."""

    seen: str
    where: str = ""
    remedy: str = ""
    is_guarded: bool = False


class Measured(msgspec.Struct):
    """One endpoint's requests in the order of the schedule, ``rate`` a second."""

    url: str
    rate: float = 0.0
    shots: list[Shot] = []
    refusal: Refusal | None = None
    stopped: str = ""


class Campaign(msgspec.Struct):
    """What was measured, and the plan that it is judged by.

    ``set_aside`` counts batches that do not count because the prober itself was late;
    ``watch_s`` is the length of the watch that it was spread over, 0 where there was none.
    """

    requests: int
    looks: int
    endpoints: dict[str, Measured]
    finished_at: str = ""
    set_aside: int = 0
    watch_s: float = 0.0

    @property
    def measured(self) -> int:
        """How many endpoints share the error."""
        return max(1, sum(e.refusal is None or bool(e.shots) for e in self.endpoints.values()))

    @property
    def plan(self) -> tuple[p95.Bounds, ...]:
        """The bounds of each look."""
        if self.watch_s:
            return (slow_watch.at_end(self.requests, self.measured),)
        return p95.plan(self.requests, self.looks, self.measured)


class Fixed(Struct, frozen=True):
    """A campaign of its own, ``name`` by name: so many ``batches`` of so many ``requests``.

    It decides nothing, so it takes no more where P95 is close to the limit, and no fewer.
    """

    name: str
    requests: int
    batches: int


async def campaign(
    look: Context, targets: Sequence[Target], time_limit_s: float, fixed: Fixed | None = None
) -> Campaign:
    """The run's campaign: measured by whoever asks first, the same for everyone else.

    One that is ``fixed`` is another, measured once as well.
    """

    async def work() -> Json:
        found = await _Campaign(look, {t.name: t for t in targets}, time_limit_s, fixed).run()
        plain: dict[str, object] = msgspec.to_builtins(found)
        return plain

    key = f"latency {fixed.name}" if fixed else "latency"
    return msgspec.convert(await look.once.get(key, work), type=Campaign)


@dataclass(slots=True)
class _Campaign:
    """A campaign while it runs."""

    look: Context
    targets: Mapping[str, Target]
    time_limit_s: float
    fixed: Fixed | None = None
    found: dict[str, Measured] = field(default_factory=dict)
    set_aside: int = 0
    _told_at: float = field(default_factory=time.monotonic)

    @property
    def _settings(self) -> LatencyTable:
        return self.look.settings.latency

    @property
    def _limit_ms(self) -> float:
        return self._settings.p95.total_seconds() * 1000

    async def run(self) -> Campaign:
        self.found = {t.name: Measured(t.url) for t in self.targets.values()}
        await asyncio.gather(*(self._look_first(t) for t in self.targets.values()))
        names = [name for name, seen in self.found.items() if seen.refusal is None]
        result = self._planned(names)
        if names:
            if self.fixed is None:
                # The bounds of large samples take seconds to compute: not on the event loop.
                await asyncio.to_thread(lambda: result.plan)
            async with Prober(self.look.settings.http.ca_file) as prober:
                await self._sample(prober, result, names)
        result.set_aside = self.set_aside
        result.finished_at = self.look.now().isoformat()
        return result

    async def _look_first(self, target: Target) -> None:
        """One ordinary request, for what makes measuring pointless or unkind."""
        seen = self.found[target.name]
        try:
            answer = await self.look.probes.http.get(target.url)
        except NoAnswer:
            return  # slower than any limit: that is for the prober to count
        except ProbeError as error:
            seen.refusal = Refusal(error.seen, error.where or target.url, error.remedy)
            return
        if answer.status == 429:
            seen.refusal = _too_often(target, answer.headers.get("retry-after", ""))
        elif answer.status in (401, 403) and answer.status not in target.accepted:
            seen.refusal = Refusal(
                f"status {answer.status}: only the time of the refusal could be measured, "
                "and each request would count as a failed authentication",
                f"GET {target.url}",
                "List it in latency.endpoints to measure the refusal itself.",
                is_guarded=True,
            )

    def _planned(self, names: Sequence[str]) -> Campaign:
        """How many requests and looks the budget and the time limit allow."""
        if self.fixed is not None:
            return Campaign(self.fixed.requests, self.fixed.batches, self.found)
        settings, rate = self._settings, min(self._rates(names).values(), default=1.0)
        budget = settings.requests * settings.budget
        watch = self.look.watch
        if watch is not None:
            length_s = watch.remaining_s - _START_S
            requests = max(1, min(budget, int(rate * length_s)))
            return Campaign(requests, 1, self.found, watch_s=watch.length_s)
        affordable = max(1, int(rate * (self.time_limit_s - _SPARE_S)))
        requests = min(settings.requests, affordable)
        looks = min(settings.budget, affordable // requests)
        return Campaign(requests, looks, self.found)

    def _rates(self, names: Iterable[str]) -> dict[str, float]:
        """Requests a second to each endpoint, by host: what settings allow, shared."""
        hosts = [self.targets[name].host for name in names]
        return {
            host: min(self._settings.rate, self._settings.max_rate / hosts.count(host))
            for host in dict.fromkeys(hosts)
        }

    def _lanes(self, names: Sequence[str], plan: Campaign) -> tuple[Lane, ...]:
        places = {name: place for place, name in enumerate(self.targets)}
        lanes = []
        for host, rate in self._rates(names).items():
            same = [name for name in names if self.targets[name].host == host]
            if self.look.watch is not None:  # spread over the whole watch
                left_s = max(self.look.watch.remaining_s, 1.0)
                rate = min(rate, plan.requests / left_s)  # noqa: PLW2901
            for name in same:
                self.found[name].rate = round(rate, 3)
            endpoints = tuple(places[name] for name in same)
            lanes.append(Lane(1 / (rate * len(same)), endpoints))
        return tuple(lanes)

    async def _sample(self, prober: Prober, plan: Campaign, names: list[str]) -> None:
        look = 1
        # A fixed campaign makes up for batches that do not count.
        most = plan.looks + (_MOST_SET_ASIDE if self.fixed else 0)
        for number in range(1, most + 1):
            lanes = self._lanes(names, plan)
            self._announce(plan, names, lanes, look)
            batch = Batch(
                urls=tuple(t.url for t in self.targets.values()),
                lanes=lanes,
                count=plan.requests,
                timeout_s=self._settings.timeout.total_seconds(),
                max_body_bytes=self.look.settings.http.max_body_bytes,
                accepted={n: t.accepted for n, t in enumerate(self.targets.values())},
            )
            sample = await prober.sample(batch, self._progress(plan, names))
            if number < most and self._is_spoilt(sample):
                continue
            look += 1
            self._keep(sample)
            names = [name for name in names if self._is_open(plan, name)]
            if not names or sample.is_cut or look > plan.looks:
                return

    def _is_spoilt(self, sample: Sample) -> bool:
        """Whether the prober's own lateness makes a batch worthless, which is then set aside.

        What is set aside depends on the prober alone, so what is kept is not chosen by what
        the server did.
        """
        if sample.stops or sample.is_cut or self.set_aside == _MOST_SET_ASIDE:
            return False
        late_ms = max((own_ms(shots, self._limit_ms) for shots in _by_endpoint(sample)), default=0)
        if late_ms == 0:
            return False
        self.set_aside += 1
        self.look.say(
            f"latency: {len(sample.shots)} requests set aside, the prober itself was late "
            f"by {late_ms:.0f} ms of P95: this machine has too much else to do"
        )
        return True

    def _keep(self, sample: Sample) -> None:
        by_place = list(self.targets.values())
        for shot in sample.shots:
            self.found[by_place[shot.endpoint].name].shots.append(shot)
        for place, stop in sample.stops.items():
            seen = self.found[by_place[place].name]
            if stop.is_rate_limit:
                seen.refusal = _too_often(by_place[place], stop.retry_after)
            else:
                seen.stopped = stop.reason

    def _is_open(self, plan: Campaign, name: str) -> bool:
        """Whether an endpoint is to be measured on: undecided, and nothing speaks against it."""
        seen = self.found[name]
        if seen.stopped or seen.refusal is not None:
            return False
        over = [is_over(shot, self._limit_ms) for shot in seen.shots]
        return bool(self.fixed) or p95.judge(plan.plan, over)[0] is p95.Judgement.UNDECIDED

    def _announce(
        self, plan: Campaign, names: Sequence[str], lanes: Sequence[Lane], number: int
    ) -> None:
        """The budget before it is spent."""
        seconds = max(lane.gap_s * len(lane.endpoints) for lane in lanes) * plan.requests
        per_host = max(1 / lane.gap_s for lane in lanes)
        count = f"{len(names)} endpoint{'s' if len(names) > 1 else ''}"
        if self.fixed is not None:
            self.look.say(
                f"latency, {self.fixed.name}: {plan.requests * len(names)} GET requests to {count} "
                f"in about {seconds:.0f} s (batch {number} of {plan.looks})"
            )
        elif number == 1:
            most = plan.looks - 1
            rest = f"; undecided ones up to {most} times as much again" if most else ""
            self.look.say(
                f"latency: {plan.requests * len(names)} GET requests to {count} in about "
                f"{seconds:.0f} s, at most {per_host:.3g} a second to a host{rest}"
            )
        else:
            self.look.say(
                f"latency: undecided after {plan.requests * (number - 1)} requests each: "
                f"{', '.join(names)}; {seconds:.0f} s more (look {number} of {plan.looks})"
            )

    def _progress(self, plan: Campaign, names: Sequence[str]) -> Callable[[Sample], bool]:
        """Shows a line every few seconds; False when the watch has ended before its time."""
        began = time.monotonic()
        lookout = self._lookout(plan, names)

        def show(sample: Sample) -> bool:
            if lookout is not None:
                lookout.see(sample)
            now = time.monotonic()
            if now - self._told_at >= _PROGRESS_S:
                self._told_at = now
                self._tell(_so_far(sample, plan.requests * len(names), now - began))
            return self.look.watch is None or self.look.watch.ended_because is None

        return show

    def _lookout(self, plan: Campaign, names: Sequence[str]) -> Lookout | None:
        if self.look.watch is None or self.fixed is not None:
            return None
        places = {place: name for place, name in enumerate(self.targets) if name in names}
        return Lookout(self.look, places, plan.requests, self._limit_ms)

    def _tell(self, text: str) -> None:
        """In a watch the live view shows it beside the other signals."""
        watch = self.look.watch
        if watch is None or not watch.signals.is_shown:
            self.look.say(text)
        if watch is not None:
            watch.signals.measures("latency", text, watch.elapsed_s)


def _by_endpoint(sample: Sample) -> list[list[Shot]]:
    places = {shot.endpoint for shot in sample.shots}
    return [[shot for shot in sample.shots if shot.endpoint == place] for place in places]


def _so_far(sample: Sample, planned: int, seconds: float) -> str:
    failed = sum(bool(shot.error) for shot in sample.shots)
    slowest = max((shot.ms for shot in sample.shots), default=0.0)
    return (
        f"latency: {seconds:.0f} s, {len(sample.shots)} of {planned} requests, "
        f"{failed} failed, slowest {slowest:.0f} ms"
    )


def _too_often(target: Target, retry_after: str) -> Refusal:
    told = f" (Retry-After: {retry_after})" if retry_after else ""
    return Refusal(
        f"status 429{told}: asked too often, so sampling was stopped",
        f"GET {target.url}",
        "Wait as Retry-After says; lower latency.max_rate, or exempt the prober from the limit.",
    )
