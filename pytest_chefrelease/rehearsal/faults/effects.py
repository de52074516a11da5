"""How a stack gets a fault: the few ways in which most defects can be said in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_chefrelease.rehearsal.doubles.locust import Load
from pytest_chefrelease.rehearsal.intercept import Intercept, Json

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack

Effect = Callable[["Stack"], None]


def intercepting(*rules: Intercept) -> Effect:
    """Sites answer some of their requests otherwise."""

    def apply(stack: Stack) -> None:
        for rule in rules:
            stack.intercept(rule)

    return apply


def changing(site: str, **fields: Json) -> Effect:
    """A site's state has other values in these fields."""
    return lambda stack: stack.change(site, **fields)


def refusing(*sites: str) -> Effect:
    """The sites' ports refuse connections."""

    def apply(stack: Stack) -> None:
        for site in sites:
            stack.refuse(site)

    return apply


def executing(*statements: str) -> Effect:
    """Somebody ran statements on production's database."""

    def apply(stack: Stack) -> None:
        for statement in statements:
            stack.production.execute(statement)

    return apply


def setting(**variables: str) -> Effect:
    """Production's environment has other values."""
    return lambda stack: stack.environment.update(variables)


def unsetting(name: str) -> Effect:
    """Production's environment lacks a variable."""

    def apply(stack: Stack) -> None:
        del stack.environment[name]

    return apply


def loading(load: Load) -> Effect:
    """Locust has found something else."""

    def apply(stack: Stack) -> None:
        stack.load = load

    return apply


def configuring(text: str) -> Effect:
    """release.toml has further tables."""
    return lambda stack: stack.configure(text)
