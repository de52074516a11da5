"""A mistake in release.toml is one line: place, key, what is wrong, what is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.settings.writing import load, mistakes

DURATION = "a duration such as 500ms, 20s, 15m, 24h or 90d is allowed"
VERB = 'one of get, head, options and post, such as get = "/health", is allowed'
VARIABLE = "the name of an environment variable is allowed, not its value"

ONE_LINE = {
    # types
    "[latency]\nrequests = '300'": "2: latency.requests: is text; a whole number is allowed",
    "[latency]\nrequests = 3.5": "2: latency.requests: is a number; a whole number is allowed",
    "[latency]\nrate = true": "2: latency.rate: is true or false; a number is allowed",
    "[latency]\nrate = nan": "2: latency.rate: is a number; a finite number is allowed",
    "[routes]\nbrowser = 1": "2: routes.browser: is a whole number; true or false is allowed",
    "[routes]\npaths = '/'": "2: routes.paths: is text; a list is allowed",
    "[release]\nversion = 1.5": "2: release.version: is a number; text in quotes is allowed",
    "routes = 5": "1: routes: is a whole number; a table is allowed",
    "[[routes]]\nbrowser = true": "1: routes: is a list; a table is allowed",
    "[release]\nversion = 2026-12-01": (
        "2: release.version: is a date or time; text in quotes is allowed"
    ),
    # bounds
    "[latency]\nrequests = 0": "2: latency.requests: too small; at least 1 is allowed",
    "[latency]\nbudget = 11": "2: latency.budget: too large; at most 10 is allowed",
    "[latency]\nrate = -1": "2: latency.rate: too small; more than 0 is allowed",
    "[verdict]\nmax_waivers = -1": "2: verdict.max_waivers: too small; at least 0 is allowed",
    # words
    "[provider]\nname = 'heroku'": (
        '2: provider.name: wrong value; "fly", "render" or "docker" is allowed'
    ),
    "[provider]\nname = 5": (
        '2: provider.name: is a whole number; "fly", "render" or "docker" is allowed'
    ),
    # values with a form of their own
    "[backup]\nmax_age = 24": f"2: backup.max_age: is a whole number; {DURATION}",
    "[backup]\nmax_age = 'soon'": f"2: backup.max_age: wrong value; {DURATION}",
    "[backup]\nmax_age = ''": f"2: backup.max_age: is empty; {DURATION}",
    "[monitoring]\ninterval = '0s'": (
        "2: monitoring.interval: wrong value; a duration from 1ms to 3650d is allowed"
    ),
    "[routes]\nallowed_errors = ['(']": (
        "2: routes.allowed_errors[0]: wrong value; a regular expression is allowed "
        "(missing ), unterminated subpattern at position 0)"
    ),
    "[routes]\npaths = ['login']": (
        "2: routes.paths[0]: wrong value; a path that begins with /, without spaces, is allowed"
    ),
    "[ci]\ntoken_env = 'my token'": f"2: ci.token_env: wrong value; {VARIABLE}",
    # values of several kinds give one line
    "[ci]\nrequired = 5": '2: ci.required: is a whole number; "branch" or a list is allowed',
    "[ci]\nrequired = 'main'": '2: ci.required: wrong value; "branch" or a list is allowed',
    "[ci]\nrequired = ['lint', 5]": ("2: ci.required[1]: is a whole number; some text is allowed"),
    "[ci]\nrequired = [\n  'lint',\n  '',\n]": "4: ci.required[1]: is empty; some text is allowed",
    "[ci.commands]\nlint = 5": (
        "2: ci.commands.lint: is a whole number; text, or a table such as "
        '{ run = "make lint", timeout = "10m" }, is allowed'
    ),
    "[env]\nA = []": (
        '2: env.A: is a list; text, or a table such as { in = ["0", "unset"] }, is allowed'
    ),
    "[smoke]\nendpoints = [\n  'GET /',\n]": (
        "3: smoke.endpoints[0]: wrong value; "
        'a table such as { get = "/health", status = 200 } is allowed'
    ),
    "[[smoke.endpoints]]\nget = '/a'\nstatus = 'ok'": (
        "3: smoke.endpoints[0].status: wrong value; "
        "an HTTP status such as 200, or a list of them, is allowed"
    ),
    "[[smoke.endpoints]]\npath = '/a'": f"1: smoke.endpoints[0]: wrong table; {VERB}",
    "[[smoke.endpoints]]\nget = '/a'\npost = '/b'": f"1: smoke.endpoints[0]: wrong table; {VERB}",
    "[[smoke.endpoints]]\nget = 'a'": (
        "1: smoke.endpoints[0]: wrong table; a path that begins with /, without spaces, is allowed"
    ),
    # rules that would pass on anything
    "[env]\nA = {}": (
        "2: env.A: wrong table; equals, in, not or matches, with at least one value, is allowed"
    ),
    "[env]\nA = { in = [] }": (
        "2: env.A: wrong table; equals, in, not or matches, with at least one value, is allowed"
    ),
    "[not_applicable]\n'health.endpoint' = ' '": (
        '2: not_applicable."health.endpoint": is empty; some text is allowed'
    ),
    # an environment one letter beside a configured one
    "[release]\nenvironment = 'prod'\n[environments.production]\napi = 'https://a.example'": (
        '2: release.environment: no such environment; did you mean "production"?'
    ),
    # unknown keys
    "[release]\nversoin = 'v1'": '2: release.versoin: unknown key; did you mean "version"?',
    "[relase]\nversion = 'v1'": '1: relase: unknown key; did you mean "release"?',
    "[environments.web]\napii = 'x'": '2: environments.web.apii: unknown key; did you mean "api"?',
    "[env.A]\nno = ['*']": '2: env.A.no: unknown key; did you mean "not"?',
    "[[waivers]]\nitem = 'a'\nreason = 'b'\napproved_by = 'c'\nexpires = 2026-12-01\nuntil = 1": (
        "6: waivers[0].until: unknown key; known here: approved_by, expires, item, reason"
    ),
    "[[smoke.endpoints]]\nget = '/a'\nstaus = 200": (
        '3: smoke.endpoints[0].staus: unknown key; did you mean "status"?'
    ),
    "[backup]\nzzz = 1": (
        "2: backup.zzz: unknown key; known here: api_url, automatic, database, jobs,"
        " least_of_last, max_age, path, restore, time_zone, without"
    ),
}


@pytest.mark.parametrize(("text", "line"), ONE_LINE.items(), ids=ONE_LINE)
def test_a_mistake_is_one_line_in_plain_words(tmp_path: Path, text: str, line: str) -> None:
    assert mistakes(tmp_path, text) == [f"release.toml:{line}"]


def test_all_mistakes_are_named_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
[verdict]
max_waivers = "two"

[ci]
required = 5
accept_skipped = "no"

[latency]
p95 = 500
[release]
versoin = "v1"
[routes]
paths = ["/", 5]
"""

    found = mistakes(tmp_path, text)

    assert [line.partition(": ")[0] for line in found] == [
        f"release.toml:{number}" for number in (2, 5, 6, 9, 11, 13)
    ]


