"""What images and configurations tell of the version and commit that they were built from."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLES = ("BUILD_VERSION", "APP_VERSION", "BUILD_SHA", "GIT_SHA", "COMMIT_SHA")
_LABELS = re.compile(
    r"org\.opencontainers\.image\.(?:revision|version)|(?:gh|git|build|commit)[_.-]?sha|revision"
    r"|(?:build[_.-]?)?version",
    re.IGNORECASE,
)
_TELLING_TAG = re.compile(r"v?\d+\.\d+\.\d+[\w.+-]*|(?:sha-)?[0-9a-f]{7,40}")
_LONGEST = 80


def of_variables(variables: Mapping[str, str] | None) -> dict[str, str]:
    """Version and commit in a configuration's environment; nothing else of it is kept."""
    found = variables or {}
    return {name: found[name][:_LONGEST] for name in _VARIABLES if found.get(name)}


def of_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Version and commit in an image's labels."""
    return {
        f"label {name}": value[:_LONGEST]
        for name, value in (labels or {}).items()
        if _LABELS.fullmatch(name) and value
    }


def of_tag(tag: str) -> dict[str, str]:
    """The tag, where it is a version or a commit; ``latest`` or a build's number says nothing."""
    told = _TELLING_TAG.fullmatch(tag)
    return {"image tag": tag.removeprefix("sha-")} if told else {}


def tag_of(image: str) -> str:
    """The tag in an image's reference, without its digest."""
    name = image.partition("@")[0]
    last = name.rpartition("/")[2]
    return last.partition(":")[2]
