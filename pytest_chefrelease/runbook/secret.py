"""A secret's value, wrapped so that it cannot be printed, logged or sent on by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """A value that only ``reveal`` gives; repr, str and format say ``Secret(hidden)``.

    Two are equal when their values are. It cannot be pickled: a value stays in the process
    that read it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself. Whoever asks keeps it out of evidence, messages and arguments."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = (each.encode(errors="surrogatepass") for each in (self._value, other._value))
        return hmac.compare_digest(mine, theirs)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret stays in the process that read it")