@pytest.mark.parametrize("missing", ["item", "reason", "approved_by", "expires"])
def test_a_waiver_needs_each_of_its_parts(tmp_path: Path, missing: str) -> None:
    whole = {
        "item": '"a.b"',
        "reason": '"hotfix"',
        "approved_by": '"Ada"',
        "expires": "2026-12-01",
    }
    rows = [f"{key} = {value}" for key, value in whole.items() if key != missing]

    found = mistakes(tmp_path, "\n".join(["", "[[waivers]]", *rows]))

    assert found == [f"release.toml:2: waivers[0].{missing}: is missing; it is needed here"]


@pytest.mark.parametrize("part", ["item", "reason", "approved_by", "expires"])
@pytest.mark.parametrize("value", ['""', '"   "'])
def test_a_waivers_parts_say_something(tmp_path: Path, part: str, value: str) -> None:
    whole = {"item": '"a"', "reason": '"b"', "approved_by": '"c"', "expires": "2026-12-01"}
    rows = [f"{key} = {text}" for key, text in (whole | {part: value}).items()]

    (line,) = mistakes(tmp_path, "\n".join(["[[waivers]]", *rows]))

    assert f"waivers[0].{part}: is empty; " in line


@pytest.mark.parametrize("expires", ["2026-12-01", '"2026-12-01"'])
def test_a_waivers_expiry_is_a_date_bare_or_in_quotes(tmp_path: Path, expires: str) -> None:
    text = f"[[waivers]]\nitem='a'\nreason='b'\napproved_by='c'\nexpires={expires}"

    (waiver,) = load(tmp_path, text).settings.waivers

    assert waiver.expires.isoformat() == "2026-12-01"


