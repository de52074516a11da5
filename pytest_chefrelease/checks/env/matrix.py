"""The matrix: ChefCloud's variables by default, with what ``[env]`` says of them or adds."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_chefrelease.runbook.environment_matrix import (
    CHEFCLOUD,
    Expected,
    all_of,
    matching,
    none_of,
    one_of,
    optional,
)
from pytest_chefrelease.settings.model import Settings
from pytest_chefrelease.settings.values import ValueRule


def matrix(settings: Settings) -> Mapping[str, Expected]:
    """What is asked of each variable, by name. What ``[env]`` says replaces a default."""
    defaults = CHEFCLOUD if settings.environment_matrix.defaults else {}
    return {**defaults, **{name: _read(rule) for name, rule in settings.env.items()}}


def _read(rule: ValueRule) -> Expected:
    rules = []
    if rule.equals is not None:
        rules.append(one_of(rule.equals))
    if rule.allowed:
        rules.append(one_of(*rule.allowed))
    if rule.forbidden:
        rules.append(none_of(rule.forbidden))
    if rule.matches is not None:
        rules.append(matching(rule.matches))
    expected = all_of(rules)
    return optional(expected) if rule.optional else expected
