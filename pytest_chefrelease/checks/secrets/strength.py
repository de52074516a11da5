"""secrets.strength: a secret cannot be guessed, is no known value, and its address is safe."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.checks.declare import check
from pytest_chefrelease.checks.secrets.stored import (
    known_values,
    names,
    production_value,
    rule_of,
    staging_value,
)
from pytest_chefrelease.errors import Failed, ProbeError
from pytest_chefrelease.probes.secret_examples import read_examples
from pytest_chefrelease.runbook.connection_secret import dsn_problems, read_connection
from pytest_chefrelease.runbook.evidence import Evidence, Fact
from pytest_chefrelease.runbook.item import Item, Minimum, Section, Severity, Stage
from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.secret_strength import (
    Demand,
    Surroundings,
    known,
    weaknesses,
    wrapping,
)
from pytest_chefrelease.settings.model import RequiredSecret

_BITS = {"signing": 128.0, "connection": 64.0, "token": 64.0, "dsn": 0.0}
_GENERATE = {
    "signing": "Generate a new one with openssl rand -base64 32",
    "token": "Generate a new one with openssl rand -base64 32",
    "connection": "Give the user a new password (openssl rand -hex 24) and correct the URL",
    "dsn": "Copy the DSN again from Sentry's project settings",
}
_WORD = re.compile(r"[a-z]{3,}")


@check(
    Item(
        id="secrets.strength",
        title="The secret is strong, and no known value",
        stages=(Stage.PRERELEASE,),
        severity=Severity.P1,
        section=Section.SECRETS,
        quick_check=4,
        minimum=Minimum(counts={"judged": 1}),
        remedy="Generate a new one and set it in the provider's secrets.",
    ),
    each=names,
)
async def secrets_strength(look: Context, name: str) -> Evidence:
    """Length, estimated entropy, known values, and the form of connection strings and DSNs."""
    secret, place = await production_value(look, name)
    rule = rule_of(look, name)
    around = await _surroundings(look, name)
    judged = _judge(name, secret, rule, around, look.settings.secrets.private_hosts)
    facts: dict[str, Fact] = {
        "judged": 1,
        "kind": rule.kind,
        "compared_with": len(around.others),
        "example_files": len(around.examples),
        **judged.facts,
    }
    seen = Evidence(_summary(name, judged), place, look.now(), facts)
    if judged.problems:
        raise Failed(
            f"{name} is weak: {'; '.join(judged.problems)}",
            expected=_expected(rule),
            where=place,
            remedy=f"{_GENERATE[rule.kind]}, set it where production reads it, and restart.",
            evidence=replace(seen, summary=f"{name}: {'; '.join(judged.problems)}"),
        )
    return seen


class _Judged(Struct, frozen=True):
    """What is wrong, in words without the value, and what may be told of it."""

    problems: tuple[str, ...]
    facts: dict[str, Fact]


def _judge(
    name: str,
    secret: Secret,
    rule: RequiredSecret,
    around: Surroundings,
    private_hosts: Sequence[str],
) -> _Judged:
    value = secret.reveal()
    loose = tuple(wrapping(value))
    if rule.kind == "dsn":
        return _Judged((*loose, *dsn_problems(value.strip()), *known(secret, around)), {})
    if rule.kind == "connection":
        judged = _judge_connection(name, secret, rule, around, private_hosts)
    else:
        judged = _judge_random(secret, rule, around)
    return _Judged((*loose, *judged.problems), judged.facts)


def _judge_random(secret: Secret, rule: RequiredSecret, around: Surroundings) -> _Judged:
    demand = _demand(rule)
    problems, seen = weaknesses(secret, demand, around)
    length = len(secret.reveal())
    facts: dict[str, Fact] = {
        "length_chars": length,
        "estimated_bits": round(seen.bits),
        "required_bits": round(demand.min_bits),
    }
    return _Judged(problems, facts)


def _judge_connection(
    name: str,
    secret: Secret,
    rule: RequiredSecret,
    around: Surroundings,
    private_hosts: Sequence[str],
) -> _Judged:
    parts = read_connection(name, secret.reveal().strip(), private_hosts)
    problems = [*parts.problems, *known(secret, around)]
    facts: dict[str, Fact] = {"system": parts.family or None}
    if parts.password is None:
        if parts.family and parts.needs_password:
            problems.append("it carries no password")
        return _Judged(tuple(problems), facts)
    mine = [each for each in (parts.user, parts.host) if each is not None]
    words = (*around.words, *(word for each in mine for word in _words(each.reveal())))
    judged = _judge_random(parts.password, rule, replace(around, words=words))
    problems += [f"its password: {problem}" for problem in judged.problems]
    if parts.user == parts.password:
        problems.append("its password is its user name")
    return _Judged(tuple(problems), facts | judged.facts)


def _demand(rule: RequiredSecret) -> Demand:
    bits = rule.min_entropy_bits
    return Demand(rule.min_length, _BITS[rule.kind] if bits is None else bits)


async def _surroundings(look: Context, name: str) -> Surroundings:
    """What the value must differ from: other secrets, staging's, and example files."""
    others: dict[str, Secret] = {}
    for other, value in (await known_values(look)).items():
        if other != name:
            others[f"the value of {other}"] = value
            password = read_connection(other, value.reveal()).password
            if password is not None:
                others[f"the password in {other}"] = password
    with_staging = await _staging_value(look, name)
    if with_staging is not None:
        others["staging's value"] = with_staging
    return Surroundings(others, await _examples(look), _product_words(look))


async def _staging_value(look: Context, name: str) -> Secret | None:
    try:
        found = await staging_value(look, name)
    except ProbeError:
        return None  # secrets.distinct says that staging's value cannot be read
    return found[0] if found else None


async def _examples(look: Context) -> dict[str, Collection[str]]:
    """Values in the release's own example files; none outside a repository."""
    if look.release.commit is None:
        return {}
    try:
        return await asyncio.to_thread(read_examples, look.probes.git, look.release.commit)
    except ProbeError:
        return {}  # secrets.not-in-repository says that the repository cannot be read


def _product_words(look: Context) -> tuple[str, ...]:
    """Names that belong to the product: the first that a guesser tries."""
    settings = look.settings
    named = (settings.provider.app, settings.provider.web_app, settings.ci.repository)
    return tuple({word for each in named if each for word in _words(each)})


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _expected(rule: RequiredSecret) -> str:
    demand = _demand(rule)
    if rule.kind == "dsn":
        return "a DSN as Sentry gives it, https://KEY@HOST/PROJECT"
    length = f"{demand.min_length} characters and " if demand.min_length else ""
    strength = f"at least {length}{demand.min_bits:.0f} bits of estimated entropy"
    return f"a URL with TLS and a password of {strength}" if rule.kind == "connection" else strength


def _summary(name: str, judged: _Judged) -> str:
    if "estimated_bits" not in judged.facts:
        return f"{name} is well-formed"
    return (
        f"{name} is strong: {judged.facts['length_chars']} characters, about "
        f"{judged.facts['estimated_bits']} bits"
    )
