"""The signature of the release's tag, where settings demand one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from shlex import quote

from pytest_chefrelease.checks.context import Context
from pytest_chefrelease.errors import Failed, Unverified
from pytest_chefrelease.probes.git_signature import Signature, Trust, verify_tag


async def demand_signature(look: Context, name: str) -> str:
    """The tag's signer, empty where settings ask for none. Raises Failed and Unverified."""
    if not look.settings.release.require_signature:
        return ""
    found = await asyncio.to_thread(_verify, look, name)
    if found.trust is Trust.GOOD:
        return found.signer
    if found.trust is Trust.UNSIGNED:
        raise Failed(
            f"{name} is not signed, and release.require_signature asks for it",
            expected="a signed tag",
            remedy="Release under a new version, tagged with git tag -s (or sign with your ssh "
            "key: git config gpg.format ssh).",
        )
    if found.trust is Trust.BAD:
        raise Failed(
            f"the signature of {name} does not hold{_of(found.signer)}",
            expected="a signature that fits the tag, by a key that is valid",
            remedy="Do not release it: find out who made this tag, then tag anew.",
        )
    if found.trust is Trust.UNKNOWN_KEY:
        raise Unverified(
            f"{name} is signed by an unknown key{_of(found.signer)}",
            expected="a key that this machine trusts",
            remedy="Import the signer's key (gpg --import), or name the ssh keys that may sign in "
            "release.allowed_signers.",
        )
    raise Unverified(
        f"the signature of {name} cannot be verified{_of(found.signer)}",
        expected="a signature that git verifies",
        remedy=f"See git verify-tag {quote(name)}; gpg or ssh-keygen must be installed.",
    )


def _of(signer: str) -> str:
    return f" ({signer})" if signer else ""


def _verify(look: Context, name: str) -> Signature:
    signers = look.settings.release.allowed_signers
    trusted = look.repository / Path(signers).expanduser() if signers else None
    return verify_tag(look.probes.git, name, trusted)
