"""Screenshots as files beside the reports, for readers of JUnit that show attachments.

Source: GitLab's "Unit test reports" and Jenkins' JUnit Attachments plugin: a line
``[[ATTACHMENT|path]]`` in a testcase's ``system-out``, the path relative to the project.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from pathlib import Path

from pytest_chefrelease.report.atomic import write_atomically
from pytest_chefrelease.runbook.evidence import Picture
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.record import StageRecord

_SHOWN = (Outcome.FAILED, Outcome.UNVERIFIED, Outcome.WAIVED, Outcome.SHADOW)
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
_PROJECT = ("CI_PROJECT_DIR", "WORKSPACE")


def write_pictures(folder: Path, record: StageRecord) -> dict[str, Path]:
    """Write the first picture of each result that did not pass; the files by the result's label.

    Raises OSError.
    """
    written: dict[str, Path] = {}
    for result in record.results:
        picture = _first(result)
        if picture is None:
            continue
        try:
            data = base64.b64decode(picture.data, validate=True)
        except binascii.Error:
            continue  # what is no picture in the page is none here
        name = re.sub(r"[^a-z0-9]+", "-", result.label.lower()).strip("-")[:80]
        number = len(written) + 1
        path = folder / f"{record.stage}.{number:02}-{name}.{_ENDINGS[picture.media_type]}"
        write_atomically(path, data)
        written[result.label] = path
    return written


def _first(result: Result) -> Picture | None:
    if result.outcome not in _SHOWN or result.evidence is None:
        return None
    pictures = (each for each in result.evidence.attachments if isinstance(each, Picture))
    return next((each for each in pictures if each.media_type in _ENDINGS), None)


def relative_to_project(path: Path, environment: Mapping[str, str], directory: Path) -> str:
    """The path as readers look for it; ``directory`` stands in where no CI names its own."""
    project = next((environment[name] for name in _PROJECT if environment.get(name)), directory)
    return Path(os.path.relpath(path, project)).as_posix()
