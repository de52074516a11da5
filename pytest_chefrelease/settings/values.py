"""Value types of release.toml: durations, addresses, and the rules for environment values."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")


def parse_duration(value: object) -> timedelta:
    """Read ``500ms``, ``20s``, ``15m``, ``24h``, ``90d``, ``1h30m``; raise ValueError otherwise."""
    if isinstance(value, timedelta):
        return value
    text = str(value).strip() if isinstance(value, str) else ""
    if not text or _PART.sub("", text):
        raise ValueError("a duration such as 500ms, 20s, 15m, 24h or 90d is allowed")
    return timedelta(seconds=sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(text)))


def parse_url(value: object) -> str:
    """An absolute http or https address without a trailing slash; raise ValueError otherwise."""
    text = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"an address such as https://api.example is allowed ({error})") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("an address with scheme and host, such as https://api.example, is allowed")
    if parts.username or parts.password:
        raise ValueError("an address without user name and password is allowed")
    return text.rstrip("/")


def parse_variable_name(value: object) -> str:
    """The name of an environment variable, never its value; raise ValueError otherwise."""
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        return value
    # The text may be a secret pasted by mistake: it is not repeated in the message.
    raise ValueError("the name of an environment variable is allowed, not its value")


def parse_regex(value: object) -> str:
    """A regular expression; raise ValueError where it is none or does not compile."""
    try:
        return re.compile(value).pattern if isinstance(value, str) else _no_regex(value)
    except re.error as error:
        raise ValueError(f"a regular expression is allowed ({error})") from None


def _no_regex(value: object) -> str:
    raise ValueError(f"a regular expression is allowed, not a {type(value).__name__}")


def parse_measured_path(value: object) -> str:
    """``/health`` of the API or ``web /login`` of the web front; raise ValueError otherwise."""
    if isinstance(value, str) and re.fullmatch(r"(web )?/[^\s#]*", value):
        return value
    raise ValueError("a path such as /health, or web /login for the web front, is allowed")


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Url = Annotated[str, BeforeValidator(parse_url)]
Regex = Annotated[str, BeforeValidator(parse_regex)]
MeasuredPath = Annotated[str, BeforeValidator(parse_measured_path)]
VariableName = Annotated[str, BeforeValidator(parse_variable_name)]
OneOrMore = Annotated[tuple[int, ...], BeforeValidator(lambda v: (v,) if isinstance(v, int) else v)]
"""An HTTP status or a list of them."""


class Table(BaseModel):
    """A table of release.toml: unknown keys are mistakes, values never change later."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ValueRule(Table):
    """What a variable of the environment matrix must be.

    ``equals`` is one value; ``allowed`` (``in``) is a list, where ``"unset"`` allows absence;
    ``forbidden`` (``not``) is a list; ``matches`` is a regular expression for the whole value.
    """

    equals: str | None = None
    allowed: tuple[str, ...] | None = Field(default=None, alias="in")
    forbidden: tuple[str, ...] = Field(default=(), alias="not")
    matches: str | None = None
    optional: bool = False

    @classmethod
    def read(cls, value: object) -> object:
        """A bare value stands for ``{ equals = value }``."""
        if isinstance(value, bool):
            return {"equals": "1" if value else "0"}
        return {"equals": str(value)} if isinstance(value, str | int) else value


EnvironmentRule = Annotated[ValueRule, BeforeValidator(ValueRule.read)]
Method = Literal["GET", "HEAD", "OPTIONS", "POST"]


def parse_path(value: object) -> str:
    """The path of an address below the base, query included; raise ValueError otherwise."""
    text = value if isinstance(value, str) else ""
    if not text.startswith("/") or any(c.isspace() or ord(c) < 32 or c == "#" for c in text):
        raise ValueError("a path that begins with /, without spaces, is allowed")
    return text


UrlPath = Annotated[str, BeforeValidator(parse_path)]


class Endpoint(Table):
    """An HTTP endpoint and the statuses that are right: ``{ get = "/health", status = 200 }``.

    ``html`` says that a page is a right answer; otherwise one means that something else
    than the API answered.
    """

    method: Method
    path: UrlPath
    status: OneOrMore = (200,)
    timeout: Duration = timedelta(seconds=10)
    html: bool = False

    @property
    def name(self) -> str:
        """The parameter in test ids: ``GET /health``."""
        return f"{self.method} {self.path}"


def _read_endpoint(value: object) -> object:
    if isinstance(value, dict):
        verbs = [key for key in value if key in ("get", "head", "options", "post")]
        if len(verbs) == 1:
            rest = {key: item for key, item in value.items() if key != verbs[0]}
            return {"method": verbs[0].upper(), "path": value[verbs[0]], **rest}
    return value


EndpointRule = Annotated[Endpoint, BeforeValidator(_read_endpoint)]
