"""Templates: what a log line or a path says apart from the values in it.

Two lines of one template are the same message about other values. Values are masked by what
they look like, so that a template does not depend on which lines were seen before: the same
line has the same template before a deploy and after it, on every machine.
"""

from __future__ import annotations

import re

LONGEST = 300
"""A template's characters; what differs only behind them is one message."""

_MASKS = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+(?:\.[\w-]*)?"), "<token>"),
    (re.compile(r"\b(?:Bearer|Basic)\s+\S+", re.IGNORECASE), "<token>"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "<email>"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.,]*(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "<number>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"(?<![\w.])[-+]?\d+(?:[.,:]\d+)*(?=\b|[a-zA-Z%])"), "<number>"),
    (re.compile(r"(?<=[A-Za-z_-])\d{2,}\b"), "<number>"),
    (re.compile(r"\s+"), " "),
)  # fmt: skip
_PRIVATE = tuple(_MASKS[place] for place in (1, 2, 3))
_SEGMENT = re.compile(
    r"/(?:\d+|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}|(?=[0-9a-zA-Z_-]*\d)[0-9a-zA-Z_-]{16,})(?=/|$)"
)


def message_template(text: str) -> str:
    """``connect ECONNREFUSED <address>`` for ``connect ECONNREFUSED 10.0.0.7:5432``."""
    text = text[: LONGEST * 4]
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text.strip()[:LONGEST]


def without_private(text: str) -> str:
    """The text without tokens and mail addresses, which are nobody's business in a report."""
    for pattern, mask in _PRIVATE:
        text = pattern.sub(mask, text)
    return text


def route_template(path: str) -> str:
    """``/pos/orders/:id`` for ``/pos/orders/8272?full=1``."""
    if "?" in path or "#" in path:
        path = path.partition("?")[0].partition("#")[0]
    return _SEGMENT.sub("/:id", path[:LONGEST])
