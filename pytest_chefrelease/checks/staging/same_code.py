"""staging.same-code: what staging says of its version and commit."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from pytest_chefrelease.checks import identity
from pytest_chefrelease.checks.answers import transcript
from pytest_chefrelease.checks.closed import demand_open
from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.identity import Clue, Match
from pytest_chefrelease.checks.staging import web_version
from pytest_chefrelease.checks.staging.target import MAX_AGE, at_staging
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.http import Answer, HttpProbe
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage


@check(
    Item(
        id="staging.same-code",
        title="Staging runs the release commit",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P2,
        section=Section.STAGING,
        quick_check=2,
        minimum=Minimum(counts={"clues": 1}, facts=("running",), max_age=MAX_AGE),
        remedy="Deploy the release commit to staging, then verify again.",
        timeout_s=60,
    ),
    each=lambda _settings, _stage: ("api", "web"),
)
async def staging_same_code(look: Context, part: str) -> Evidence:
    """What API or web front say of their version and commit is the release's."""
    there = at_staging(look, part)
    return await (_same_api(there) if part == "api" else _same_web(there))


async def _same_api(there: Context) -> Evidence:
    answer, clues = await api_clues(there)
    return _judged(clues, answer, there, "a version and commit in the health endpoint's JSON")


async def _same_web(there: Context) -> Evidence:
    own = there.settings.staging_checks.web_version
    expected = "the version at staging.web_version_path, or in the page's own scripts"
    answer, clues = await web_clues(there)
    return _judged(clues, answer, there, expected if own is None else f"what matches {own}")


class Way(Struct, frozen=True):
    """How somebody is asked: by which client, with which headers; None is the shared client."""

    http: HttpProbe | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    async def get(self, there: Context, url: str, *, follow: bool = False) -> Answer:
        """The answer to a GET."""
        http = self.http or there.probes.http
        return await http.get(url, headers=self.headers, follow=follow)


USUAL = Way()


async def api_clues(there: Context, way: Way = USUAL) -> tuple[Answer, tuple[Clue, ...]]:
    """What the API says of its version and commit. Raises ProbeErrors."""
    answer = await way.get(there, there.api + there.settings.target.health)
    is_json = answer.content_type.endswith("json")
    return answer, identity.clues_of(answer.json(), "health") if is_json else ()


async def web_clues(there: Context, way: Way = USUAL) -> tuple[Answer, tuple[Clue, ...]]:
    """What the web front says of its version and commit. Raises ProbeErrors."""
    own = there.settings.staging_checks
    answer = await way.get(there, there.web + own.web_version_path, follow=True)
    if own.web_version is not None:
        found = re.search(own.web_version, answer.text())
        value = (found.group(min(1, found.re.groups)) or "").strip()[:80] if found else ""
        return answer, (Clue(own.web_version_path, value),) if value else ()
    if answer.content_type.endswith("json"):
        return answer, identity.clues_of(answer.json(), own.web_version_path)
    return answer, await _clues_of_page(answer, there, way)


async def _clues_of_page(answer: Answer, there: Context, way: Way) -> tuple[Clue, ...]:
    html = answer.text()
    clues = list(web_version.clues_in_page(html))
    hints = [web_version.hint_in(html, there.release, "the page")]
    for url in web_version.scripts_of(html, answer.url):
        script = await way.get(there, url)
        if script.status == 200 and not script.is_html:
            place = url.rpartition("/")[2][:80]
            clues += web_version.clues_in_script(script.text(), place)
            hints.append(web_version.hint_in(script.text(), there.release, place))
    return tuple(dict.fromkeys((*clues, *(hint for hint in hints if hint is not None))))


def _judged(clues: Sequence[Clue], answer: Answer, there: Context, expected: str) -> Evidence:
    release, prefix = there.release, there.settings.release.tag_prefix
    said = ", ".join(dict.fromkeys(f"{clue.value} ({clue.place})" for clue in clues))
    commits = [clue.value for clue in clues if clue.is_commit]
    rows = tuple((clue.place, clue.value, _in_words(clue, there)) for clue in clues)
    seen = Evidence(
        summary=f"runs {said}",
        source=f"GET {answer.url}",
        observed_at=answer.observed_at,
        facts={"clues": len(clues), "running": said[:400], "release": release.name},
        commit=commits[0] if commits else None,
        attachments=(
            Table("What it says of itself", ("place", "value", "the release's"), rows),
            transcript(answer),
        ),
    )
    demand_open(answer.status, answer.headers, seen.source, seen)
    outcome = identity.match(clues, release, prefix)
    if outcome is Match.SAME:
        return seen
    raise _not_same(outcome, said, there, seen, expected)


def _in_words(clue: Clue, there: Context) -> str:
    is_same = identity.same(clue, there.release, there.settings.release.tag_prefix)
    return "unknown" if is_same is None else "yes" if is_same else "no"


def _not_same(
    outcome: Match, said: str, there: Context, seen: Evidence, expected: str
) -> Failed | Unverified:
    release = there.release
    name = " at ".join(filter(None, (release.version, (release.commit or "")[:12])))
    if outcome is Match.OTHER:
        return Failed(f"staging runs {said}", expected=name, where=seen.source, evidence=seen)
    if outcome is Match.CONTRADICTORY:
        return Unverified(
            f"staging contradicts itself: {said}",
            expected=name,
            where=seen.source,
            remedy="Build anew with BUILD_VERSION and BUILD_SHA of one release.",
            evidence=seen,
        )
    if not said:
        return Unverified(
            "it does not say which version it runs",
            expected=expected,
            where=seen.source,
            remedy="Let the build set BUILD_SHA and NEXT_PUBLIC_APP_VERSION, or set"
            " staging.web_version_path and staging.web_version.",
            evidence=seen,
        )
    return Unverified(
        f"the release's version and commit are unknown; staging runs {said}",
        expected="a release to compare with",
        where=seen.source,
        remedy="Run in the release's repository, or pass --release VERSION.",
        evidence=seen,
    )
