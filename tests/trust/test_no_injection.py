"""Text from outside is text: nothing in it runs, forges, escapes or leaves its folder.

One real gate of items whose every word is a payload, as on GitHub Actions; all that it wrote and
printed is read as its readers do: Chromium, CI's agents, a terminal, XML and JSON parsers.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from playwright.sync_api import sync_playwright

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.probes.chromium import candidates

pytestmark = pytest.mark.alone

PAYLOADS = (
    "</script><script>window.ran=1;alert(1)</script>",
    "<svg/onload=window.ran=2><a xlink:href='javascript:alert(2)'>x</a></svg>",
    "\"'><img src=http://127.0.0.1:9/i.png onerror=window.ran=3>",
    "<iframe srcdoc='<script>parent.ran=4</script>'></iframe><base href=//127.0.0.1:9/>",
    "javascript:window.ran=5",
    "[x](javascript:alert(6)) ![i](http://127.0.0.1:9/m.png) <details open ontoggle=alert(6)>",
    "# head\n\n| a |\n|--|\n```\n</pre>*b*",
    "\x1b]0;title\x07\x1b[2J\x1b[31mred\x9b1A\x1b]8;;http://127.0.0.1:9\x07l\x1b]8;;\x07\r\x08",
    "a\n::set-output name=x::y\n::add-mask::GO\n::stop-commands::t",
    "a\r::error file=a.py,line=1::forged\r\n  ::warning::w",
    "##[add-path]/bad ##[error]e #\x00#[group]g",
    "##vso[task.setvariable variable=PATH]/bad\n##vso[task.complete result=Succeeded;]",
    "##teamcity[buildStatus status='SUCCESS']",
    "]]> <![CDATA[ &amp; &#0; <!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]> &b;",
    "\x00\x01\x0b\ufffe\ud800\u202egnp.exe",
    "../../../../tmp/chefrelease-injected/../x",
    "..\\..\\x/../%2e%2e/\u2025/\x2e\x2e/etc/passwd",
    "[[ATTACHMENT|/etc/passwd]] {{ 7*7 }} {% include '/etc/passwd' %} ${jndi:ldap://127.0.0.1}",
    "verdict: GO\nverdict: GO",
)
CHECKS = """
from pathlib import Path
from pytest_chefrelease.api import (
    Chart, Context, Evidence, Failed, Item, Minimum, Picture, Section, Severity, Stage, Table,
    Text, Timeline, Unverified, check,
)
import json
PAYLOADS = json.loads(Path(__file__).with_name("payloads.json").read_text())

def hostile(look, t, outcome):
    shown = (Text(t, t), Table(t, (t, t), ((t, t),)), Chart(t, t, ((0.0, 1.0),)),
             Timeline(t, 1.0, ((0.0, t, t),)), Picture(t, t, "AAAA"), Picture(t, "image/png", t))
    facts = {"n": 1, t: t, "list": [t], "rows": [{t: t}], "path": t, "file": t}
    look.say(t)
    seen = Evidence(t, t, look.now(), facts, look.release.commit, shown)
    if outcome == "passed":
        return seen
    kind = Failed if outcome == "failed" else Unverified
    raise kind(t, expected=t, where=t, remedy=t, evidence=seen)

def declare(outcome):
    item = Item(id=f"hostile.{outcome}", title=PAYLOADS[0] + PAYLOADS[8], severity=Severity.P2,
                stages=(Stage.POSTRELEASE,), section=Section.BEYOND, remedy=PAYLOADS[1],
                minimum=Minimum(counts={"n": 1}))

    async def verify(look: Context, parameter: str) -> Evidence:
        return hostile(look, parameter, outcome)

    return check(item, each=lambda settings, stage: PAYLOADS)(verify)

passed, failed, unverified = map(declare, ("passed", "failed", "unverified"))
"""
TESTS = """
from pytest_chefrelease.plugin import verification

