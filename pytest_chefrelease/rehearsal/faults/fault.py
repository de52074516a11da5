"""What a fault is: a defect the stack can be told to have, and what the gate must say of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_chefrelease.runbook.item import Stage
from pytest_chefrelease.runbook.response import Action
from pytest_chefrelease.runbook.verdict import Decision

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.stack import Stack


@dataclass(frozen=True, slots=True)
class Fault:
    """A defect, how the stack gets it, and what follows from it in ``stage``.

    ``red`` are the labels of the checks that fail and block, ``warned`` of the advisory ones
    that fail, and ``unverified`` those whose evidence does not suffice, as in reports:
    ``routes.http[/orders]``; every other check of the stage passes. ``verdict`` and ``action``
    are what the stage must end with. ``strikes_deploy``: it has to be there before the
    deploy, and shows after it.
    """

    name: str
    title: str
    stage: Stage
    apply: Callable[[Stack], None]
    red: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    verdict: Decision = Decision.NO_GO
    action: Action = Action.HOLD
    strikes_deploy: bool = False

    @property
    def items(self) -> tuple[str, ...]:
        """The ids of the items that turn red or unverified, each once, in order."""
        labels = (*self.red, *self.unverified, *self.warned)
        return tuple(dict.fromkeys(label.partition("[")[0] for label in labels))
