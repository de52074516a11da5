"""secrets.not-served: no value in what the web front serves, nor in the API's open answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.secrets.stored import known_values, staging_values
from pytest_chefrelease.errors import Failed, NotConfigured, ProbeError, Unverified
from pytest_chefrelease.probes.http import Answer
from pytest_chefrelease.probes.needles import Mark, Needles
from pytest_chefrelease.probes.web_assets import (
    inline_maps,
    links_of_page,
    links_of_script,
    of_origins,
)
from pytest_chefrelease.runbook.evidence import Evidence, Table
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.settings.model import Environment, Settings

_MAX_ANSWERS = 200
_MAX_BYTES = 100_000_000
_ROUNDS = 4
_SHOWN = 50
_LEFT_OPEN = ("/.env", "/.env.production", "/.env.local", "/.git/config", "/env.js", "/config.json")
_API = (
    *("/healthz", "/readiness", "/metrics", "/docs", "/docs-json", "/api-json", "/openapi.json"),
    *("/", "/auth/me", "/chefrelease-asks-for-a-page-that-is-not-there", "/.env", "/%c0%ae"),
)
_LOGIN = "/auth/login"
_FORGED = {"authorization": "Bearer e30.e30.chefrelease"}


def _targets(settings: Settings, stage: Stage) -> Sequence[str]:
    """``web`` and ``api``, as far as the environment that the stage looks at has them."""
    place = _environment(settings, stage)
    return tuple(name for name, url in (("web", place.web), ("api", place.api)) if url)


def _environment(settings: Settings, stage: Stage) -> Environment:
    return settings.staging if stage is Stage.PRERELEASE else settings.target


@check(
    Item(
        id="secrets.not-served",
        title="No secret's value is served to the outside",
        stages=(Stage.PRERELEASE, Stage.POSTRELEASE),
        severity=Severity.P1,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(counts={"answers": 3, "good_answers": 1, "secrets": 1}),
        remedy="Take it out of the build and rotate it now: whoever has loaded the page has it.",
        timeout_s=90.0,
    ),
    each=_targets,
)
async def secrets_not_served(look: Context, target: str) -> Evidence:
    """Pages, scripts, source maps; health, docs, metrics and error bodies; and all headers."""
    needles, names = await _needles(look)
    if not names:
        raise Unverified(
            "none of production's secrets can be read here, so none can be looked for",
            expected="their values, to look for them in what is served",
            where=look.settings.secrets.source,
            remedy="Set secrets.source, or secrets.values, to where they can be read, such as env.",
        )
    place = _environment(look.settings, look.stage)
    seen = _Seen(needles, of_web=target == "web")
    if target == "web":
        await _look_at_web(look, place, seen)
    else:
        await _look_at_api(look, place, seen)
    evidence = _evidence(look, target, place, seen, names)
    if seen.finds:
        first, count = seen.finds[0], len({(f.name, f.url) for f in seen.finds})
        more = f", and {count - 1} more" if count > 1 else ""
        raise Failed(
            f"{first.name} is served {first.form} by {first.where}{more}",
            expected="no secret in any answer",
            where=evidence.source,
            evidence=evidence,
        )
    if seen.truncated or seen.is_cut_short:
        what = f"{seen.truncated[0]} is longer than is read" if seen.truncated else (
            f"the site has more than {_MAX_ANSWERS} files"
        )  # fmt: skip
        raise Unverified(
            f"not all was seen: {what}",
            expected="every script to its end",
            where=evidence.source,
            remedy="Raise http.max_body_bytes, or serve smaller files.",
            evidence=evidence,
        )
    return evidence


class _Find(Struct, frozen=True):
    name: str
    form: str
    url: str
    line: int | None

    @property
    def where(self) -> str:
        return f"{self.url}, line {self.line}" if self.line else f"{self.url}, in a header"


@dataclass(slots=True)
class _Seen:
    """What was served so far, and the finds in it."""

    needles: Needles
    of_web: bool
    answers: int = 0
    good: int = 0
    size_bytes: int = 0
    is_cut_short: bool = False
    urls: set[str] = field(default_factory=set)
    truncated: list[str] = field(default_factory=list)
    finds: list[_Find] = field(default_factory=list)

    def take(self, answer: Answer) -> None:
        """Look through an answer's body, what it holds encoded, and its headers."""
        self.answers += 1
        self.good += self._is_good(answer)
        self.size_bytes += len(answer.body)
        url = self.needles.cleaned(answer.url)
        if answer.is_truncated:
            self.truncated.append(url)
        for data in (answer.body, *inline_maps(answer.text())):
            first: dict[Mark, int] = {}
            for hit in self.needles.hits(data, len(data)):
                first[hit.mark] = min(hit.offset, first.get(hit.mark, hit.offset))
            for mark, offset in first.items():
                line = data.count(b"\n", 0, offset) + 1
                self.finds.append(_Find(mark.name, mark.form, url, line))
        lines = [f"{name}: {value}" for name, value in answer.headers.items()]
        head = "\n".join((*lines, *answer.cookies)).encode(errors="surrogateescape")
        for hit in self.needles.hits(head, len(head)):
            self.finds.append(_Find(hit.mark.name, hit.mark.form, url, None))

    def _is_good(self, answer: Answer) -> bool:
        """Whether it is a page of the front, or a document of the API; an empty body is neither."""
        if not 200 <= answer.status < 300 or not answer.body.strip():
            return False
        return answer.is_html if self.of_web else not (answer.is_html or answer.is_broken_json)

    def wanted(self, urls: Iterable[str]) -> list[str]:
        """Those addresses that were not asked for yet, as far as the limits allow."""
        new = [url for url in dict.fromkeys(urls) if url not in self.urls]
        room = _MAX_ANSWERS - len(self.urls) if self.size_bytes < _MAX_BYTES else 0
        self.is_cut_short = self.is_cut_short or len(new) > room
        self.urls.update(new[:room])
        return new[:room]


