"""What ``chefrelease sign`` does: whose word, on which item and commit, and what is told then."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from msgspec import Struct

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.checks.own import include_own
from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.probes.git import GitProbe, identify_release
from pytest_chefrelease.probes.signoffs import read_signoffs, writers_of
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.runbook.signoffs import NOTES_REF, SignOff, standing, with_other_eyes
from pytest_chefrelease.settings.load import load_settings
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.signing import person_here, write

_EMERGENCY = "release.freeze"


def signable() -> tuple[str, ...]:
    """The items that a person can sign: the manual ones, and an emergency in a freeze."""
    manual = (name for name, check in catalogue().items() if check.item.manual)
    return (*manual, _EMERGENCY)


class Desk(Struct, frozen=True):
    """Where a release is signed: its repository, its identity, and the settings."""

    repository: Path
    release: Release
    settings: Settings

    @property
    def commit(self) -> str:
        """The release commit. Raises NotConfigured outside a repository."""
        return self.release.commit or GitProbe(self.repository).head()

    def sign(self, item: str, note: str, *, is_revocation: bool) -> str:
        """Write the sign-off, and give what to tell the person. Raises SettingsError."""
        _demand_signable(item)
        person = person_here(self.repository)
        commit = self.commit
        git = GitProbe(self.repository)
        own = [
            one
            for one in standing(read_signoffs(git, commit), item, commit)
            if one.email.casefold() == person.email.casefold()
        ]
        if is_revocation and not own:
            raise SettingsError(
                [f"{person.email} has not signed {item} for {commit[:7]}: nothing to revoke"]
            )
        entry = SignOff(
            item=item,
            commit=commit,
            name=person.name,
            email=person.email,
            at=datetime.now(UTC),
            note=note,
            is_revocation=is_revocation,
        )
        write(self.repository, entry)
        return "\n".join(self._told(entry, git))

    def _told(self, entry: SignOff, git: GitProbe) -> list[str]:
        what = "Revoked" if entry.is_revocation else "Signed"
        version = self.release.version or "no version"
        remote = quote(self.settings.release.remote)
        lines = [
            f"{what} {entry.item} for {version} ({entry.commit[:12]}) as {entry.person}.",
            f"Share it: git push {remote} {NOTES_REF}",
        ]
        asks_others = self.settings.verdict.four_eyes and not entry.is_revocation
        if asks_others and not with_other_eyes([entry], writers_of(git, entry.commit)):
            lines.append(
                "It does not count by itself: you wrote this change, and verdict.four_eyes asks "
                "for somebody else's sign-off."
            )
        return lines

    def listing(self) -> str:
        """What was signed and revoked for the release commit, and what stands."""
        commit = self.commit
        entries = read_signoffs(GitProbe(self.repository), commit)
        title = f"{self.release.version or 'no version'} ({commit[:12]})"
        if not entries:
            return f"{title}: nothing is signed."
        return "\n".join([f"{title}:", *_listed(entries, commit)])


def open_desk(directory: Path, config: str | None) -> Desk:
    """The desk for the release that settings name. Raises SettingsError and ProbeErrors."""
    loaded = load_settings(directory, {}, os.environ, config)
    base = loaded.path.parent if loaded.path else directory
    include_own(loaded.settings, base, loaded.places)
    repository = (base / loaded.settings.release.repository).resolve()
    release = identify_release(loaded.settings, repository)
    return Desk(repository, release, loaded.settings)


def _demand_signable(item: str) -> None:
    known = signable()
    if item in known:
        return
    near = get_close_matches(item, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"allowed are {', '.join(known)}"
    raise SettingsError([f"{item} is no item that a person signs; {hint}"])


def _listed(entries: Sequence[SignOff], commit: str) -> list[str]:
    lines = []
    for entry in entries:
        if entry.is_revocation:
            state = "revoked "
        elif entry.commit != commit:
            state = "void    "  # the note was carried over from another commit
        else:
            state = "signed  " if entry in standing(entries, entry.item, commit) else "replaced"
        note = f": {entry.note}" if entry.note else ""
        lines.append(f"  {state} {entry.item} {entry.at:%Y-%m-%d %H:%M} UTC {entry.person}{note}")
    return lines
