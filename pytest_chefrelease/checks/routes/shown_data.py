"""Whether a page shows data: values that the API answered stand in its text. Pure rules.

A text such as "data loaded" can be a constant that stands there with every call failed; a
value from an answer cannot.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_MOST_VALUES = 5_000
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_GROUPED = re.compile(r"(?<=\d)[,\u2009\u202f\u00a0'\u2019](?=\d{3})")
_NOT_REAL = re.compile(
    r"[-\u2013\u2014\u2026.\s]*|loading.*|n/?a|null|undefined"
    r"|.*\b(?-i:NaN)\b.*|.*\[object Object\].*",
    re.IGNORECASE | re.DOTALL,
)


def count_shown(text: str, bodies: tuple[str, ...]) -> int:
    """How many different values of the JSON bodies can be read in the text.

    Strings count from four characters with a letter, numbers from two digits; amounts in
    cents are found as amounts too.
    """
    plain = " ".join(_GROUPED.sub("", text).casefold().split())
    numbers = {_trimmed(number) for number in _NUMBER.findall(plain)}
    strings, amounts = _values(bodies)
    shown = sum(1 for value in strings if _is_in(value, plain))
    return shown + sum(1 for value in amounts if not numbers.isdisjoint(_forms(value)))


def is_real(text: str) -> bool:
    """Whether an element's text is a value, not a placeholder (a dash, NaN, "Loading…")."""
    return _NOT_REAL.fullmatch(text.strip()) is None


def _values(bodies: tuple[str, ...]) -> tuple[set[str], set[float]]:
    strings: set[str] = set()
    numbers: set[float] = set()
    for body in bodies:
        for value in _scalars(body):
            if len(strings) + len(numbers) >= _MOST_VALUES:
                return strings, numbers
            if isinstance(value, str) and _NUMBER.fullmatch(value):
                numbers.add(float(value))  # decimals travel as strings
            elif isinstance(value, str):
                folded = " ".join(value.casefold().split())
                if 4 <= len(folded) <= 200 and any(c.isalpha() for c in folded):
                    strings.add(folded)
            else:
                numbers.add(float(value))
    return strings, {number for number in numbers if abs(number) >= 10 or number % 1}


def _scalars(body: str) -> Iterator[str | float]:
    try:
        waiting: list[object] = [json.loads(body)]
    except (ValueError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str | int | float) and _is_usual(value):
            yield value


def _is_usual(value: str | float) -> bool:
    """Whether a page may write it out: not true, NaN, or a number of astronomers."""
    return isinstance(value, str) or (not isinstance(value, bool) and abs(value) < 1e15)


def _is_in(value: str, text: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text) is not None


def _forms(value: float) -> set[str]:
    """How a number may be written: rounded to 0, 1 or 2 places, or cents as an amount."""
    amounts = (f"{abs(value):.0f}", f"{abs(value):.1f}", f"{abs(value):.2f}")
    forms = {_trimmed(amount) for amount in (*amounts, f"{abs(value) / 100:.2f}")}
    return {form for form in forms if len(form) >= 2}


def _trimmed(number: str) -> str:
    """A number's one way of writing: ``12.50`` and ``12.5`` are the same."""
    return number.rstrip("0").rstrip(".") if "." in number else number
