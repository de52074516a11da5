"""Value types of release.toml: durations, addresses, and the rules for environment values.

A reader raises ValueError with what is allowed; the loader says before it what is wrong.
None repeats the value: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pytest_chefrelease.runbook.migration_risks import RISKS
from pytest_chefrelease.runbook.shard import Shard

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d|w)")
_LONGEST = timedelta(days=3650)
_TOKEN = re.compile(
    r"(gh[a-z]_|github_pat_|glpat|sk_(live|test)_|AKIA[0-9A-Z]{12}|eyJ)"
    r"|(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9]).{32}|.{65}"
)
"""What fits a variable's name and is rather a token: by its maker's prefix, or by its looks."""


def parse_duration(value: object) -> timedelta:
    """Read ``500ms``, ``20s``, ``15m``, ``24h``, ``90d``, ``1h30m``; raise ValueError otherwise."""
    if isinstance(value, timedelta):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not text or _PART.sub("", text):
        raise ValueError("a duration such as 500ms, 20s, 15m, 24h or 90d is allowed")
    seconds = sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(text))
    if not 0.001 <= seconds <= _LONGEST.total_seconds():
        raise ValueError(f"a duration from 1ms to {_LONGEST.days}d is allowed")
    return timedelta(seconds=seconds)


def parse_url(value: object) -> str:
    """An absolute http or https address without a trailing slash; raise ValueError otherwise.

    Paths are put behind it, so that it has neither query nor fragment.
    """
    text = value.strip() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # What urlsplit says holds a piece of the address, which may be a password.
        raise ValueError(
            "an address such as https://api.example or https://[::1]:3001 is allowed"
        ) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("an address with scheme and host, such as https://api.example, is allowed")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address without user name and password is allowed")
    if any(c.isspace() or not c.isprintable() or c in "?#" for c in text):
        raise ValueError("an address without spaces, query and fragment is allowed")
    return text.rstrip("/")


def parse_variable_name(value: object) -> str:
    """The name of an environment variable, never its value; raise ValueError otherwise."""
    is_name = isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value)
    if is_name and not _TOKEN.match(str(value)):
        return str(value)
    raise ValueError("the name of an environment variable is allowed, not its value")


def parse_regex(value: object) -> str:
    """A regular expression; raise ValueError where it is none or does not compile."""
    if not isinstance(value, str):
        raise ValueError("a regular expression in quotes is allowed")  # noqa: TRY004
    try:
        return re.compile(value).pattern
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"a regular expression is allowed ({error})") from None


_MATCHER = re.compile(r'[a-zA-Z_][a-zA-Z0-9_]*(?:=~|!~|!=|=)"(?:[^"\\\\]|\\\\.)*"')


def parse_matcher(value: object) -> str:
    """A label, how it is compared, and a value in quotes; raise ValueError otherwise."""
    if isinstance(value, str) and _MATCHER.fullmatch(value):
        return value
    raise ValueError("""a matcher such as 'service="api"' or 'severity!~"info|none"' is allowed""")


def parse_measured_path(value: object) -> str:
    """``/health`` of the API or ``web /login`` of the web front; raise ValueError otherwise."""
    if isinstance(value, str) and re.fullmatch(r"(web )?/[^\s#]*", value):
        return value
    raise ValueError("a path such as /health, or web /login for the web front, is allowed")


def parse_statuses(value: object) -> tuple[int, ...]:
    """One HTTP status or a list of them; raise ValueError otherwise."""
    listed = value if isinstance(value, list | tuple) else [value]
    found = [s for s in listed if isinstance(s, int) and 100 <= s <= 599]
    if not found or len(found) < len(listed):
        raise ValueError("an HTTP status such as 200, or a list of them, is allowed")
    return tuple(found)


def parse_date(value: object) -> date:
    """A date, bare or in quotes; raise ValueError otherwise."""
    try:
        parsed = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        parsed = None
    if isinstance(parsed, date) and not isinstance(parsed, datetime):
        return parsed
    raise ValueError("a date such as 2026-12-01 is allowed")


def parse_text(value: object) -> str:
    """Text that says something, without spaces around it; raise ValueError otherwise."""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ValueError("some text is allowed")


_SOURCES = "env, env:PREFIX, env-file:PATH, fly, render, aws, aws-parameters or gcp:PROJECT"
_SOURCE = re.compile(
    r"env|env:\w+|env-file:.+|(?:fly|render)(?::[\w.-]+)?|(?:aws|aws-parameters)(?::[\w/+=.@-]+)?"
    r"|gcp:[\w-]+(?:/[\w-]+)?"
)


def parse_module_name(value: object) -> str:
    """A Python module's dotted name; raise ValueError otherwise."""
    if isinstance(value, str) and all(part.isidentifier() for part in value.split(".")):
        return value
    raise ValueError('the name of a Python module, such as "release_checks", is allowed')


