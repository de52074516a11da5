"""Sentry's answers, field by field as its API document has them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from pytest_chefrelease.rehearsal.intercept import Json

ORGANIZATION, PROJECT = "chefcloud", "api"
_PROJECT_ID = 4508
_HOUR_S = 3_600.0

Entry = dict[str, str | int]
"""An issue: number, title, level, status, substatus, first_release, release, count."""


def stamp(ago_s: float) -> str:
    """A time as Sentry writes it."""
    at = datetime.fromtimestamp(time.time() - ago_s, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def issue(entry: Entry) -> Json:
    """An issue as the list shows it."""
    seen: dict[str, Json] = {"firstSeen": stamp(90), "lastSeen": stamp(10)}
    counted: dict[str, Json] = {"count": str(entry["count"]), "userCount": 2, "stats": {}}
    return _identity(entry) | seen | counted | _unused() | {"filtered": seen | counted}


def _identity(entry: Entry) -> dict[str, Json]:
    number = int(entry["number"])
    return {
        "id": str(9_000_000 + number),
        "shortId": f"API-{number}",
        "title": entry["title"],
        "culprit": "OrdersService.create",
        "permalink": f"https://sentry.chefcloud.example/issues/{9_000_000 + number}/",
        "level": entry["level"],
        "status": entry["status"],
        "substatus": entry["substatus"],
        "platform": "node",
        "project": {
            "id": str(_PROJECT_ID),
            "name": PROJECT,
            "slug": PROJECT,
            "platform": "node-nestjs",
        },
        "type": "error",
        "issueType": "error",
        "issueCategory": "error",
        "metadata": {"type": "Error", "value": entry["title"]},
        "isUnhandled": True,
        "priority": "high",
    }


def _unused() -> dict[str, Json]:
    """What the document demands and no gate reads."""
    return {
        **dict.fromkeys(
            (
                *("shareId", "logger", "priorityLockedAt", "seerFixabilityScore", "assignedTo"),
                *("seerAutofixLastTriggered", "seerExplorerAutofixLastTriggered"),
                *("subscriptionDetails", "matchingEventId", "matchingEventEnvironment"),
            )
        ),
        **dict.fromkeys(("isBookmarked", "isSubscribed", "hasSeen", "isPublic"), False),
        **dict.fromkeys(("annotations", "integrationIssues", "sentryAppIssues"), ()),
        "statusDetails": {},
        "lifetime": {},
        "latestEventHasAttachments": False,
        "numComments": 0,
        "sessionCount": 0,
        "owners": {"type": "ownershipRule", "owner": "team:7", "date_added": stamp(90)},
        "inbox": {"reason": 0, "reason_details": None, "date_added": stamp(90)},
        "derivedData": {
            "blocker": "none",
            "progress": "none",
            "status": "none",
            "viewCount": 0,
            "hasOpenFixPr": False,
            "isAssigned": False,
            "hasRootCause": False,
            "lastCompletedAutofixStep": "",
            "lastProgressedAt": None,
        },
    }


def release(number: int, version: str, environment: str, ago_s: float, brought: int) -> Json:
    """A release, last deployed to an environment; ``brought`` counts its new issues."""
    return {
        "id": 5_000 + number,
        "version": version,
        "shortVersion": version,
        "status": "open",
        "versionInfo": {
            "package": None,
            "version": {"raw": version},
            "description": version,
            "buildHash": None,
        },
        "data": {},
        "commitCount": 4,
        "deployCount": 1,
        "newGroups": brought,
        "authors": [],
        "dateCreated": stamp(ago_s + _HOUR_S),
        "dateReleased": None,
        "lastEvent": stamp(10),
        "lastDeploy": {
            "id": str(700 + number),
            "environment": environment,
            "name": version,
            "dateStarted": stamp(ago_s + 20),
            "dateFinished": stamp(ago_s),
            "url": None,
        },
        "projects": [
            {
                "id": _PROJECT_ID,
                "slug": PROJECT,
                "name": PROJECT,
                "platform": "node-nestjs",
                "platforms": ["node"],
                "hasHealthData": True,
                "newGroups": brought,
            }
        ],
    }


def sessions(totals: Mapping[str, Json], query: str) -> Json:
    """What release health counts of the last day, in one group and without its series."""
    return {
        "start": stamp(24 * _HOUR_S),
        "end": stamp(0),
        "intervals": [stamp(ago * _HOUR_S) for ago in range(24, 0, -1)],
        "query": query,
        "groups": [{"by": {}, "totals": dict(totals), "series": {}}],
    }
