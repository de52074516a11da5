"""The commands of a response, for the provider that runs the application.

They are printed to be copied, never run: what comes from outside is quoted for the shell,
and what no command can do is a comment. Source: the runbook's "Rollback Procedure" and
"Migration Rollback"; FACTS.md on flyctl; Render's API, "Roll back deploy".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from shlex import quote

from msgspec import Struct, field


class Deployment(Struct, frozen=True):
    """What the commands of a response need to know; unknown parts stay placeholders.

    ``provider`` is ``fly``, ``render``, ``docker`` or None; ``apps`` are the provider's
    names of API and web; ``image`` is the image of the previous release, and ``targets`` what
    the provider takes to go back by app: an image, or Render's id of a deploy; ``backup`` is
    the newest backup file; ``migration`` the name of the migration that failed, and
    ``assessment`` the protocol's questions of it with their answers.
    """

    provider: str | None = None
    apps: tuple[str, ...] = ()
    previous_version: str | None = None
    image: str | None = None
    backup: str | None = None
    migration: str | None = None
    targets: Mapping[str, str] = field(default_factory=dict)
    assessment: tuple[tuple[str, str], ...] = ()


def rollback_commands(deployment: Deployment) -> tuple[str, ...]:
    """The provider's way back to the previous release, API first, then web."""
    way = _ROLLBACK.get(deployment.provider or "")
    if way is None:
        return (f"# Deploy {_version(deployment)} again. {_NO_PROVIDER}",)
    return way(deployment)


def migration_commands(deployment: Deployment) -> tuple[str, ...]:
    """The runbook's bad-migration protocol, steps 1 to 4."""
    name = quote(deployment.migration or "MIGRATION_NAME")
    asked = deployment.assessment or ((_QUESTIONS, ""),)
    return (
        *(f"# {_one_line(f'{question} {answer}')}" for question, answer in asked),
        "npx prisma migrate status",
        f"npx prisma migrate resolve --rolled-back {name}",
        f"{_restore(deployment.backup or 'BACKUP_FILE')}    # only if data is badly corrupted",
    )


def _restore(backup: str) -> str:
    """How a backup gets back into the database, by its name: fetched, unpacked, read."""
    stem = backup.removesuffix(".gz").removesuffix(".zst").removesuffix(".zstd")
    is_sql = stem.endswith((".sql", "BACKUP_FILE"))
    unpack = "gunzip" if backup.endswith(".gz") else "zstd -dc" if stem != backup else ""
    restore = (
        'psql "$DATABASE_URL"'
        if is_sql
        else 'pg_restore --clean --if-exists --dbname "$DATABASE_URL"'
    )
    if backup.startswith("s3://"):
        fetch = f"aws s3 cp {quote(backup)} -"
        return " | ".join(filter(None, (fetch, unpack, restore)))
    if unpack:
        return f"{unpack} < {quote(backup)} | {restore}"
    return f"{restore} < {quote(backup)}" if is_sql else f"{restore} {quote(backup)}"


def restart_commands(deployment: Deployment, variables: Sequence[str] = ()) -> tuple[str, ...]:
    """How corrected values of ``variables`` reach the running application."""
    app = _apps(deployment)[0]
    names = tuple(variables) or ("NAME",)
    if deployment.provider == "fly":
        values = " ".join(f"{quote(name)}=VALUE" for name in names)
        return (f"fly secrets set {values} -a {quote(app)}    # restarts by itself",)
    if deployment.provider == "render":
        listed = _one_line(", ".join(names))
        return (f"# Render dashboard: {_one_line(app)}: Environment: {listed}: save and deploy",)
    if deployment.provider == "docker":
        listed = _one_line(", ".join(names))
        return (f"# Correct {listed} where docker-compose reads it.", _DOCKER_RESTART)
    return (f"# Correct {_one_line(', '.join(names))} and restart. {_NO_PROVIDER}",)


def _fly(deployment: Deployment) -> tuple[str, ...]:
    version, lines = _version(deployment), []
    for app, image in _images(deployment):
        lines += [
            f"fly releases --image -a {quote(app)}    # the image of {version}",
            f"fly deploy --image {quote(image)} -a {quote(app)}",
            f"fly releases rollback -a {quote(app)}    # instead, where flyctl is old",
        ]
    return tuple(lines)


def _render(deployment: Deployment) -> tuple[str, ...]:
    version, lines = _version(deployment), []
    for app in _apps(deployment):
        service = app if app.startswith("srv-") else "SERVICE_ID"
        url = quote(f"https://api.render.com/v1/services/{service}/rollback")
        headers = "-H \"Authorization: Bearer $RENDER_API_KEY\" -H 'Content-Type: application/json'"
        lines += [
            f"# Render dashboard: {_one_line(app)}: Events/Deploys: deploy of {version}: Rollback",
            f"curl -X POST {url} {headers} -d {_deploy_id(deployment.targets.get(app))}",
        ]
    return tuple(lines)


def _deploy_id(target: str | None) -> str:
    return quote(json.dumps({"deployId": target or "DEPLOY_ID"}))


def _docker(deployment: Deployment) -> tuple[str, ...]:
    pulls = [f"docker pull {quote(image)}" for _, image in _images(deployment)]
    return (*pulls, f"docker-compose up -d    # with the tags of {_version(deployment)}")


def _images(deployment: Deployment) -> list[tuple[str, str]]:
    """Each app with the image to go back to; ``image`` is the first app's."""
    version = deployment.previous_version or "PREVIOUS_VERSION"
    is_docker = deployment.provider == "docker"
    images = [f"{a}:{version}" if is_docker else f"IMAGE_OF_{version}" for a in _apps(deployment)]
    images = [deployment.targets.get(a, i) for a, i in zip(_apps(deployment), images, strict=True)]
    images[0] = deployment.image or images[0]
    return list(zip(_apps(deployment), images, strict=True))


def _apps(deployment: Deployment) -> tuple[str, ...]:
    return deployment.apps or ("APP",)


def _version(deployment: Deployment) -> str:
    return _one_line(deployment.previous_version or "PREVIOUS_VERSION")


def _one_line(text: str) -> str:
    """What stands in a comment cannot leave it."""
    return " ".join(text.split())


_QUESTIONS = "Assess: is the app still functional? is data corrupted? can we fix forward?"
_NO_PROVIDER = "(Set [provider] in release.toml for the exact commands.)"
_DOCKER_RESTART = "docker-compose up -d --force-recreate"
_ROLLBACK: dict[str, Callable[[Deployment], tuple[str, ...]]] = {
    "fly": _fly,
    "render": _render,
    "docker": _docker,
}
