"""A setting that the repository suggests, with where that came from."""

from __future__ import annotations

from msgspec import Struct

from pytest_chefrelease.errors import SettingsError
from pytest_chefrelease.settings.load import validate

TomlValue = str | int | bool | list["TomlValue"] | dict[str, "TomlValue"]


class Suggestion(Struct, frozen=True):
    """``key = value`` in ``table``; ``source`` is the file it was read from, or why it is so.

    ``is_example`` says that a person has to decide: it is written as a comment. ``is_found`` says
    that the repository holds it; what is not only takes a default of ChefCloud's out.
    """

    table: tuple[str, ...]
    key: str
    value: TomlValue
    source: str
    is_example: bool = False
    is_found: bool = True

    @property
    def path(self) -> tuple[str, ...]:
        """The whole key."""
        return (*self.table, self.key)

    @property
    def fits(self) -> bool:
        """Whether settings take the value: what a repository holds may be anything."""
        data: object = self.value
        for part in reversed(self.path):
            data = {part: data}
        try:
            validate(data)  # type: ignore[arg-type]  # a table, since the path is not empty
        except SettingsError:
            return False
        return True


def first_of_each(found: list[Suggestion]) -> tuple[Suggestion, ...]:
    """One suggestion for each key, the first that fits."""
    chosen: dict[tuple[str, ...], Suggestion] = {}
    for each in found:
        if each.path not in chosen and each.fits:
            chosen[each.path] = each
    return tuple(chosen.values())
