"""The people of ChefCloud, who sign in a rehearsal what only people can know."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from pytest_chefrelease.rehearsal.repository import Repository
from pytest_chefrelease.runbook.signoffs import SignOff
from pytest_chefrelease.signing import Person, write

_MANAGER = Person("Ada Keller", "ada.keller@chefcloud.example")
_TESTER = Person("Bo Lindqvist", "bo.lindqvist@chefcloud.example")


class Duty(Struct, frozen=True):
    """An item that somebody signs, and what they note."""

    item: str
    person: Person
    note: str


BEFORE = (
    Duty("staging.ui-spot-check", _TESTER, "login, dashboard, an order, the inventory"),
    Duty("release.approved", _MANAGER, "go"),
)
"""What is signed before the deployment."""
ANNOUNCED = Duty("deploy.announced", _MANAGER, "told support and the restaurants")
DOCUMENTED = Duty("release.documented", _MANAGER, "changelog and release log written")


def sign(repository: Repository, duty: Duty, commit: str, *, is_revocation: bool = False) -> None:
    """Write a sign-off into the repository, as ``chefrelease sign`` does."""
    entry = SignOff(
        item=duty.item,
        commit=commit,
        name=duty.person.name,
        email=duty.person.email,
        at=datetime.now(UTC),
        note="" if is_revocation else duty.note,
        is_revocation=is_revocation,
    )
    write(repository.path, entry)
