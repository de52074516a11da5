"""What a variable of production's environment must be: rules as plain data and functions.

``0``, ``false``, ``no``, ``off``, empty and unset are one value of a flag, and so are ``1``,
``true``, ``yes`` and ``on``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct
from msgspec.structs import replace

_OFF = frozenset({"", "0", "false", "no", "off"})
_ON = frozenset({"1", "true", "yes", "on"})
_SEMVER = re.compile(r"v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_LOOPBACK = re.compile(r"localhost|127(?:\.\d+){3}|::1")


@dataclass(frozen=True, slots=True)
class Around:
    """What a value is judged beside: other variables, the release, and the API's address.

    ``is_deployed`` says that the environment must be this release's by now.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    version: str | None = None
    commit: str | None = None
    api: str | None = None
    is_deployed: bool = False


Judge = Callable[[str, Around], str | None]
"""What is wrong with a value (unset is empty), in words without the value; None where it fits."""


class Expected(Struct, frozen=True):
    """What is asked of a variable.

    ``text`` says it; ``may_be_unset``: an absent one is judged as an empty one. ``needs`` are
    other variables that it is judged beside; ``only_with`` is one without which it has no
    object, and ``no_object`` the words for an unset or switched-off one that then has none.
    """

    text: str
    judge: Judge
    may_be_unset: bool = False
    needs: tuple[str, ...] = ()
    only_with: str | None = None
    no_object: str | None = None


def is_off(value: str | None) -> bool:
    """Whether a flag's value means off: unset and empty do too."""
    return value is None or value.strip().lower() in _OFF


def off() -> Expected:
    """A flag that must be off."""

    def judge(value: str, _: Around) -> str | None:
        return None if is_off(value) else "it is on"

    return Expected("off (0, false, no, or unset)", judge, may_be_unset=True)


def on(*, only_with: str | None = None, no_object: str | None = None) -> Expected:
    """A flag that must be on."""

    def judge(value: str, _: Around) -> str | None:
        return None if value.strip().lower() in _ON else "it is not on"

    return Expected("on (1 or true)", judge, only_with=only_with, no_object=no_object)


def one_of(*allowed: str) -> Expected:
    """One of a few values; ``"unset"`` among them allows absence."""
    may_be_unset = "unset" in allowed or any(word in _OFF for word in allowed)

    def judge(value: str, _: Around) -> str | None:
        if not value.strip() and may_be_unset:
            return None
        return None if any(same(value, each) for each in allowed) else "it is another value"

    return Expected(" or ".join(allowed), judge, may_be_unset=may_be_unset)


def none_of(forbidden: Sequence[str]) -> Expected:
    """No such value, neither whole nor as a part of a list with commas."""

    def judge(value: str, _: Around) -> str | None:
        parts = (value, *value.split(","))
        found = next((f for f in forbidden for p in parts if same(p, f)), None)
        return None if found is None else f"{found} is in it"

    return Expected(f"anything but {' or '.join(forbidden)}", judge)


def matching(pattern: str) -> Expected:
    """What a regular expression matches as a whole."""

    def judge(value: str, _: Around) -> str | None:
        return None if re.fullmatch(pattern, value) else "it does not match"

    return Expected(f"what matches {pattern}", judge)


def optional(rule: Expected) -> Expected:
    """A rule for a variable that may be unset or empty."""

    def judge(value: str, around: Around) -> str | None:
        return rule.judge(value, around) if value.strip() else None

    return replace(rule, text=f"{rule.text}, or unset", judge=judge, may_be_unset=True)


def all_of(rules: Sequence[Expected]) -> Expected:
    """All of several rules; absence has to be allowed by each of them."""

    def judge(value: str, around: Around) -> str | None:
        return next((p for rule in rules if (p := rule.judge(value, around))), None)

    may_be_unset = all(rule.may_be_unset for rule in rules)
    return Expected(" and ".join(rule.text for rule in rules), judge, may_be_unset=may_be_unset)


def origins() -> Expected:
    """A list of explicit https origins."""

    def judge(value: str, _: Around) -> str | None:
        listed = [part.strip() for part in value.split(",")]
        problems = (_wrong_origin(part) for part in listed)
        return next((problem for problem in problems if problem), None)

    return Expected("explicit https origins, separated by commas, without *", judge)


def own_origin(listed_in: str) -> Expected:
    """One https origin, which a list of origins holds too."""

    def judge(value: str, around: Around) -> str | None:
        problem = _wrong_origin(value.strip())
        allowed = around.values.get(listed_in)
        if problem or allowed is None:
            return problem
        listed = [part.strip().rstrip("/") for part in allowed.split(",")]
        return None if value.strip().rstrip("/") in listed else f"{listed_in} does not hold it"

    return Expected(f"an https origin that {listed_in} holds", judge, needs=(listed_in,))