def parse_secret_source(value: object) -> str:
    """Where secrets are read; raise ValueError otherwise."""
    if isinstance(value, str) and _SOURCE.fullmatch(value):
        return value
    raise ValueError(f"{_SOURCES} is allowed")


_LOG_SOURCE = re.compile(
    r"(?:file|command):.*\S.*|loki:https?://.+|render(?::[\w-]+)?|fly(?::[\w-]+)?"
)


def parse_log_source(value: object) -> str:
    """Where logs are read; raise ValueError otherwise."""
    if isinstance(value, str) and _LOG_SOURCE.fullmatch(value):
        return value
    raise ValueError("file:GLOB, command:LINE, loki:URL, render, or fly is allowed")


_OBJECTS = re.compile(r"s3://[A-Za-z0-9][\w.-]+(?:/.*)?")
_AUTOMATIC = re.compile(r"(?:fly|render):[\w.-]+")


def parse_automatic_backups(value: object) -> str:
    """Who takes backups by itself, of which database; raise ValueError otherwise."""
    if isinstance(value, str) and _AUTOMATIC.fullmatch(value):
        return value
    raise ValueError("fly:APP or render:DATABASE_ID is allowed")


def parse_backup_path(value: object) -> str:
    """A path of files, or the address of objects in a bucket; raise ValueError otherwise."""
    if isinstance(value, str) and ("://" not in value or _OBJECTS.fullmatch(value)):
        return value
    raise ValueError("a path, a glob, or s3://BUCKET/PREFIX/*.dump is allowed")


def _is_some_utc(moment: datetime) -> bool:
    """Whether it is a time in UTC too: in the years 1 and 9999 not every zone's is."""
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


def parse_moment(value: object) -> datetime:
    """A time with its zone, bare or in quotes; raise ValueError otherwise."""
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        parsed = None
    if isinstance(parsed, datetime) and parsed.tzinfo is not None and _is_some_utc(parsed):
        return parsed
    raise ValueError("a time with its zone such as 2026-12-01T10:30:00Z is allowed")


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Url = Annotated[str, BeforeValidator(parse_url)]
Regex = Annotated[str, BeforeValidator(parse_regex)]
Matcher = Annotated[str, BeforeValidator(parse_matcher)]
MeasuredPath = Annotated[str, BeforeValidator(parse_measured_path)]
VariableName = Annotated[str, BeforeValidator(parse_variable_name)]
ModuleName = Annotated[str, BeforeValidator(parse_module_name)]
LogSourceText = Annotated[str, BeforeValidator(parse_log_source)]
Moment = Annotated[datetime, BeforeValidator(parse_moment)]
Date = Annotated[date, BeforeValidator(parse_date)]
SomeText = Annotated[str, BeforeValidator(parse_text)]
BackupPath = Annotated[str, BeforeValidator(parse_backup_path)]
AutomaticBackups = Annotated[str, BeforeValidator(parse_automatic_backups)]
SecretSource = Annotated[str, BeforeValidator(parse_secret_source)]
OneOrMore = Annotated[tuple[int, ...], BeforeValidator(parse_statuses)]
"""An HTTP status or a list of them."""


