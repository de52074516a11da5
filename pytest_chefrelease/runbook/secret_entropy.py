"""How many bits of chance a secret holds, estimated from its text alone.

The text is explained as cheaply as possible: each character costs the bits of its alphabet,
unless it belongs to a word, a run over the keyboard, a repetition, or a year, which each cost
about one choice. Random text has no cheap explanation. Text whose pairs of letters are those of
a language costs what a reader needs to guess its next letter: 0.6 to 1.3 bits by Shannon,
"Prediction and Entropy of Printed English" (1951), taken as 2. Own rules instead of zxcvbn,
which gives "supersecret-jwt-key" its best mark.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Collection, Iterator
from itertools import pairwise

from msgspec import Struct

from pytest_chefrelease.runbook.secret_words import LEET, PAIRS, SEQUENCES, WORDS

_LONGEST = 512
"""More characters than this cannot change any verdict."""
_WORD_BITS = math.log2(len(WORDS)) + 1
_RUN_BITS = 9.0
_YEAR_BITS = 7.0
_LANGUAGE_BITS = 2.0
_SEPARATOR_BITS = 2.0
_SIGMAS = 5.0
_LONGEST_WORD = max(map(len, WORDS))

_UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?([1-8])[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}")
_DASHED_UUID = re.compile(_UUID.pattern.replace("-?", "-"))
_UUID_BITS = {"1": 14.0, "2": 14.0, "3": 0.0, "5": 0.0, "6": 62.0, "7": 74.0}
_YEAR = re.compile(r"(?:19|20)\d\d")
_ALPHABETS = (
    (re.compile(r"[0-9]+"), 10, "digits"),
    (re.compile(r"[0-9a-f]+|[0-9A-F]+"), 16, "hexadecimal digits"),
    (re.compile(r"[A-Z2-7]+"), 32, "base32 characters"),
    (re.compile(r"[a-z]+|[A-Z]+"), 26, "letters of one case"),
    (re.compile(r"[a-z0-9]+|[A-Z0-9]+"), 36, "letters of one case and digits"),
    (re.compile(r"[A-Za-z]+"), 52, "letters"),
    (re.compile(r"[A-Za-z0-9]+"), 62, "letters and digits"),
    (re.compile(r"[A-Za-z0-9+/_-]+"), 64, "base64 characters"),
)
_PRINTABLE = 95


_BOTH_CASES, _BASE64 = 52, 64
"""Sizes of alphabets."""


class Estimate(Struct, frozen=True):
    """Estimated entropy in ``bits``; ``alphabet`` names the characters it is made of.

    ``pattern`` says what most of the text was explained by, or is empty for random text.
    """

    bits: float
    alphabet: str
    pattern: str = ""


def estimate(text: str, words: Collection[str] = ()) -> Estimate:
    """The entropy of ``text``; ``words`` are further ones that its maker would think of.

    Text that decodes from base64 or hex to readable text is worth no more than that text.
    """
    own = _estimate_plain(text, words)
    for decoded in _readable_forms(text):
        inner = _estimate_plain(decoded, words)
        if inner.bits < own.bits:
            own = Estimate(inner.bits, own.alphabet, f"encoded text, {inner.pattern or 'readable'}")
    return own


def _estimate_plain(text: str, words: Collection[str]) -> Estimate:
    is_padded, text = text.endswith("="), text.rstrip("=")[:_LONGEST]
    if not text:
        return Estimate(0.0, "no character")
    uuid = _DASHED_UUID.fullmatch(text.lower())
    if uuid is not None:
        return _estimate_uuid(uuid[1])
    size, alphabet = _alphabet(text)
    if is_padded and size >= _BOTH_CASES:
        # Base64 in which no digit and no sign came up: one of a thousand random keys.
        size = max(size, _BASE64)
    literal = math.log2(_effective_size(text, size))
    whole = literal * len(text)
    cost, pattern = _cheapest(text, literal, frozenset(w.lower() for w in words if len(w) > 2))
    if not pattern:
        # What chance may have put into random text is not held against it.
        cost = min(whole, cost + _chance_bits(len(text)))
        pattern = "very few different characters" if literal < math.log2(size) / 2 else ""
    return Estimate(min(whole, cost), alphabet, pattern)


def _chance_bits(length: int) -> float:
    """What random text of that length may lose to patterns that chance has put there."""
    return 16.0 + 0.5 * length


def _estimate_uuid(version: str) -> Estimate:
    bits = _UUID_BITS.get(version, 122.0)
    pattern = f"an UUID of version {version}, which is not random" if bits < 100 else ""
    return Estimate(bits, "an UUID", pattern)


def _alphabet(text: str) -> tuple[int, str]:
    for pattern, size, name in _ALPHABETS:
        if pattern.fullmatch(text):
            return size, name
    return _PRINTABLE if text.isascii() else _PRINTABLE + 100, "printable characters"


def _effective_size(text: str, size: int) -> float:
    """The alphabet's size, or a smaller one where too few of it occur to be chance.

    Of k equally likely characters, n draws show k(1 - (1 - 1/k)^n) different ones on average;
    fewer than that by five standard deviations, and by a quarter of the alphabet, means that
    fewer were drawn from: with small alphabets the number is skewed, and 13 of 16 hexadecimal
    digits come up in one of a thousand random texts of 64.
    """
    n, seen = len(text), len(set(text))
    mean, deviation = _occupancy(size, n)
    if seen >= mean - max(_SIGMAS * deviation, size / 4):
        return size
    low, high = float(seen), float(size)
    for _ in range(30):
        middle = (low + high) / 2
        if _occupancy(middle, n)[0] < seen:
            low = middle
        else:
            high = middle
    return low


def _occupancy(size: float, n: int) -> tuple[float, float]:
    if size <= 1:
        return 1.0, 0.0
    empty = (1 - 1 / size) ** n
    both = max(0.0, 1 - 2 / size) ** n
    variance = size * empty + size * (size - 1) * both - (size * empty) ** 2
    return size * (1 - empty), math.sqrt(max(0.0, variance))


def _cheapest(text: str, literal: float, words: Collection[str]) -> tuple[float, str]:
    """The least cost in bits, and the kind of pattern that explains at least half the text."""
    n = len(text)
    if len(set(text)) == 1:
        return literal + math.log2(n), "one character"
    read = _Reading(text, literal, words)
    costs = [0.0] + [math.inf] * n
    came: list[tuple[int, str]] = [(0, "")] * (n + 1)
    for start in range(n):
        for end, cost, kind in read.from_(start):
            if costs[start] + cost < costs[end]:
                costs[end], came[end] = costs[start] + cost, (start, kind)
    return costs[n], _main_pattern(came, n)


class _Reading:
    """The ways to explain a text, step by step."""

    def __init__(self, text: str, literal: float, words: Collection[str]) -> None:
        self._text = text
        self._folded = text.lower()
        self._plain = self._folded.translate(LEET)
        self._literal = literal
        self._words = words
        self._is_language = _is_language(self._folded)
        marks = {c for c in text if not c.isalnum()}
        self._separators = marks if len(marks) <= 2 else set()

    def from_(self, start: int) -> Iterator[tuple[int, float, str]]:
        """Every step from ``start``: where it ends, its bits, and its kind."""
        text = self._text
        yield self._single(start)
        yield from self._runs(start)
        yield from self._named(start)
        end = start + 4
        while end <= len(text) and text.find(text[start:end], 0, end - 1) >= 0:
            yield end, math.log2(len(text)) + 2, "a repetition"
            end += 1
        if _YEAR.match(text, start):
            yield start + 4, _YEAR_BITS, "years"

    def _single(self, start: int) -> tuple[int, float, str]:
        if self._is_language and self._text[start].isalpha():
            return start + 1, min(self._literal, _LANGUAGE_BITS), "words of a language"
        if self._text[start] in self._separators:
            return start + 1, min(self._literal, _SEPARATOR_BITS), ""
        return start + 1, self._literal, ""

    def _runs(self, start: int) -> Iterator[tuple[int, float, str]]:
        end, folded = start + 4, self._folded
        while end <= len(folded) and any(folded[start:end] in s for s in SEQUENCES):
            yield end, _RUN_BITS, "a keyboard or counting run"
            end += 1
        end = start + 3
        while end <= len(folded) and len(set(self._text[start:end])) == 1:
            yield end, self._literal + 2, "repeated characters"
            end += 1

    def _named(self, start: int) -> Iterator[tuple[int, float, str]]:
        longest = max(_LONGEST_WORD, *(len(word) for word in self._words), 0)
        for end in range(start + 3, min(len(self._text), start + longest) + 1):
            pieces = (self._folded[start:end], self._plain[start:end])
            if any(piece in WORDS or piece in self._words for piece in pieces):
                yield end, _WORD_BITS, "common words"


def _is_language(folded: str) -> bool:
    """Whether it is mostly letters, in the pairs of a language, beyond chance by far."""
    pairs = [a + b for a, b in pairwise(folded) if a.isalpha() and b.isalpha()]
    if len(pairs) < max(10, len(folded) / 2):
        return False
    share = sum(pair in PAIRS for pair in pairs) / len(pairs)
    chance = len(PAIRS) / 26**2
    deviation = math.sqrt(chance * (1 - chance) / len(pairs))
    return share >= chance + _SIGMAS * deviation


def _main_pattern(came: list[tuple[int, str]], n: int) -> str:
    covered: dict[str, int] = {}
    end = n
    while end:
        start, kind = came[end]
        covered[kind] = covered.get(kind, 0) + end - start
        end = start
    literal = covered.pop("", 0)
    if not covered or literal > n / 2:
        return ""
    return max(covered, key=lambda kind: covered[kind])


def _readable_forms(text: str) -> Iterator[str]:
    """What the text decodes to, where that is readable ASCII text."""
    bare = text.strip().rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    for decode in (bytes.fromhex, base64.b64decode, base64.urlsafe_b64decode):
        try:
            data = decode(padded if decode is not bytes.fromhex else bare)
        except (ValueError, binascii.Error):
            continue
        if len(data) >= 6 and all(32 <= byte < 127 for byte in data):
            yield data.decode("ascii")
