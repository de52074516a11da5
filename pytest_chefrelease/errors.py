"""Every exception of the project.

::

    ReleaseGateError
    ├── SettingsError            mistakes in release.toml, options or environment: exit code 4
    ├── ProbeError               an outside system gave no usable answer
    │   ├── NotConfigured        nobody said where to look
    │   ├── MissingExtra         a library or program is not installed here
    │   ├── Unreachable          no connection: name, address, port, TLS
    │   ├── NoAnswer             connected, then silence until the time limit
    │   ├── PageLost             a page or its browser crashed or hung, and again
    │   ├── AccessDenied         credentials are missing, wrong, or may not read this
    │   ├── RateLimited          asked too often
    │   ├── Malformed            answered, but not in the documented form
    │   └── Exhausted            this machine has no files, disk or memory left to ask with
    ├── Refused                  an attestation does not hold
    └── Finding                  what a check has to say when it did not pass
        ├── Failed               the item is not fulfilled
        ├── Unverified           the evidence does not suffice either way
        └── NotApplicable        the item has no object here, with the proof

A message for people has four parts: expected, seen, where, and the remedy (what to do).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_chefrelease.runbook.evidence import Evidence
    from pytest_chefrelease.runbook.item import Severity, Symptom


class ReleaseGateError(Exception):
    """Base of all exceptions raised on purpose by this project."""


class SettingsError(ReleaseGateError):
    """Mistakes in the configuration, all of them, one line each.

    Each line reads ``release.toml:LINE: key: what is wrong, what is allowed``.
    """

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class _FourParts(ReleaseGateError):
    """A message in four parts, each a short phrase; unknown parts are empty."""

    def __init__(self, seen: str, *, expected: str = "", where: str = "", remedy: str = "") -> None:
        super().__init__(seen)
        self.seen = seen
        self.expected = expected
        self.where = where
        self.remedy = remedy

    @property
    def summary(self) -> str:
        """Seen, where and expected as one sentence."""
        text = self.seen
        if self.where and self.where not in text:
            text += f" at {self.where}"
        if self.expected:
            text += f"; expected {self.expected}"
        return text


class ProbeError(_FourParts):
    """An outside system gave no usable answer; a check that cannot do without is unverified."""


class NotConfigured(ProbeError):
    """Nobody said where to look; the remedy names the setting."""


class MissingExtra(ProbeError):
    """A library or program is not installed; the remedy is the line that installs it."""


class Unreachable(ProbeError):
    """No connection: the name does not resolve, nobody listens, or TLS was refused."""


class NoAnswer(ProbeError):
    """Connected, but nothing came within the time limit."""


class PageLost(ProbeError):
    """A page or its browser crashed or hung, and again on a second try.

    ``is_hung`` says that the browser was well while the page did not react any more.
    """

    def __init__(self, seen: str, *, where: str, remedy: str, is_hung: bool) -> None:
        super().__init__(seen, where=where, remedy=remedy)
        self.is_hung = is_hung


class AccessDenied(ProbeError):
    """Credentials are missing, wrong, or not allowed to read this."""


class RateLimited(ProbeError):
    """The system refuses because it was asked too often; the message says until when."""


class Malformed(ProbeError):
    """The system answered, but not in the form that its documentation promises."""


class Exhausted(ProbeError):
    """This machine has run out of something; that says nothing of the system that was asked."""


class Refused(ReleaseGateError):
    """An attestation does not hold; each reason in a sentence."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = tuple(reasons)


class Finding(_FourParts):
    """What a check says when its item did not pass.

    ``evidence`` is what was seen until then; ``severity`` and ``symptom`` replace the
    item's own where the case is milder or graver than usual.
    """

    def __init__(
        self,
        seen: str,
        *,
        expected: str = "",
        where: str = "",
        remedy: str = "",
        evidence: Evidence | None = None,
        severity: Severity | None = None,
        symptom: Symptom | None = None,
    ) -> None:
        super().__init__(seen, expected=expected, where=where, remedy=remedy)
        self.evidence = evidence
        self.severity = severity
        self.symptom = symptom


class Failed(Finding):
    """The item is not fulfilled."""


class Unverified(Finding):
    """The evidence does not suffice either way."""


class NotApplicable(Finding):
    """The item has no object here; ``seen`` is the proof or the missing configuration."""