class Table(BaseModel):
    """A table of release.toml: unknown keys are mistakes, values never change later.

    ``shorthand`` are keys that a reader understands besides the fields.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False
    )
    shorthand: ClassVar[tuple[str, ...]] = ()


class ValueRule(Table):
    """What a variable of the environment matrix must be.

    ``equals`` is one value; ``allowed`` (``in``) is a list, where ``"unset"`` allows absence;
    ``forbidden`` (``not``) is a list; ``matches`` is a regular expression for the whole value.
    """

    equals: str | None = None
    allowed: tuple[str, ...] | None = Field(default=None, alias="in")
    forbidden: tuple[str, ...] = Field(default=(), alias="not")
    matches: Regex | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _demand_a_condition(self) -> Self:
        """A rule without one would pass on anything."""
        if self.equals is None and not self.allowed and not self.forbidden and not self.matches:
            raise ValueError("equals, in, not or matches, with at least one value, is allowed")
        return self

    @classmethod
    def read(cls, value: object) -> object:
        """A bare value stands for ``{ equals = value }``."""
        if isinstance(value, bool):
            return {"equals": "1" if value else "0"}
        if isinstance(value, str | int | float):
            return {"equals": str(value)}
        if isinstance(value, dict | cls):
            return value
        raise ValueError('text, or a table such as { in = ["0", "unset"] }, is allowed')


EnvironmentRule = Annotated[ValueRule, BeforeValidator(ValueRule.read)]
Method = Literal["GET", "HEAD", "OPTIONS", "POST"]


def parse_path(value: object) -> str:
    """The path of an address below the base, query included; raise ValueError otherwise."""
    text = value if isinstance(value, str) else ""
    if not text.startswith("/") or any(c.isspace() or ord(c) < 32 or c == "#" for c in text):
        raise ValueError("a path that begins with /, without spaces, is allowed")
    return text


def parse_place(value: object) -> str:
    """A path of the site, or the address of another one; raise ValueError otherwise."""
    is_address = isinstance(value, str) and value.startswith(("http://", "https://"))
    return parse_url(value) if is_address else parse_path(value)


UrlPath = Annotated[str, BeforeValidator(parse_path)]
Place = Annotated[str, BeforeValidator(parse_place)]


class Endpoint(Table):
    """An HTTP endpoint and the statuses that are right: ``{ get = "/health", status = 200 }``.

    ``html`` says that a page is a right answer; otherwise one means that something else
    than the API answered.
    """

    shorthand: ClassVar[tuple[str, ...]] = ("get", "head", "options", "post")

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
    if isinstance(value, Endpoint):
        return value
    if not isinstance(value, dict):
        raise ValueError('a table such as { get = "/health", status = 200 } is allowed')  # noqa: TRY004
    if {"method", "path"} <= value.keys():
        return value
    verbs = [key for key in value if key in Endpoint.shorthand]
    if len(verbs) != 1:
        raise ValueError('one of get, head, options and post, such as get = "/health", is allowed')
    rest = {key: item for key, item in value.items() if key != verbs[0]}
    return {"method": verbs[0].upper(), "path": value[verbs[0]], **rest}


EndpointRule = Annotated[Endpoint, BeforeValidator(_read_endpoint)]


def parse_shard(value: object) -> str:
    """Read ``2/5``; raise ValueError otherwise."""
    if not isinstance(value, str):
        raise ValueError("text such as 2/5 is allowed")  # noqa: TRY004 (pydantic's word)
    return str(Shard.parse(value))


ShardText = Annotated[str, BeforeValidator(parse_shard)]


def parse_migration_rule(value: object) -> str:
    """A rule of migrations.safe; raise ValueError otherwise."""
    if not isinstance(value, str) or value not in RISKS:
        raise ValueError(f"a rule of migrations.safe is allowed ({', '.join(sorted(RISKS))})")
    return value


MigrationRule = Annotated[str, BeforeValidator(parse_migration_rule)]