test_passed = verification("hostile.passed")
test_failed = verification("hostile.failed")
test_unverified = verification("hostile.unverified")
"""
ESCAPES = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]")
# As the agents find them: GitHub's "##[" and Azure's "##vso[" anywhere, "::" at a line's begin.
COMMANDS = re.compile(r"##\w*\[|^\s*::[a-z-]+")
OURS = re.compile(r"^::(?:error|warning|notice) title=")


@dataclass
class Ran:
    """The run's folder, its output, and what was in the folder above before."""

    project: Path
    output: str
    code: int

    def read(self, name: str) -> str:
        return (self.project / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    project = tmp_path_factory.mktemp("outside") / "deep" / "project"
    project.mkdir(parents=True)
    out = [f'"{item}" = "not looked at"' for item in catalogue()]
    toml = ['[release]\nversion = "v1.5.0"', '[checks]\nmodules = ["hostile_checks"]']
    (project / "release.toml").write_text("\n".join([*toml, "[not_applicable]", *out]))
    (project / "payloads.json").write_text(json.dumps(PAYLOADS))
    (project / "hostile_checks.py").write_text(CHECKS)
    (project / "test_hostile.py").write_text(TESTS)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "CHEFRELEASE_"))}
    on_github = {"GITHUB_ACTIONS": "true", "CI": "true", "GITHUB_STEP_SUMMARY": "summary.md"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-m", "postrelease"]
    command += ["--release-ctrf=ctrf.json", "--release-sarif=all.sarif", "-rA", "--color=no"]
    command += ["--release-junit=gitlab", "--base-url=http://127.0.0.1:9", "-v"]
    done = subprocess.run(
        command, cwd=project, env=kept | on_github, capture_output=True, timeout=120, check=False
    )
    return Ran(project, (done.stdout + done.stderr).decode("utf-8", "replace"), done.returncode)


def test_the_run_is_no_go_and_whole(ran: Ran) -> None:
    assert ran.code == 1, ran.output[-2000:]
    items = json.loads(ran.read("reports/postrelease.json"))["items"]
    outcomes = [item["outcome"] for item in items if item["id"].startswith("hostile.")]
    assert {o: outcomes.count(o) for o in ("passed", "failed", "unverified")} == dict.fromkeys(
        ("passed", "failed", "unverified"), len(PAYLOADS)
    )


def test_the_terminal_gets_no_escape(ran: Ran) -> None:
    assert sorted(set(ESCAPES.findall(ran.output))) == []


def test_ci_is_given_no_command_from_outside(ran: Ran) -> None:
    lines = [line for line in re.split("[\r\n]", ran.output) if COMMANDS.search(line)]

    assert [line for line in lines if not OURS.search(line)] == []
    assert any(OURS.search(line) for line in lines)


def test_the_last_lines_are_the_gates_own(ran: Ran) -> None:
    verdicts = [line for line in ran.output.splitlines() if line.startswith("verdict: ")]

    assert verdicts[-1] == "verdict: NO-GO"
    assert "verdict: GO" not in verdicts
    assert ran.output.rstrip().splitlines()[-1].startswith("NO-GO: hostile.failed")


def test_xml_and_json_parse_and_hold_only_what_they_may(ran: Ran) -> None:
    text = ran.read("reports/postrelease.xml")
    cases = list(ET.fromstring(text).iter("testcase"))

    assert len(cases) >= 3 * len(PAYLOADS)
    assert "<!DOCTYPE" not in text.replace("&lt;", "<!--")
    assert not any(ESCAPES.search(part) for case in cases for part in case.itertext())
    names = {(case.get("classname"), case.get("name")) for case in cases}
    assert len(names) == len(cases)
    for name in ("reports/postrelease.json", "ctrf.json", "all.sarif"):
        assert json.loads(ran.read(name))


def test_gitlab_is_given_no_attachment_from_outside(ran: Ran) -> None:
    for name in re.findall(r"\[\[ATTACHMENT\|([^\]]*)\]\]", ran.read("reports/postrelease.xml")):
        assert (ran.project / name).resolve().is_relative_to(ran.project / "reports"), name


def test_the_summary_shows_markup_as_text(ran: Ran) -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).render(ran.read("summary.md"))

    for markup in ("<script", "<svg", "<img", "<iframe", "<a ", "<base", "ontoggle=alert(6)>"):
        assert markup not in page, page[page.index(markup) - 200 :][:400]


def test_files_stay_in_their_folders(ran: Ran) -> None:
    above = ran.project.parent.parent
    made = {path.relative_to(above) for path in above.rglob("*") if path.is_file()}
    ours = {"reports", "__pycache__", "release.toml", "payloads.json", "hostile_checks.py"}
    ours |= {"test_hostile.py", "summary.md", "ctrf.json", "all.sarif"}

    assert {path.parts[:2] for path in made} == {("deep", "project")}
    assert {path.parts[2] for path in made} <= ours
    assert not Path("/tmp/chefrelease-injected").exists()


def test_in_a_browser_nothing_runs(ran: Ran) -> None:
    asked: list[str] = []
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        program = next(p for p in candidates(None, os.environ, own) if Path(p).exists())
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: asked.append(f"dialog {dialog.message}"))
        page.goto((ran.project / "reports" / "postrelease.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        page.wait_for_timeout(300)
        found = page.evaluate(
            """() => [window.ran, document.querySelectorAll('iframe, base, object, embed').length,
            [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(
              a => /^on/.test(a.name) || (/^(src|href|xlink:href|action|formaction|data)$/
                .test(a.name) && /^\\s*(javascript|http):/i.test(a.value)))).length,
            document.body.innerText.includes('window.ran=1')]"""
        )
        browser.close()

    assert found == [None, 0, 0, True]
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
