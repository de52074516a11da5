"""GitHub's JSON documents, in the shapes of its published description."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence

from msgspec import Struct

from pytest_chefrelease.rehearsal.doubles.github.state import ACTIONS, SCANNER, Document, Entry

_HTML = "https://github.example"
_APPS = {ACTIONS: ("github-actions", "GitHub Actions"), SCANNER: ("code-scan", "Code Scan")}
_REPOSITORY_PATHS = {
    "archive": "/{archive_format}{/ref}", "assignees": "/assignees{/user}",
    "blobs": "/git/blobs{/sha}", "branches": "/branches{/branch}",
    "collaborators": "/collaborators{/collaborator}", "comments": "/comments{/number}",
    "commits": "/commits{/sha}", "compare": "/compare/{base}...{head}",
    "contents": "/contents/{+path}", "contributors": "/contributors",
    "deployments": "/deployments", "downloads": "/downloads", "events": "/events",
    "forks": "/forks", "git_commits": "/git/commits{/sha}", "git_refs": "/git/refs{/sha}",
    "git_tags": "/git/tags{/sha}", "hooks": "/hooks", "issue_comment": "/issues/comments{/number}",
    "issue_events": "/issues/events{/number}", "issues": "/issues{/number}",
    "keys": "/keys{/key_id}", "labels": "/labels{/name}", "languages": "/languages",
    "merges": "/merges", "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}", "pulls": "/pulls{/number}",
    "releases": "/releases{/id}", "stargazers": "/stargazers", "statuses": "/statuses/{sha}",
    "subscribers": "/subscribers", "subscription": "/subscription", "tags": "/tags",
    "teams": "/teams", "trees": "/git/trees{/sha}",
}  # fmt: skip


class Documents(Struct, frozen=True):
    """Documents of one repository; ``base`` is the address that the API is reached by."""

    base: str
    slug: str
    main_branch: str

    @property
    def api(self) -> str:
        """The repository's address in the API."""
        return f"{self.base}/repos/{self.slug}"

    @property
    def html(self) -> str:
        """The repository's page."""
        return f"{_HTML}/{self.slug}"

    def repository(self) -> Document:
        """A full-repository."""
        counts = ("forks", "forks_count", "open_issues", "open_issues_count", "size",
                  "stargazers_count", "watchers", "watchers_count", "network_count",
                  "subscribers_count")  # fmt: skip
        stamps = dict.fromkeys(("created_at", "updated_at", "pushed_at"), "2026-01-10T09:00:00Z")
        host = _HTML.removeprefix("https://")
        return self._minimal() | dict.fromkeys(counts, 1) | stamps | {
            "clone_url": f"{self.html}.git",
            "default_branch": self.main_branch,
            "git_url": f"git://{host}/{self.slug}.git",
            "ssh_url": f"git@{host}:{self.slug}.git",
            "svn_url": self.html,
            "homepage": None,
            "language": "TypeScript",
            "mirror_url": None,
            "license": None,
            "archived": False,
            "disabled": False,
            "visibility": "private",
            "has_issues": True,
            "has_projects": False,
            "has_wiki": False,
            "has_pages": False,
            "has_discussions": False,
        }  # fmt: skip

    def _minimal(self) -> Document:
        owner, _, name = self.slug.partition("/")
        urls: Document = {f"{key}_url": self.api + path for key, path in _REPOSITORY_PATHS.items()}
        return urls | {
            "id": _number(self.slug),
            "node_id": _node("Repository", self.slug),
            "name": name,
            "full_name": self.slug,
            "owner": self.account(owner, "Organization"),
            "private": True,
            "html_url": self.html,
            "description": "Restaurant management",
            "fork": False,
            "url": self.api,
        }

    def account(self, login: str, kind: str) -> Document:
        """A simple-user."""
        user = f"{self.base}/users/{login}"
        paths = {
            "followers": "/followers", "following": "/following{/other_user}",
            "gists": "/gists{/gist_id}", "starred": "/starred{/owner}{/repo}",
            "subscriptions": "/subscriptions", "organizations": "/orgs", "repos": "/repos",
            "events": "/events{/privacy}", "received_events": "/received_events",
        }  # fmt: skip
        urls: Document = {f"{key}_url": user + path for key, path in paths.items()}
        return urls | {
            "login": login,
            "id": _number(login),
            "node_id": _node(kind, login),
            "avatar_url": f"{_HTML}/{login}.png",
            "gravatar_id": "",
            "url": user,
            "html_url": f"{_HTML}/{login}",
            "type": kind,
            "site_admin": False,
        }

    def check_run(self, run: Entry, number: int) -> Document:
        """A check-run; ``number`` tells runs of one name apart."""
        identity = 41_000_000_000 + number
        page = f"{self.html}/actions/runs/{identity}"
        app = int(str(run["app"]))
        slug, name = _APPS.get(app, ("app", "App"))
        return {
            "id": identity,
            "node_id": _node("CheckRun", str(identity)),
            "external_id": str(identity),
            "head_sha": run["sha"],
            "name": run["name"],
            "url": f"{self.api}/check-runs/{identity}",
            "html_url": page,
            "details_url": page,
            "status": run["status"],
            "conclusion": run["conclusion"],
            "started_at": run["started_at"],
            "completed_at": run["completed_at"],
            "output": {
                "title": None,
                "summary": None,
                "text": None,
                "annotations_count": 0,
                "annotations_url": f"{self.api}/check-runs/{identity}/annotations",
            },
            "check_suite": {"id": 9_000_000 + int(str(run["suite"]))},
            "app": {
                "id": app,
                "slug": slug,
                "node_id": _node("App", slug),
                "client_id": f"Iv1.{_number(slug):016x}",
                "owner": self.account("github", "Organization"),
                "name": name,
                "description": None,
                "external_url": _HTML,
                "html_url": f"{_HTML}/apps/{slug}",
                "created_at": "2018-07-30T09:30:17Z",
                "updated_at": "2024-04-10T20:33:16Z",
                "permissions": {"checks": "write", "metadata": "read"},
                "events": ["push"],
            },
            "pull_requests": [],
        }

    def status(self, entry: Entry, number: int) -> Document:
        """A simple-commit-status."""
        sha = str(entry["sha"])
        context = str(entry["context"])
        return {
            "url": f"{self.api}/statuses/{sha}",
            "avatar_url": f"{_HTML}/{context.partition('/')[0]}.png",
            "id": 31_000_000_000 + number,
            "node_id": _node("StatusContext", f"{sha}{context}"),
            "state": entry["state"],
            "description": f"{context}: {entry['state']}",
            "target_url": f"https://ci.example/{context}",
            "context": context,
            "created_at": entry["created_at"],
            "updated_at": entry["created_at"],
        }

    def status_with_creator(self, entry: Entry, number: int) -> Document:
        """A status, as the list of statuses has it."""
        return self.status(entry, number) | {"creator": self.account("ci-bot", "Bot")}

    def combined(self, sha: str, state: str, statuses: Sequence[Document], total: int) -> Document:
        """A combined-commit-status."""
        return {
            "state": state,
            "sha": sha,
            "total_count": total,
            "statuses": list(statuses),
            "repository": self._minimal(),
            "commit_url": f"{self.api}/commits/{sha}",
            "url": f"{self.api}/commits/{sha}/status",
        }

    def status_check_policy(self, required: Sequence[Entry]) -> Document:
        """A status-check-policy of the main branch."""
        url = f"{self.api}/branches/{self.main_branch}/protection/required_status_checks"
        return {
            "url": url,
            "strict": True,
            "contexts": [check["context"] for check in required],
            "checks": [
                {"context": check["context"], "app_id": check["app_id"]} for check in required
            ],
            "contexts_url": f"{url}/contexts",
        }

    def branch_protection(self, required: Sequence[Entry]) -> Document:
        """A branch-protection of the main branch."""
        url = f"{self.api}/branches/{self.main_branch}/protection"
        return {
            "url": url,
            "required_status_checks": self.status_check_policy(required),
            "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": True},
            "required_linear_history": {"enabled": False},
            "allow_force_pushes": {"enabled": False},
            "allow_deletions": {"enabled": False},
            "block_creations": {"enabled": False},
            "required_conversation_resolution": {"enabled": False},
            "lock_branch": {"enabled": False},
            "allow_fork_syncing": {"enabled": False},
        }

    def rules(self, required: Sequence[Entry]) -> list[Document]:
        """The repository-rule-detailed entries of the main branch."""
        source: Document = {
            "ruleset_source_type": "Repository",
            "ruleset_source": self.slug,
            "ruleset_id": 4201,
        }
        checks = [
            {"context": check["context"]}
            | ({"integration_id": check["app_id"]} if check["app_id"] else {})
            for check in required
        ]
        parameters: Document = {
            "strict_required_status_checks_policy": True,
            "required_status_checks": list(checks),
        }
        listed: Document = {"type": "required_status_checks", "parameters": parameters}
        deletion: Document = {"type": "deletion"}
        return [deletion | source, listed | source] if required else []

    def ref(self, name: str, kind: str, sha: str) -> Document:
        """A git-ref; ``kind`` is tag or commit."""
        return {
            "ref": name,
            "node_id": _node("Ref", name),
            "url": f"{self.api}/git/{name}",
            "object": self._object(kind, sha),
        }

    def tag(self, sha: str, fields: dict[str, str]) -> Document:
        """A git-tag from an annotated tag's own fields."""
        return {
            "node_id": _node("Tag", sha),
            "tag": fields["tag"],
            "sha": sha,
            "url": f"{self.api}/git/tags/{sha}",
            "message": fields["message"],
            "tagger": {
                "name": fields["name"],
                "email": fields["email"],
                "date": fields["date"],
            },
            "object": self._object(fields["type"], fields["object"]),
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        }

    def _object(self, kind: str, sha: str) -> Document:
        return {"type": kind, "sha": sha, "url": f"{self.api}/git/{kind}s/{sha}"}


def _number(text: str) -> int:
    """A stable positive number for a name."""
    return zlib.crc32(text.encode()) & 0x7FFFFFFF


def _node(kind: str, text: str) -> str:
    return base64.b64encode(f"{kind}:{text}".encode()).decode()
