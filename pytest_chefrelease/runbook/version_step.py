"""Steps between versions, by Semantic Versioning 2.0.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_chefrelease.runbook.commits import Step

if TYPE_CHECKING:
    from semver import Version


def step_between(older: Version, newer: Version) -> Step:
    """The step from one version to a newer one; a pre-release counts as what it leads to."""
    if newer.major != older.major:
        return Step.MAJOR
    if newer.minor != older.minor:
        return Step.MINOR
    return Step.PATCH if newer > older else Step.NONE


def kind_of(version: Version) -> Step:
    """The type of release that a version is: 2.0.0 is a major one, 2.1.0 a minor one."""
    if version.patch:
        return Step.PATCH
    return Step.MINOR if version.minor or not version.major else Step.MAJOR


def fits(step: Step, needed: Step, older: Version) -> bool:
    """Whether a step is large enough for what changed.

    Before 1.0.0 anything may change at any time: there a minor step does for a breaking change.
    """
    if older.major == 0 and needed is Step.MAJOR:
        needed = Step.MINOR
    return step >= needed
