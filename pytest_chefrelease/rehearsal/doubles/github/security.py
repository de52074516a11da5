"""GitHub's documents of security alerts and releases, in the shapes of its description."""

from __future__ import annotations

from pytest_chefrelease.rehearsal.doubles.github.documents import Documents
from pytest_chefrelease.rehearsal.doubles.github.state import Document, Entry

_NEVER: Document = {"fixed_at": None, "dismissed_at": None, "dismissed_by": None}


def secret_alert(documents: Documents, alert: Entry, number: int) -> Document:
    """A secret-scanning-alert, without the secret (hide_secret)."""
    return _base(documents, "secret-scanning", alert, number) | {
        "locations_url": f"{documents.api}/secret-scanning/alerts/{number}/locations",
        "secret_type": "generic_token",
        "secret_type_display_name": alert["name"],
        "resolution": None,
        "resolved_at": None,
        "resolved_by": None,
        "push_protection_bypassed": False,
        "validity": "unknown",
    }


def code_alert(documents: Documents, alert: Entry, number: int) -> Document:
    """A code-scanning-alert-items."""
    base = _base(documents, "code-scanning", alert, number)
    return base | _NEVER | {
        "instances_url": f"{base['url']}/instances",
        "dismissed_reason": None,
        "dismissed_comment": None,
        "rule": {
            "id": "js/rule",
            "name": alert["name"],
            "description": alert["name"],
            "severity": "error",
            "security_severity_level": alert["severity"],
            "tags": ["security"],
        },
        "tool": {"name": "CodeQL", "version": "2.19.0", "guid": None},
        "most_recent_instance": {
            "ref": f"refs/heads/{documents.main_branch}",
            "analysis_key": ".github/workflows/codeql.yml:analyze",
            "environment": "{}",
            "state": alert["state"],
            "commit_sha": alert["sha"],
            "message": {"text": alert["name"]},
            "location": {"path": "services/api/src/main.ts", "start_line": 1, "end_line": 1},
            "classifications": [],
        },
    }  # fmt: skip


def dependency_alert(documents: Documents, alert: Entry, number: int) -> Document:
    """A dependabot-alert."""
    package: Document = {"ecosystem": "npm", "name": alert["package"]}
    vulnerability: Document = {
        "package": package,
        "severity": alert["severity"],
        "vulnerable_version_range": "< 2.0.0",
        "first_patched_version": {"identifier": "2.0.0"},
    }
    advisory: Document = {
        "ghsa_id": "GHSA-xxxx-xxxx-xxxx",
        "cve_id": None,
        "summary": alert["name"],
        "description": alert["name"],
        "severity": alert["severity"],
        "cvss": {"score": 9.8, "vector_string": None},
        "cwes": [],
        "identifiers": [],
        "references": [],
        "vulnerabilities": [vulnerability],
        "published_at": alert["created_at"],
        "updated_at": alert["created_at"],
        "withdrawn_at": None,
    }
    return _base(documents, "dependabot", alert, number) | _NEVER | {
        "dependency": {
            "package": package,
            "manifest_path": "services/api/package.json",
            "scope": "runtime",
        },
        "security_advisory": advisory,
        "security_vulnerability": vulnerability,
        "dismissed_reason": None,
        "dismissed_comment": None,
    }  # fmt: skip


def release(documents: Documents, entry: Entry) -> Document:
    """A release."""
    url = f"{documents.api}/releases/1"
    tag = entry["tag"]
    return {
        "url": url,
        "html_url": f"{documents.html}/releases/tag/{tag}",
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "tarball_url": None,
        "zipball_url": None,
        "id": 1,
        "node_id": "UmVsZWFzZTox",
        "tag_name": tag,
        "target_commitish": documents.main_branch,
        "name": tag,
        "body": entry["body"],
        "draft": False,
        "prerelease": False,
        "created_at": entry["created_at"],
        "published_at": entry["created_at"],
        "author": documents.account("chefcloud-release", "User"),
        "assets": [],
    }


def _base(documents: Documents, kind: str, alert: Entry, number: int) -> Document:
    return {
        "number": number,
        "state": alert["state"],
        "url": f"{documents.api}/{kind}/alerts/{number}",
        "html_url": f"{documents.html}/security/{kind}/{number}",
        "created_at": alert["created_at"],
        "updated_at": alert["created_at"],
    }