async def _needles(look: Context) -> tuple[Needles, list[str]]:
    """The values of both environments; DSNs are left out, which browsers have to know."""
    rules = look.settings.secrets.all_required
    values = {
        name: value
        for name, value in (await known_values(look)).items()
        if rules[name].kind != "dsn"
    }
    for name, value in (await staging_values(look)).items():
        if rules[name].kind != "dsn":
            values[f"staging's {name}"] = value
    names = [name for name in values if not name.startswith("staging's ")]
    return Needles(values), names


async def _look_at_web(look: Context, place: Environment, seen: _Seen) -> None:
    base = place.web or ""
    origins = (base, *look.settings.routes.own_origins)
    pages = await _ask(look, [base + path for path in look.settings.routes.paths], seen, must=True)
    await _ask(look, [base + path for path in _LEFT_OPEN], seen)
    links = [link for page in pages for link in links_of_page(page.url, page.text())]
    for _ in range(_ROUNDS):
        answers = await _ask(look, of_origins(links, origins), seen)
        links = [
            link
            for answer in answers
            if answer.status == 200 and not answer.is_html
            for link in links_of_script(answer.url, answer.text())
        ]


async def _look_at_api(look: Context, place: Environment, seen: _Seen) -> None:
    base = place.api or ""
    await _ask(look, [base + place.health], seen, must=True)
    await _ask(look, [base + path for path in _API], seen)
    guarded = [e.path for e in look.settings.smoke.endpoints if 401 in e.status] or ["/auth/me"]
    seen.take(await look.probes.http.get(base + guarded[0], headers=_FORGED))
    seen.take(
        await look.probes.http.request(
            "POST",
            base + _LOGIN,
            headers={"content-type": "application/json"},
            body=b"{}",
            login_probe=True,
        )
    )


async def _ask(
    look: Context, urls: Iterable[str], seen: _Seen, *, must: bool = False
) -> list[Answer]:
    """The answers of those addresses; with ``must``, an address that does not answer raises."""
    results = await asyncio.gather(
        *(look.probes.http.get(url, follow=True) for url in seen.wanted(urls)),
        return_exceptions=True,
    )
    answers = []
    for result in results:
        if isinstance(result, Answer):
            answers.append(result)
            seen.take(result)
        elif must or not isinstance(result, ProbeError):
            raise result
    return answers


def _evidence(
    look: Context, target: str, place: Environment, seen: _Seen, names: Sequence[str]
) -> Evidence:
    source = place.web if target == "web" else place.api
    if source is None:
        raise NotConfigured(f"no {target} address is configured")
    rows = tuple((f.url, str(f.line or "header"), f.name, f.form) for f in seen.finds[:_SHOWN])
    table = Table("What is served", ("address", "line", "secret", "form"), rows)
    return Evidence(
        summary=f"{len(names)} secrets in none of {seen.answers} answers of {source}",
        source=source,
        observed_at=look.now(),
        facts={
            "answers": seen.answers,
            "good_answers": seen.good,
            "size_bytes": seen.size_bytes,
            "secrets": len(names),
            "searched_forms": len(seen.needles),
            "finds": len(seen.finds),
        },
        attachments=(table,) if rows else (),
    )
