"""What a stranger reads: each command's help has examples that work, and what its end means."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.rehearsal.faults import FAULTS

BIN = Path(sys.executable).parent
_EXAMPLE = re.compile(r"^ {4}(?:eval \"\$\()?chefrelease (.*?)(?:\)\"|\|| {3}|$)", re.MULTILINE)


def help_of(*words: str) -> str:
    ran = CliRunner().invoke(chefrelease, [*words, "--help"], terminal_width=100)
    assert ran.exit_code == 0
    return ran.output


@pytest.mark.parametrize("name", chefrelease.commands)
def test_each_command_has_examples_that_can_be_typed(name: str) -> None:
    text = help_of(name)

    typed = [shlex.split(line) for line in _EXAMPLE.findall(text)]
    assert typed
    for command, *arguments in typed:
        assert command == name
        # A wrong option or choice is a usage error here, before anything is done.
        assert chefrelease.commands[name].make_context(name, arguments) is not None


@pytest.mark.parametrize("name", chefrelease.commands)
def test_each_command_says_what_its_exit_codes_mean(name: str) -> None:
    told = help_of(name).partition("Exit codes:")[2]

    assert re.search(r"^ +0  \w", told, re.MULTILINE)
    assert re.search(r"^ +4  \w", told, re.MULTILINE)


@pytest.mark.parametrize("name", chefrelease.commands)
def test_each_option_and_argument_says_what_it_is_for(name: str) -> None:
    command = chefrelease.commands[name]
    options = [each for each in command.params if isinstance(each, click.Option)]

    assert [each.name for each in options if not each.help] == []
    text = help_of(name)
    metavars = [each.human_readable_name for each in command.params if each not in options]
    assert [each for each in metavars if each.upper().rstrip("S") not in text.upper()] == []


def test_the_list_of_commands_has_each_once_and_whole() -> None:
    text = help_of()

    for name in chefrelease.commands:
        assert len(re.findall(rf"^  {name} ", text, re.MULTILINE)) == 1
    assert "..." not in text.partition("Options:")[2]


def completed(*words: str) -> set[str]:
    """What bash itself offers for the last word, by the script that we print."""
    quoted = " ".join(map(shlex.quote, words))
    script = (
        f'PATH={shlex.quote(str(BIN))}:$PATH; eval "$(chefrelease completion bash)"\n'
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
        '_chefrelease_completion chefrelease; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    return set(ran.stdout.split())


def test_bash_completes_commands_faults_and_items() -> None:
    assert completed("chefrelease", "re") == {"rehearse"}
    assert completed("chefrelease", "rehearse", "--fault", "health-") == {
        fault.name for fault in FAULTS if fault.name.startswith("health-")
    }
    assert completed("chefrelease", "selftest", "--item", "latency.") == {
        each for each in catalogue() if each.startswith("latency.")
    }
    assert "release.approved" in completed("chefrelease", "sign", "release.")


@pytest.mark.parametrize("words", [["nosuch"], ["rehearse", "--nosuch"], ["sign"]])
def test_a_mistake_in_the_command_ends_with_4_as_in_pytest(
    words: list[str], tmp_path: Path
) -> None:
    ran = subprocess.run(
        [BIN / "chefrelease", *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ran.returncode == 4
    assert ran.stderr
    assert "Traceback" not in ran.stderr
