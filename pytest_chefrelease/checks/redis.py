"""Redis: it answers, has memory to spare, and throws nothing out."""

from __future__ import annotations

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.migrations_evidence import size
from pytest_chefrelease.checks.watching import Watch
from pytest_chefrelease.errors import Failed, NoAnswer, NotApplicable, Unverified
from pytest_chefrelease.probes.redis import Memory, Pong, Refused
from pytest_chefrelease.runbook.evidence import Evidence
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage

_REQUIRED = "REDIS_REQUIRED"
_OFF = ("", "0", "false", "no", "off")


@check(
    Item(
        id="redis.ping",
        title="Redis answers, has memory to spare, and throws no keys out",
        stages=(Stage.POSTRELEASE, Stage.MONITORING),
        severity=Severity.P2,
        section=Section.MONITORING,
        minimum=Minimum(counts={"answers": 1}, facts=("redis_version",)),
        remedy="Look at Redis itself: is it up, and what fills it.",
        if_configured=True,
    )
)
async def ping(look: Context) -> Evidence:
    """PING and INFO; over a watch, the keys evicted since its first look."""
    probe = look.probes.redis(_url(look))
    try:
        pong = await probe.look()
    except (Refused, NoAnswer) as error:
        # Its machine is there and it is not: that is how it is, no missing evidence.
        raise Failed(
            error.seen,
            expected="an answer to PING",
            where=error.where,
            remedy="See whether it runs, and read its log; REDIS_URL may name another port.",
        ) from None
    evicted = _evicted(look.watch, pong)
    seen = _evidence(look, pong, evicted, probe.where)
    _demand_memory(pong.memory, look.settings.redis.max_used, seen)
    if evicted:
        raise Failed(
            f"{evicted} keys were evicted while it was watched ({pong.memory.policy})",
            expected="no evictions",
            where=seen.source,
            remedy="Give it more memory, or let keys expire sooner: sessions and locks that are "
            "evicted are lost.",
            evidence=seen,
        )
    return seen


def _url(look: Context) -> str:
    name = look.settings.target.redis_env
    if name is not None:
        return look.variable(name, "Redis' URL")
    place = f"environments.{look.settings.release.environment}.redis_env"
    if look.environment.get(_REQUIRED, "").strip().lower() not in _OFF:
        raise Unverified(
            f"{_REQUIRED} is on, and no Redis is configured",
            expected="the name of the variable with its URL",
            remedy=f'Set {place} = "REDIS_URL" in release.toml.',
        )
    raise NotApplicable(f"no Redis is configured ({place})")


def _evicted(watch: Watch | None, pong: Pong) -> int:
    """Keys evicted since the first look of the watch; the count begins anew with the server."""
    if watch is None:
        return 0
    noted = [value for _, value in watch.note(f"redis {pong.run_id}", pong.memory.evicted_keys)]
    return int(noted[-1] - noted[0])


def _demand_memory(memory: Memory, most: float, seen: Evidence) -> None:
    limit = memory.limit_bytes or memory.system_bytes
    if limit and memory.used_bytes >= most * limit:
        whose = "maxmemory" if memory.limit_bytes else "the machine's memory, with no maxmemory set"
        raise Failed(
            f"{size(memory.used_bytes)} used of {size(limit)} ({whose}, {memory.policy})",
            expected=f"less than {most:.0%}",
            where=seen.source,
            remedy="Give it more memory, or find what fills it: redis-cli --bigkeys.",
            evidence=seen,
        )


def _evidence(look: Context, pong: Pong, evicted: int, where: str) -> Evidence:
    memory = pong.memory
    limit = f" of {size(memory.limit_bytes)}" if memory.limit_bytes else ", no maxmemory set"
    text = f"PONG in {pong.ping_ms:.1f} ms, Redis {pong.version}, {size(memory.used_bytes)}{limit}"
    if look.watch is not None:
        text += f", {evicted} keys evicted in the watch"
    return Evidence(
        summary=text,
        source=f"PING and INFO of {where}",
        observed_at=look.now(),
        facts={
            "answers": 1,
            "redis_version": pong.version,
            "ping_ms": round(pong.ping_ms, 2),
            "uptime_s": pong.uptime_s,
            "used_bytes": memory.used_bytes,
            "limit_bytes": memory.limit_bytes,
            "policy": memory.policy,
            "evicted_keys": memory.evicted_keys,
            "evicted_in_watch": evicted if look.watch is not None else None,
        },
    )
