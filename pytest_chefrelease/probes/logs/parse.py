"""One line of a log, whatever its form: JSON as loggers write it, access logs, text.

Sources: pino and pino-http's documents; nginx' and Apache's common and combined formats;
Docker's json-file, Kubernetes' CRI and ``fly logs``, which wrap the application's line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from pytest_chefrelease.probes.logs import times

ERROR_LEVEL = 50
LONGEST_MS = 1e12
"""A request that is said to have taken longer (32 years) tells nothing of its time."""

_MOST_DIGITS = 9
_LEVELS = {
    **dict.fromkeys(("trace", "verbose"), 10),
    "debug": 20,
    **dict.fromkeys(("info", "notice", "information", "log", "default"), 30),
    **dict.fromkeys(("warn", "warning"), 40),
    **dict.fromkeys(("error", "err", "severe"), 50),
    **dict.fromkeys(("fatal", "critical", "panic", "alert", "emergency", "emerg"), 60),
}
CRASH = re.compile(
    r"out of memory|heap limit|\boom|unhandled ?(?:promise ?)?rejection|uncaught ?exception"
    r"|econnrefused|connection refused|econnreset|segmentation fault|sigsegv|sigabrt|sigkill"
    r"|\bfatal\b|\bpanic\b|too many (?:connections|clients|open files)|enospc|deadlock",
    re.IGNORECASE,
)
"""What a crash looks like, whatever it was logged as."""

_ACCESS = re.compile(
    rb'(\S+) \S+ .{1,200}?\[([^\]]{20,30})\] "((?:[^"\\]|\\.)*)" (\d{3}) (?:\d+|-)'
    rb'(?: "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)")?(?:.*? (\d+\.\d{3}))?'
)
_ANY = msgspec.json.Decoder()
_TIMES = ("time", "timestamp", "ts", "@timestamp", "datetime", "date", "eventTime")
_STATUSES = ("statusCode", "status_code", "status", "http.status_code", "responseStatus")
_TEXTS = ("msg", "message", "log", "textPayload", "line", "event")
_MILLISECONDS = (
    *("responseTime", "response_time", "response_time_ms", "responseTimeMs", "duration_ms"),
    *("durationMs", "latency_ms", "latencyMs", "elapsed_ms", "elapsedMs", "elapsed"),
)
_PATHS = ("url", "path", "uri", "route", "request_uri", "requestUrl")
_METHODS = ("method", "request_method", "requestMethod", "verb")
_REQUESTS = ("req", "request", "http", "httpRequest")
_RESPONSES = ("res", "response", "http", "httpRequest")
_NOTHING: Mapping[str, object] = {}


class Line(NamedTuple):
    """What a line says; unknown parts are 0, -1 (``took_ms``) or empty."""

    time_ms: int = 0
    level: int = 0
    status: int = 0
    method: str = ""
    path: str = ""
    took_ms: float = -1.0
    text: str = ""
    agent: str = ""


def read_line(raw: bytes) -> Line | None:
    """The line, or None where it is in no form that is known (binary, half an object)."""
    text = raw.strip()
    if text.startswith(b"{"):
        return _from_json(text)
    found = _ACCESS.match(text)
    if found is not None:
        return _from_access_log(found)
    return _from_text(text)


def _from_json(raw: bytes, depth: int = 0) -> Line | None:
    try:
        data = _ANY.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    line = _from_object(data)
    if line.text.startswith("{") and depth == 0:  # a line within a line
        inner = _from_json(line.text.encode(errors="replace").strip(), depth + 1)
        if inner is not None:
            return inner._replace(
                time_ms=inner.time_ms or line.time_ms, level=inner.level or line.level
            )
    return line


def _from_object(data: Mapping[str, object]) -> Line:
    request = _first_object(data, _REQUESTS)
    response = _first_object(data, _RESPONSES)
    headers = _object(request.get("headers"))
    return Line(
        time_ms=_time(data),
        level=_level(data),
        status=_status(data, response),
        method=_text(request, _METHODS) or _text(data, _METHODS),
        path=_text(request, _PATHS) or _text(data, _PATHS),
        took_ms=_took_ms(data, response),
        text=_message(data),
        agent=_text(headers, ("user-agent", "User-Agent"))
        or _text(request, ("userAgent", "user_agent"))
        or _text(data, ("userAgent", "user_agent", "http_user_agent")),
    )


def _time(data: Mapping[str, object]) -> int:
    for name in _TIMES:
        value = data.get(name)
        if isinstance(value, str):
            ms = times.from_text(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            ms = times.from_number(value)
        else:
            continue
        if ms:
            return ms
    return 0


def _level(data: Mapping[str, object]) -> int:
    for name in ("level", "severity", "lvl", "levelname", "log.level"):
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str):
            is_number = value.isdecimal() and len(value) <= _MOST_DIGITS
            return _LEVELS.get(value.lower(), int(value) if is_number else 0)
    return 0


def _status(data: Mapping[str, object], response: Mapping[str, object]) -> int:
    for place in (response, data):
        for name in _STATUSES:
            value = place.get(name)
            if isinstance(value, str) and value.isdecimal() and len(value) == 3:
                value = int(value)
            if isinstance(value, int) and 100 <= value <= 599:
                return value
    return 0


def _took_ms(data: Mapping[str, object], response: Mapping[str, object]) -> float:
    for place in (data, response):
        for name in _MILLISECONDS:
            value = place.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return _milliseconds(value)
    seconds = data.get("request_time")  # nginx
    if isinstance(seconds, int | float | str):
        try:
            return _milliseconds(float(seconds) * 1000)
        except (ValueError, OverflowError):
            pass
    return -1.0


def _milliseconds(value: float) -> float:
    return float(value) if 0 <= value < LONGEST_MS else -1.0


def _message(data: Mapping[str, object]) -> str:
    """The message, and that of the error which it is about."""
    said = _text(data, _TEXTS)
    error = data.get("err", data.get("error", data.get("exception")))
    why = _text(_object(error), ("message", "type", "code")) if isinstance(error, dict) else error
    if isinstance(why, str) and why and why not in said:
        return f"{said}: {why}" if said else why
    return said


def _from_access_log(found: re.Match[bytes]) -> Line:
    _, when, request, status, agent, seconds = found.groups()
    method, _, rest = request.decode(errors="replace").partition(" ")
    is_request = method.isalpha() and rest.startswith(("/", "http", "*"))
    return Line(
        time_ms=times.from_access_log(when.decode(errors="replace")),
        status=int(status),
        method=method if is_request else "",
        path=rest.partition(" ")[0] if is_request else "",
        took_ms=float(seconds) * 1000 if seconds else -1.0,
        agent=(agent or b"").decode(errors="replace"),
    )


def _from_text(raw: bytes) -> Line | None:
    """A line of words, with or without a time before it; a platform's prefix may hold JSON."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    dated = times.LEADING.match(raw)
    time_ms = times.from_text(dated.group(1).decode()) if dated else 0
    brace = raw.find(b"{")
    if dated and 0 < brace < 200:
        inner = _from_json(raw[brace:], depth=1)
        if inner is not None:
            return inner._replace(time_ms=inner.time_ms or time_ms)
    rest = text[dated.end() :].strip() if dated else text
    word = re.match(r"\W*([A-Za-z]+)", rest)
    level = _LEVELS.get(word.group(1).lower(), 0) if word and dated else 0
    return Line(time_ms=time_ms, level=level, text=rest)


def _first_object(data: Mapping[str, object], names: tuple[str, ...]) -> Mapping[str, object]:
    for name in names:
        value = data.get(name)
        if isinstance(value, dict):
            return value
    return _NOTHING


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else _NOTHING


def _text(data: Mapping[str, object], names: tuple[str, ...]) -> str:
    for name in names:
        value = data.get(name)
        if isinstance(value, str) and value:
            return value
    return ""
