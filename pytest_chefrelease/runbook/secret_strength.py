"""What is wrong with a secret's value, in words that never contain the value.

Source: CATALOG.md, secrets.strength; runbook, "Required Secrets".
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct, field

from pytest_chefrelease.runbook.secret import Secret
from pytest_chefrelease.runbook.secret_entropy import Estimate, estimate
from pytest_chefrelease.runbook.secret_words import EMPTY_WORDS, LEET, PLACEHOLDERS, PUBLISHED

_TEMPLATE = re.compile(
    r"\$\{[^}]*\}|\$\([^)]*\)|\$[A-Z_][A-Z0-9_]*|\{\{.*\}\}|<[^<>]{1,80}>|%[A-Z_]+%|\[[A-Z_ ]+\]"
)
_NOT_LETTERS = re.compile(r"[^a-z]+")
_MARKS = "*xX.-_?#0"


class Demand(Struct, frozen=True):
    """What a value must be: ``min_length`` in characters, ``min_bits`` of estimated entropy."""

    min_length: int
    min_bits: float


class Surroundings(Struct, frozen=True):
    """What a value is compared with.

    ``others`` are values that it must not share, by what they are called (``staging's value``);
    ``examples`` are values that stand in the repository's example files, by file; ``words`` are
    names that belong to the product and are the first to be guessed.
    """

    others: Mapping[str, Secret] = field(default_factory=dict)
    examples: Mapping[str, Collection[str]] = field(default_factory=dict)
    words: Collection[str] = ()


def emptiness(value: str) -> str | None:
    """Why a value that is set counts as not set, or None."""
    text = value.strip().strip("\"'").strip()
    if not text:
        return "is empty"
    if text.lower() in EMPTY_WORDS:
        return "holds only the word that a missing value turns into"
    if _TEMPLATE.fullmatch(text):
        return "holds an unfilled reference or template"
    if len(text) > 2 and len(set(text)) == 1 and text[0] in _MARKS:
        return "holds only a mask"
    return None


def is_example(value: str) -> bool:
    """Whether a text is an example or a placeholder, which nobody has to keep secret."""
    text = value.strip()
    return text in PUBLISHED or emptiness(text) is not None or any(_placeholder(text))


def weaknesses(
    secret: Secret, demand: Demand, around: Surroundings
) -> tuple[tuple[str, ...], Estimate]:
    """Everything that is wrong with a random value, gravest first, and its estimate."""
    value = secret.reveal()
    seen = estimate(value, around.words)
    found = [*_known(secret, around), *_placeholder(value), *_too_weak(value, seen, demand)]
    return tuple(found), seen


def wrapping(value: str) -> Iterator[str]:
    """White space and quotes that do not belong to a value: two readers may read it differently."""
    if value != value.strip():
        yield "it begins or ends with white space"
    bare = value.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'`":
        yield "it is wrapped in quotes, which belong to the file's syntax and not to the value"


def known(secret: Secret, around: Surroundings) -> tuple[str, ...]:
    """Where else the same value stands, in words."""
    return tuple(_known(secret, around))


def _known(secret: Secret, around: Surroundings) -> Iterator[str]:
    value = secret.reveal().strip()
    if value in PUBLISHED:
        yield "it is an example published in a manual"
    for name, other in around.others.items():
        if other == secret:
            yield f"it is {name}"
    for file, values in around.examples.items():
        if value in values:
            yield f"it stands in {file}"


def _placeholder(value: str) -> Iterator[str]:
    folded = value.lower()
    for text in (folded, folded.translate(LEET)):
        letters = _NOT_LETTERS.sub("", text)
        if any(word in letters for word in PLACEHOLDERS):
            yield "it is a placeholder that was never replaced"
            return


def _too_weak(value: str, seen: Estimate, demand: Demand) -> Iterator[str]:
    if len(value) < demand.min_length:
        yield f"it has {len(value)} characters, at least {demand.min_length} are asked for"
    if seen.bits >= demand.min_bits:
        return
    if seen.pattern:
        yield (
            f"it consists of {seen.pattern}, about {seen.bits:.0f} bits of chance, "
            f"{demand.min_bits:.0f} are asked for"
        )
    else:
        yield (
            f"{len(value)} {seen.alphabet} hold at most {seen.bits:.0f} bits, "
            f"{demand.min_bits:.0f} are asked for"
        )
