"""What follows from one look at a deploy: it is the release, it may become it, or it is another."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.deploy.seen import Seen
from pytest_chefrelease.checks.deploy.witnesses import clues_of_marks, in_words, judge
from pytest_chefrelease.checks.eventually import Later
from pytest_chefrelease.checks.identity import Match
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.providers.provider import Deployed, Instance, State
from pytest_chefrelease.runbook.evidence import Evidence

_SHOWN = 6
_TELL = (
    "Let it tell its version and commit: in the health endpoint's JSON, in the web front by "
    "NEXT_PUBLIC_APP_VERSION; or label the image with its revision."
)
_TOLD_ALIKE = "Let the build set BUILD_VERSION and BUILD_SHA of one release, and deploy it again."


def judged(seen: Seen, look: Context) -> Evidence | Later:
    """Evidence where every witness says the release, Later where it may still come to that.

    Raises Failed or Unverified where waiting would change nothing.
    """
    deployed, theirs = seen.deployed, Match.UNKNOWN
    if deployed is not None:
        _demand_deployed(deployed, seen, look)
        unsettled = _under_way(deployed) or _mixed(deployed, look)
        if unsettled:
            return Later(_failed(f"{deployed.place}: {unsettled}", seen, look))
        theirs = _told_by(deployed, look)
    if not seen.answers:
        return _nothing_said(seen, look)
    ours = {word.match for word in seen.answers}
    if ours & {Match.OTHER, Match.CONTRADICTORY}:
        return _other(seen, ours, theirs, look)
    silent = [word for word in seen.words if word.problem]
    if silent:
        said = f"{len(silent)} of {len(seen.words)} requests got no answer: {silent[0].problem}"
        return Later(_unverified(said, "Find the instance that does not answer.", seen, look))
    if theirs in (Match.OTHER, Match.CONTRADICTORY):
        raise _disagreement(seen, look)
    if Match.UNKNOWN in ours and theirs is not Match.SAME:
        raise _nothing_told(seen, look)
    return seen.evidence(_summary(seen, theirs, ours), look)


def _nothing_said(seen: Seen, look: Context) -> Later:
    """No connection told anything. Raises where nobody says that a deploy may change that."""
    said = f"the {seen.part} does not say what it runs: {seen.words[0].problem}"
    if seen.deployed is None and all(word.is_absent for word in seen.words):
        raise _unverified(said, _TELL, seen, look)
    return Later(_unverified(said, "Find out why it does not answer.", seen, look))


def _demand_deployed(deployed: Deployed, seen: Seen, look: Context) -> None:
    """Raise Failed where the provider itself says that the deploy did not come about."""
    if deployed.problem and not deployed.is_changing:
        raise _failed(deployed.problem, seen, look)
    if deployed.has_instances and not deployed.instances:
        raise _failed(f"{deployed.place} has no instance at all", seen, look)


def _under_way(deployed: Deployed) -> str:
    """What shows that a deploy is under way."""
    changing = [f"{one.name} is {one.said}" for one in deployed.instances if _changes(one)]
    if changing:
        return f"under way: {_listed(changing)}"
    return f"under way: {deployed.deploy or 'a deploy'}" if deployed.is_changing else ""


def _changes(instance: Instance) -> bool:
    return instance.state is State.CHANGING


def _mixed(deployed: Deployed, look: Context) -> str:
    """Which instances have what, where they do not all have the same."""
    matches = {one.name: judge(clues_of_marks(one.marks), look) for one in deployed.instances}
    if len(deployed.images) <= 1 and len(set(matches.values()) - {Match.UNKNOWN}) <= 1:
        return ""
    # Where their marks tell which of them are the release, the others are what matters.
    others = [one for one in deployed.instances if matches[one.name] is not Match.SAME]
    named = others if len(others) < len(deployed.instances) else deployed.instances
    told = [f"{one.name} has {_content(one)}" for one in named]
    return f"mixed versions: {_listed(told)}"


def _content(instance: Instance) -> str:
    image = (instance.image or "no image").rpartition("/")[2]
    name, _, digest = image.partition("@")
    shown = f"{name}@{digest[:19]}" if digest else name
    return in_words(clues_of_marks(instance.marks)) or shown


def _told_by(deployed: Deployed, look: Context) -> Match:
    """What the provider says of the release: of the newest deploy, and of each instance alike."""
    told = [deployed.marks, *(one.marks for one in deployed.instances)]
    matches = {judge(clues_of_marks(marks), look) for marks in told} - {Match.UNKNOWN}
    if not matches:
        return Match.UNKNOWN
    return matches.pop() if len(matches) == 1 else Match.CONTRADICTORY


def _other(seen: Seen, ours: set[Match], theirs: Match, look: Context) -> Later:
    """Some connection was told of another release. Raises where that is not going to change."""
    wrong = [word for word in seen.answers if word.match in (Match.OTHER, Match.CONTRADICTORY)]
    told = [f"{word.who} says {word.said}" for word in wrong]
    if Match.SAME in ours:
        return Later(_failed(f"mixed versions: {_listed(told)}", seen, look))
    if ours == {Match.CONTRADICTORY}:
        said = f"the {seen.part} contradicts itself: {seen.running}"
        raise _unverified(said, _TOLD_ALIKE, seen, look)
    if theirs is Match.SAME:
        return Later(_disagreement(seen, look))
    finding = _failed(f"the {seen.part} runs {seen.running}", seen, look)
    if theirs is Match.OTHER:
        raise finding
    return Later(finding)


def _disagreement(seen: Seen, look: Context) -> Unverified:
    place, told = "", ""
    if seen.deployed is not None:
        place, told = seen.deployed.place, seen.told_by_provider
    said = f"two witnesses differ: the {seen.part} says {seen.running or 'nothing'}, {place} {told}"
    remedy = "Find out which is right: a label from another build, or an old process that answers."
    return _unverified(said, remedy, seen, look)


def _nothing_told(seen: Seen, look: Context) -> Unverified:
    if look.release.version is None and look.release.commit is None:
        remedy = "Run in the release's repository, or pass --release VERSION."
        return _unverified("the release's version and commit are unknown", remedy, seen, look)
    said = f"the {seen.part} does not say on every connection which release it runs"
    return _unverified(said, _TELL, seen, look)


def _failed(said: str, seen: Seen, look: Context) -> Failed:
    return Failed(said, expected=_name(look), where=seen.place, evidence=seen.evidence(said, look))


def _unverified(said: str, remedy: str, seen: Seen, look: Context) -> Unverified:
    return Unverified(
        said,
        expected=_name(look),
        where=seen.place,
        remedy=remedy,
        evidence=seen.evidence(said, look),
    )


def _summary(seen: Seen, theirs: Match, ours: set[Match]) -> str:
    count = len(seen.answers)
    said = f"{count} of {count} fresh connections say {seen.running}"
    if Match.UNKNOWN in ours:
        said = f"the {seen.part} itself does not say what it runs on all of {count} connections"
    if seen.deployed is None:
        return f"{said}; only the application was asked, no provider is configured for it"
    running = sum(one.state is State.RUNNING for one in seen.deployed.instances)
    their_word = "of the release" if theirs is Match.SAME else "alike, which does not tell of what"
    deploy = f", {seen.deployed.deploy}" if seen.deployed.deploy else ""
    return f"{said}; {seen.deployed.place}: {running} running {their_word}{deploy}"


def _name(look: Context) -> str:
    release = look.release
    commit = (release.commit or "")[:12]
    known = " at ".join(filter(None, (release.version, commit)))
    return f"{known or 'one and the same release'} everywhere"


def _listed(texts: Sequence[str]) -> str:
    rest = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return ", ".join(texts[:_SHOWN]) + rest
