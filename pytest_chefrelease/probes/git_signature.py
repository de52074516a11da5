"""Signatures of tags, verified by git with the signers that this machine or settings trust.

Source: git's documentation of ``verify-tag --raw`` and GnuPG's ``doc/DETAILS`` (status lines).
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from enum import StrEnum
from pathlib import Path

from msgspec import Struct

from pytest_chefrelease.errors import NoAnswer
from pytest_chefrelease.probes.git import GitProbe
from pytest_chefrelease.probes.git_program import end_program, start_git

_LIMIT_S = 20.0
_SSH_GOOD = re.compile(r'Good "git" signature for (?P<signer>\S+) with (?P<key>.*)')
_SSH_KEY_ONLY = re.compile(r'Good "git" signature with (?P<key>.*)')
_GPG = re.compile(r"^\[GNUPG:\] (?P<status>[A-Z_]+) ?(?P<rest>.*)$", re.MULTILINE)
_BAD = ("BADSIG", "EXPSIG", "EXPKEYSIG", "REVKEYSIG")
# The repository's own configuration could name any program here.
_PROGRAMS = {
    "gpg.program": "gpg",
    "gpg.openpgp.program": "gpg",
    "gpg.x509.program": "gpgsm",
    "gpg.ssh.program": "ssh-keygen",
    "gpg.ssh.defaultKeyCommand": "",
    "gpg.ssh.revocationFile": "",
}


class Trust(StrEnum):
    """What a tag's signature is worth here."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN_KEY = "unknown key"
    UNSIGNED = "unsigned"
    UNREADABLE = "unreadable"


class Signature(Struct, frozen=True):
    """The verdict on a tag's signature; ``signer`` is who, or whose key, in git's words."""

    trust: Trust
    signer: str = ""


def verify_tag(git: GitProbe, name: str, allowed_signers: Path | None) -> Signature:
    """Verify the signature of a tag. Blocks.

    ``allowed_signers`` is a file of ssh keys as ssh-keygen reads it; the user's own
    ``gpg.ssh.allowedSignersFile`` counts where none is given, the repository's never does.
    """
    settings = dict(_PROGRAMS)
    settings["gpg.ssh.allowedSignersFile"] = str(allowed_signers or _users_own(git))
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for index, (key, value) in enumerate(settings.items()):
        variables |= {f"GIT_CONFIG_KEY_{index}": key, f"GIT_CONFIG_VALUE_{index}": value}
    status, said = _run(git, ("verify-tag", "--raw", f"refs/tags/{name}"), variables)
    return _read(status, said)


def _users_own(git: GitProbe) -> str:
    """The file that the user's or the system's configuration names; /dev/null without one."""
    arguments = ("config", "--show-scope", "--type=path", "--get-all", "gpg.ssh.allowedSignersFile")
    _, said = _run(git, arguments, {})
    pairs = (line.partition("\t") for line in said.splitlines())
    named = [path for scope, _, path in pairs if scope in ("global", "system") and path]
    return named[-1] if named else os.devnull


def _run(git: GitProbe, arguments: tuple[str, ...], variables: dict[str, str]) -> tuple[int, str]:
    """Exit status, and both outputs: with --raw the status lines are on standard error."""
    with tempfile.TemporaryFile() as out:
        process = start_git(
            git.repository, arguments, subprocess.DEVNULL, out.fileno(), out.fileno(), variables
        )
        try:
            process.wait(_LIMIT_S)
        except subprocess.TimeoutExpired:
            end_program(process)
            raise NoAnswer(
                f"git {arguments[0]} did not end in {_LIMIT_S:g} s",
                where=str(git.repository),
                remedy="Look for a key agent that asks for a passphrase.",
            ) from None
        out.seek(0)
        return process.returncode, out.read(64_000).decode(errors="replace")


def _read(status: int, said: str) -> Signature:
    if "no signature found" in said:
        return Signature(Trust.UNSIGNED)
    lines = {found["status"]: found["rest"] for found in _GPG.finditer(said)}
    bad = next((word for word in _BAD if word in lines), None)
    if bad is not None or "incorrect signature" in said or "Signature verification failed" in said:
        return Signature(Trust.BAD, lines.get(bad or "", "").partition(" ")[2])
    if ssh := _SSH_GOOD.search(said):
        return Signature(Trust.GOOD if status == 0 else Trust.BAD, ssh["signer"])
    if ssh := _SSH_KEY_ONLY.search(said):
        return Signature(Trust.UNKNOWN_KEY, ssh["key"][:120])
    if "NO_PUBKEY" in lines or "ERRSIG" in lines:
        return Signature(Trust.UNKNOWN_KEY, lines.get("NO_PUBKEY", "").strip())
    if status == 0 and "GOODSIG" in lines:
        signer = lines["GOODSIG"].partition(" ")[2]
        # A key that CI imports has no owner trust: that it is in the keyring has to do.
        return Signature(Trust.BAD if "TRUST_NEVER" in lines else Trust.GOOD, signer)
    return Signature(Trust.UNREADABLE, said.strip().splitlines()[-1][:200] if said.strip() else "")
