"""What release.toml may hold besides, as commented examples: one for each thing to decide."""

from __future__ import annotations

from pytest_chefrelease.scaffold.suggestion import Suggestion, TomlValue

_PRODUCTION = ("environments", "production")
_STAGING = ("environments", "staging")


def _example(table: tuple[str, ...], key: str, value: TomlValue, why: str) -> Suggestion:
    return Suggestion(table, key, value, why, is_example=True)


EXAMPLES = (
    _example(("release",), "version", "v1.5.0", "default: the newest tag that HEAD carries"),
    _example(("release",), "main_branch", "main", "the branch that releases come from"),
    _example(("ci",), "repository", "owner/name", "default: from the remote origin"),
    _example(("ci",), "token_env", "GITHUB_TOKEN", "the variable with a token that may read"),
    _example(("ci",), "required", "branch", "what the branch's rules require, or a list of names"),
    _example(("ci", "commands"), "lint", "make lint", "run on a clean checkout of the release"),
    _example(_STAGING, "api", "https://api.staging.example", "where staging's API answers"),
    _example(_STAGING, "web", "https://staging.example", "where staging's web front answers"),
    _example(_STAGING, "database_env", "STAGING_DATABASE_URL", "the variable with its URL"),
    _example(_PRODUCTION, "api", "https://api.example", "where the API answers"),
    _example(_PRODUCTION, "web", "https://www.example", "where the web front answers"),
    _example(_PRODUCTION, "database_env", "DATABASE_URL", "the variable with its URL"),
    _example(_PRODUCTION, "health", "/health", "the API's health endpoint"),
    _example(("secrets",), "source", "env", "env, env-file:PATH, fly, render, aws, gcp:PROJECT"),
    _example(
        ("secrets", "required"),
        "JWT_SECRET",
        {"kind": "signing", "min_length": 32, "rotate": "90d"},
        "what production must have, and how strong",
    ),
    _example(("env",), "LOG_LEVEL", {"in": ["info", "warn"]}, "what a variable must be"),
    _example(("migrations",), "directory", "prisma/migrations", "Prisma's migrations"),
    _example(("backup",), "path", "backups/*.dump", "where backups of production are written"),
    _example(("login",), "data_path", "/dashboard", "the page that shows data after the login"),
    _example(("latency",), "p95", "500ms", "95 of 100 answers come within"),
    _example(("logs",), "source", "file:/var/log/api/*.json", "file, command, loki, render, fly"),
    _example(("monitoring",), "watch", "15m", "how long a release is watched"),
    _example(("provider",), "name", "fly", "fly, render or docker"),
    _example(("provider",), "app", "your-app", "the API's application there"),
    _example(("checks",), "modules", ["release_checks"], "your own checks: docs, how-to"),
    _example(("verdict",), "max_waivers", 3, "more waivers than this hold the release"),
    _example(
        ("not_applicable",),
        "deploy.maintenance-*",
        "no maintenance page, tracked in OPS-12",
        "an item that has no object here, with the reason",
    ),
)
"""In the order of the file; each is dropped where the repository suggested its key."""

WAIVER = """# [[waivers]]                 # somebody accepts a failed item until a day
# item = "version.release-notes"
# reason = "hotfix"
# approved_by = "release manager"
# expires = 2027-01-31
"""
