"""What a command's output says of warnings."""

from __future__ import annotations

import re

_COUNTED = re.compile(r"\b(\d+) warnings?\b", re.IGNORECASE)
_LINE = re.compile(r"\bwarn(?:ing)?\b", re.IGNORECASE)


def count_warnings(output: str) -> int:
    """How many warnings a command has shown: its own sums where it gives any, else its lines.

    ``✖ 3 problems (0 errors, 3 warnings)`` as eslint and others write it; ``warning: …`` and
    ``[WARN]`` as compilers and package managers do.
    """
    sums = [int(found) for found in _COUNTED.findall(output)]
    if sums:
        return sum(sums)
    return sum(1 for line in output.splitlines() if _LINE.search(line))