@pytest.mark.parametrize("expires", ["2026-12-01T10:00:00Z", "10:00:00", '"soon"', "20261201"])
def test_a_waivers_expiry_is_nothing_else(tmp_path: Path, expires: str) -> None:
    text = f"[[waivers]]\nitem='a'\nreason='b'\napproved_by='c'\nexpires={expires}"

    (line,) = mistakes(tmp_path, text)

    assert line.startswith("release.toml:5: waivers[0].expires: ")
    assert line.endswith("; a date such as 2026-12-01 is allowed")


SECRET = "Zq8vT3sWk1"
HOLDS_A_SECRET = {
    "[ci]\ntoken_env = '{}-'": 1,
    f"[ci]\ntoken_env = 'ghp_{{}}{'a1B2' * 6}'": 1,
    f"[ci]\ntoken_env = '{{}}{'a1B2' * 6}'": 1,
    "[environments.production]\ndatabase_env = 'postgres://u:{}@db/x'": 1,
    "[environments.production]\napi = 'https://u:{}@api.example'": 1,
    "[environments.production]\napi = 'https://api.example:{}'": 1,
    "[environments.production]\napi = 'https://[{}]/'": 1,
    "[environments.production]\napi = '{}'\nweb = 'https://a.example/?key={}'": 2,
    "[latency]\nrequests = '{}'\nsource = '{}'\nrate = ['{}']": 3,
    "[backup]\nmax_age = '{}'\nrestore = '{}'": 2,
    "[ci]\nrequired = '{}'": 1,
    "[env]\nA = ['{}']\nB = {{ in = '{}' }}": 2,
    "[items.'a.b']\nseverity = '{}'": 1,
    "[provider]\nname = '{}'": 1,
    "[secrets]\nsource = '{}'": 1,
    "[release]\nunknown = '{}'": 1,
    "[release]\nversion = {}": 1,
    "[release]\nversion = '{}": 1,
}


@pytest.mark.parametrize(("text", "count"), HOLDS_A_SECRET.items(), ids=HOLDS_A_SECRET)
def test_a_value_that_may_be_a_secret_is_not_repeated(
    tmp_path: Path, text: str, count: int
) -> None:
    found = mistakes(tmp_path, text.replace("{{", "{").replace("}}", "}").replace("{}", SECRET))

    assert len(found) == count
    assert SECRET not in "\n".join(found)


def test_messages_speak_no_pydantic(tmp_path: Path) -> None:
    everything = "\n".join(line for text in ONE_LINE for line in mistakes(tmp_path, text))

    jargon = r"\b(pydantic|input|strings?|pars\w*|tuple|dict\w*|literal|instance|valid|NoneType)\b"
    assert re.findall(jargon, everything, re.IGNORECASE) == []


def test_a_hostile_key_stays_on_one_line(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, '["a\\nrelease.toml:1: ok\\u001b[31m"]\nx = 1')

    assert len(line.splitlines()) == 1
    assert "\x1b" not in line


def test_thousands_of_mistakes_take_no_minutes(tmp_path: Path) -> None:
    text = "[release]\n" + "\n".join(f"unknown_{n} = 1" for n in range(3_000))

    found = mistakes(tmp_path, text)

    assert len(found) == 3_000
    assert found[-1].startswith("release.toml:3001: release.unknown_2999: unknown key")