def relying_party(origin: str) -> Expected:
    """WebAuthn's relying party: the host of an origin, or a domain above it."""

    def judge(value: str, around: Around) -> str | None:
        host = _host(around.values.get(origin, ""))
        party = value.strip().lower()
        if not party or "/" in party or ":" in party:
            return "it is no domain"
        is_above = host == party or (host or "").endswith(f".{party}")
        return None if host is None or is_above else f"it is not the domain of {origin}"

    return Expected(f"the domain of {origin}", judge, needs=(origin,))


def api_address() -> Expected:
    """The API's https address, as the gate knows it."""

    def judge(value: str, around: Around) -> str | None:
        problem = _unsafe(value.strip())
        if problem or around.api is None:
            return problem
        same_address = value.strip().rstrip("/") == around.api.rstrip("/")
        return None if same_address else "it is not the API that is released to"

    return Expected("the API's https address", judge)


def build_version() -> Expected:
    """A semantic version; after the deployment, the release's."""

    def judge(value: str, around: Around) -> str | None:
        if not _SEMVER.fullmatch(value.strip()):
            return "it is no semantic version"
        if not around.is_deployed or around.version is None:
            return None
        released = re.search(_SEMVER.pattern + "$", around.version)
        wanted = (released[0] if released else around.version).removeprefix("v")
        return None if value.strip().removeprefix("v") == wanted else "it is another version"

    return Expected("a semantic version, the release's once it is deployed", judge)


def build_commit() -> Expected:
    """A commit's hash; after the deployment, the release's."""

    def judge(value: str, around: Around) -> str | None:
        told = value.strip().lower()
        if not re.fullmatch(r"[0-9a-f]{7,64}", told):
            return "it is no commit"
        if not around.is_deployed or around.commit is None:
            return None
        return None if around.commit.lower().startswith(told) else "it is another commit"

    return Expected("a commit, the release's once it is deployed", judge)


def moment() -> Expected:
    """A date with time, in ISO 8601."""

    def judge(value: str, _: Around) -> str | None:
        try:
            datetime.fromisoformat(value.strip())
        except ValueError:
            return "it is no date in ISO 8601"
        return None

    return Expected("a date with time, in ISO 8601", judge)


def same(value: str, expected: str) -> bool:
    """Whether two values are the same, flags in whatever words."""
    mine, theirs = value.strip().lower(), expected.strip().lower()
    if theirs in _OFF and theirs != "":
        return mine in _OFF
    return mine in _ON if theirs in _ON else value.strip() == expected.strip()


def _wrong_origin(value: str) -> str | None:
    if "*" in value:
        return "* is in it"
    problem = _unsafe(value)
    if problem is None and urlsplit(value).path not in ("", "/"):
        return "an origin has no path"
    return problem


def _unsafe(value: str) -> str | None:
    parts = _split(value)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return "it is no http address"
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.hostname):
        return "it is not https"
    return None


def _host(value: str) -> str | None:
    parts = _split(value.strip())
    return parts.hostname if parts else None


def _split(value: str) -> SplitResult | None:
    try:
        return urlsplit(value)
    except ValueError:
        return None


CHEFCLOUD: Mapping[str, Expected] = {
    "NODE_ENV": one_of("production"),
    "CORS_ORIGINS": origins(),
    "ORIGIN": own_origin("CORS_ORIGINS"),
    "RP_ID": relying_party("ORIGIN"),
    "RATE_LIMIT_PUBLIC": one_of("60"),
    "DEVPORTAL_ENABLED": off(),
    "DOCS_ENABLED": off(),
    "METRICS_ENABLED": off(),
    "DEMO_PROTECT_WRITES": on(no_object="no demo organisation is said to exist"),
    "LOG_LEVEL": one_of("info", "warn"),
    "PRETTY_LOGS": off(),
    "LOG_SILENCE_HEALTH": on(),
    "LOG_SILENCE_METRICS": on(),
    "ERROR_INCLUDE_STACKS": off(),
    "BUILD_VERSION": build_version(),
    "BUILD_SHA": build_commit(),
    "BUILD_DATE": moment(),
    "WH_SECRET_REQUIRED": on(only_with="WH_SECRET"),
    "NEXT_PUBLIC_API_URL": api_address(),
    "NEXT_PUBLIC_APP_VERSION": build_version(),
    "NEXT_PUBLIC_ENABLE_IDLE_TIMEOUT": on(),
    "NEXT_PUBLIC_SESSION_IDLE_MINUTES": one_of("15"),
    "NEXT_PUBLIC_ALLOW_DEMO_FALLBACK": off(),
}
"""Source: ChefCloud's production environment matrix; secrets are the secrets' own items."""
