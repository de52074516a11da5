"""What the application says of the release that it runs, instance by instance."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from msgspec import Struct

from pytest_chefrelease.checks import identity
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.identity import Clue, Match
from pytest_chefrelease.checks.staging.same_code import Way, api_clues, web_clues
from pytest_chefrelease.errors import Malformed, NoAnswer, Unreachable
from pytest_chefrelease.probes.providers.provider import Instance, State

_NOT_THERE = frozenset({404, 405, 410})
_MOST_LED = 50
"""How many instances are asked one by one; more are left to the fresh connections."""


class Word(Struct, frozen=True):
    """What one request was told, over a fresh connection or by a named instance.

    ``problem`` says why nothing was told; the match is UNKNOWN then. ``is_absent`` is true where
    the application answers that it has no such endpoint: one that only starts says otherwise.
    """

    who: str
    said: str
    match: Match
    problem: str = ""
    is_absent: bool = False


async def ask_application(
    look: Context, part: str, instances: Sequence[Instance]
) -> tuple[Word, ...]:
    """Ask ``part`` (api or web) over several fresh connections, and each instance that can be.

    Raises NotConfigured where the part has no address.
    """
    fresh = look.probes.fresh_http
    ways = [
        (f"connection {number}", Way(fresh))
        for number in range(1, look.settings.deploy.connections + 1)
    ]
    led = [each for each in instances if each.state is State.RUNNING and each.headers]
    ways += [(f"instance {each.name}", Way(fresh, each.headers)) for each in led[:_MOST_LED]]
    return tuple(await asyncio.gather(*(_ask(look, part, who, way) for who, way in ways)))


async def _ask(look: Context, part: str, who: str, way: Way) -> Word:
    ask = api_clues if part == "api" else web_clues
    try:
        answer, clues = await ask(look, way)
    except (Unreachable, NoAnswer, Malformed) as error:
        return Word(who, "", Match.UNKNOWN, error.seen)
    if not clues and answer.status >= 400:
        absent = answer.status in _NOT_THERE
        return Word(who, "", Match.UNKNOWN, f"status {answer.status}", is_absent=absent)
    if part == "api" and answer.is_html:
        return Word(who, "", Match.UNKNOWN, "a page answers instead of the API")
    return Word(who, in_words(clues), judge(clues, look))


def clues_of_marks(marks: Mapping[str, str]) -> tuple[Clue, ...]:
    """What images and configurations tell, as clues."""
    return tuple(Clue(place, value) for place, value in marks.items())


def judge(clues: Sequence[Clue], look: Context) -> Match:
    """Whether clues are of the release."""
    return identity.match(clues, look.release, look.settings.release.tag_prefix)


def in_words(clues: Sequence[Clue]) -> str:
    """Version and commit, each once: ``1.5.0 at 3f2a91c``."""
    values = dict.fromkeys(c.value[:12] if c.is_commit else c.value for c in clues)
    return " at ".join(values)
