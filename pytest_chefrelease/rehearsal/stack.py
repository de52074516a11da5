"""The whole embedded ChefCloud as one thing: started, deployed to, broken, put back, stopped."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pytest_chefrelease.probes.scratch import server as postgres
from pytest_chefrelease.probes.scratch.migrate import Deployment, read_migrations
from pytest_chefrelease.probes.scratch.programs import Programs
from pytest_chefrelease.rehearsal import backups, past, people, repository, variables
from pytest_chefrelease.rehearsal.control_client import ControlClient
from pytest_chefrelease.rehearsal.databases import AT_START, Database
from pytest_chefrelease.rehearsal.doubles import fly, sentry
from pytest_chefrelease.rehearsal.doubles.locust import Load
from pytest_chefrelease.rehearsal.gate import Gate
from pytest_chefrelease.rehearsal.intercept import Intercept, Json
from pytest_chefrelease.rehearsal.process import ServerProcess
from pytest_chefrelease.rehearsal.repository import PREVIOUS, RELEASE, Repository
from pytest_chefrelease.rehearsal.variables import Places, Secrets
from pytest_chefrelease.rehearsal.world import Build, Plant, World

if TYPE_CHECKING:
    from pytest_chefrelease.rehearsal.faults.fault import Fault

SLUG = "chefcloud/chefcloud"
_PENDING = 1
_RELEASED = "released"
"""How many of the release's migrations production has not seen before the deploy."""

_LAST_NIGHT = timedelta(hours=9)


class Stack:
    """ChefCloud before its release v1.5.0: production runs v1.4.2, staging the release.

    Use it as a context manager. ``workspace`` is where its files go (a temporary folder
    unless given, removed at the end only then). ``release`` brings production to the
    release; ``apply`` and ``reset`` give it a fault and take all faults away.
    """

    def __init__(self, workspace: Path | None = None) -> None:
        self._is_temporary = workspace is None
        self.workspace = workspace or Path(tempfile.mkdtemp(prefix="chefrelease-"))
        self.workspace.mkdir(parents=True, exist_ok=True)
        self.is_released = False
        self._parts = ExitStack()
        self._secrets = Secrets()
        self._repository_is_as: str | None = None
        self._is_release_kept = False
        self._named: dict[str, str] = {}
        self._more_settings = ""
        self.gate = Gate()
        self.rotated_on = _usual_rotation()
        self.log_source = self._usual_log_source
        self.load = Load()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every process and remove what is temporary; a second call does nothing."""
        self._parts.close()
        if self._is_temporary and self.workspace.exists():
            shutil.rmtree(self.workspace)

    def _start(self) -> None:
        self._server = ServerProcess(self.workspace / "server.log")
        self._parts.callback(self._server.stop)
        now = datetime.now(UTC)
        with ThreadPoolExecutor(1) as beside:
            building = beside.submit(repository.build, self.workspace, SLUG, now)
            self._cluster = postgres.start(self._secrets.database_admin)
            self._parts.callback(self._cluster.stop)
            self.repository: Repository = building.result()
        self.release_build = self._build(RELEASE, now - timedelta(hours=4))
        for duty in people.BEFORE:
            people.sign(self.repository, duty, self.release_build.commit)
        self._keep_repository(AT_START)
        past.write(self.ledger)
        self.previous_build = self._build(PREVIOUS, now - timedelta(days=5))
        self._create_databases()
        self.nightly_backup()
        shutil.copytree(self.backups, self._kept(self.backups))
        self.urls: Mapping[str, str] = self._server.serve(self._world())
        self._control = ControlClient(self.urls["control"], self._secrets.control)
        self.environment = self._environment()

    def _build(self, tag: str, built_at: datetime) -> Build:
        stamp = built_at.isoformat(timespec="seconds")
        return Build(tag, self.repository.commit_of(tag), stamp)

    def _create_databases(self) -> None:
        made_up = self._secrets
        self.production = Database(
            self._cluster, "production", "chefcloud", made_up.production_database
        )
        self.staging = Database(
            self._cluster, "staging", "chefcloud_staging", made_up.staging_database
        )
        migrations = read_migrations(self.repository.migrations)
        plans = ((self.production, migrations[:-_PENDING]), (self.staging, migrations))
        with ThreadPoolExecutor(len(plans)) as side_by_side:
            for created in [
                side_by_side.submit(database.create, those, made_up.smoke_password, made_up.badge)
                for database, those in plans
            ]:
                created.result()

    def _world(self) -> World:
        made_up = self._secrets
        return World(
            origin=str(self.repository.origin),
            slug=SLUG,
            release_commit=self.release_build.commit,
            plants={
                "production": Plant(
                    self.previous_build,
                    self.production.url,
                    made_up.jwt,
                    str(self.logs / "production-api.json"),
                ),
                "staging": Plant(
                    self.release_build,
                    self.staging.url,
                    made_up.staging_jwt,
                    str(self.logs / "staging-api.json"),
                ),
            },
            github_token=made_up.github,
            fly_token=made_up.fly,
            render_token=made_up.render,
            redis_password=made_up.redis,
            control_token=made_up.control,
            database_pid=self._cluster.pid,
            database_folder=str(self._cluster.folder),
            leftovers=(str(self.workspace),) if self._is_temporary else (),
            sentry_token=made_up.sentry,
            loki_token=made_up.loki,
        )

    def _environment(self) -> dict[str, str]:
        secret = variables.environment(self._secrets, self.production.url, self.staging.url)
        secret["REDIS_URL"] = variables.redis_url(self._secrets, self.urls["redis"])
        return secret | variables.matrix(self.api_url, self.web_url, self.previous_build)

    @property
    def api_url(self) -> str:
        """Production's API."""
        return self.urls["production-api"]

    @property
    def web_url(self) -> str:
        """Production's web front."""
        return self.urls["production-web"]

    @property
    def staging_api_url(self) -> str:
        """Staging's API."""
        return self.urls["staging-api"]

    @property
    def staging_web_url(self) -> str:
        """Staging's web front."""
        return self.urls["staging-web"]

    @property
    def github_url(self) -> str:
        """The GitHub double, as ``[ci] api_url`` takes it."""
        return self.urls["github"]

    @property
    def logs(self) -> Path:
        """The folder of the applications' logs."""
        return self.workspace / "logs"

    @property
    def _usual_log_source(self) -> str:
        return f"file:{self.logs / 'production-api.json'}"

    @property
    def _statistics(self) -> Path:
        return self.workspace / "load.json"

    @property
    def database_log(self) -> Path:
        """PostgreSQL's log, with every statement."""
        return self._cluster.log

    @property
    def postgres_programs(self) -> Programs:
        """PostgreSQL's programs of the running server's version."""
        return self._cluster.programs

    @property
    def pids(self) -> list[int]:
        """The processes of the stack: the server of the sites, and PostgreSQL."""
        return [self._server.pid, self._cluster.pid]

    @property
    def badge(self) -> str:
        """What the test account's badge says when it is swiped."""
        return self._secrets.badge

    @property
    def backups(self) -> Path:
        """The folder of production's backups."""
        return self.workspace / "backups"

    @property
    def ledger(self) -> Path:
        """The gate's ledger, with what it said of earlier releases."""
        return self.workspace / "ledger.sqlite"

    @property
    def release_toml(self) -> str:
        """The text of a complete release.toml for this stack."""
        text = variables.release_toml(
            Places(
                version=RELEASE,
                repository=self.repository.path,
                slug=SLUG,
                logs=self.log_source,
                locust=self._statistics,
                latency_source=self.load.source,
                backups=self.backups,
                urls={**self.urls, **self._named},
                rotated_on=self.rotated_on,
            )
        )
        remembered = f"\n[report]\nledger = '{self.ledger}'\n"
        return text + remembered + self._more_settings

    def write_release_toml(self) -> Path:
        """Write release.toml and what Locust has left into the workspace, and give its path."""
        self._statistics.write_text(self.load.statistics(time.time()), encoding="utf-8")
        path = self.workspace / "release.toml"
        path.write_text(self.release_toml, encoding="utf-8")
        return path

    def maintenance(self, *, is_on: bool) -> None:
        """Switch production's maintenance mode."""
        for part in ("production-api", "production-web"):
            self.change(part, maintenance=is_on)

    def backup(self) -> Path:
        """Take a backup of production with pg_dump, in the custom format."""
        return backups.take(self.production, self.backups, datetime.now(UTC))

    def nightly_backup(
        self,
        age: timedelta = _LAST_NIGHT,
        of: Database | None = None,
        options: Sequence[str] = (),
    ) -> Path:
        """A backup (of production, as it is now) that seems to be some hours old."""
        now = datetime.now(UTC)
        taken = backups.take(of or self.production, self.backups, now, options)
        return backups.date_back(taken, now - age)

    def deploy(self) -> None:
        """Let production run the release's code."""
        for part in ("production-api", "production-web"):
            self.change(part, **self.release_build.fields())
        self.change("fly", **fly.deployed(self.previous_build, self.release_build))
        self.change("sentry", **sentry.deployed(self.previous_build, self.release_build))
        self.environment.update(variables.of_build(self.release_build))

    def roll_back(self) -> None:
        """Let production run the previous release's code again; migrations stay as they are."""
        before, after = self.previous_build, self.release_build
        for part in ("production-api", "production-web"):
            self.change(part, **before.fields())
        self.change("fly", **fly.deployed(before, after, before))
        self.change("sentry", **sentry.deployed(before, after, before))
        self.environment.update(variables.of_build(before))

    def migrate(self) -> Deployment:
        """Apply the release's migrations to production, as ``prisma migrate deploy``."""
        return self.production.migrate(read_migrations(self.repository.migrations))

    def release(self) -> Deployment:
        """Deploy and migrate, with what people sign then."""
        self.deploy()
        deployment = self.migrate()
        self.sign(people.ANNOUNCED)
        self.sign(people.DOCUMENTED)
        self.is_released = True
        return deployment

    def apply(self, fault: Fault) -> None:
        """Give the stack a fault.

        One that strikes during the deploy is there before it: a released stack is put back
        and released anew, with the fault.
        """
        if fault.strikes_deploy and self.is_released:
            self.rewind()
            fault.apply(self)
            self.release()
        else:
            fault.apply(self)

    def reset(self) -> None:
        """Take all faults away; production stays released if it was."""
        if not self.is_released:
            self.rewind()
        elif self._is_release_kept:
            self._put_back(_RELEASED)
            self.deploy()
        else:
            self.rewind()
            self.release()
            self.production.keep(_RELEASED)
            self._keep_repository(_RELEASED)
            self._is_release_kept = True

    def rewind(self) -> None:
        """Put everything back as it was at the start, before the release."""
        self._put_back(AT_START)
        self.is_released = False

    def _put_back(self, moment: str) -> None:
        self._control.reset()
        self._named.clear()
        self._more_settings = ""
        self.rotated_on = _usual_rotation()
        self.log_source = self._usual_log_source
        self.load = Load()
        self.production.reset(moment)
        self.staging.reset()
        shutil.rmtree(self.backups, ignore_errors=True)
        shutil.copytree(self._kept(self.backups), self.backups)
        past.write(self.ledger)
        if self._repository_is_as != moment:
            self._restore_repository(moment)
        self.environment = self._environment()

    def intercept(self, rule: Intercept) -> None:
        """Let a site do something else with some of its requests."""
        self._control.intercept(rule)

    def change(self, site: str, **fields: Json) -> None:
        """Set fields of a site's state."""
        self._control.change(site, fields)

    def log(self, lines: str) -> None:
        """Let production's API have logged these whole lines."""
        with (self.logs / "production-api.json").open("a", encoding="utf-8") as file:
            file.write(lines)

    def read_logs_from_loki(self) -> None:
        """Let release.toml name Loki as the place of production's log."""
        self.log_source = f"loki:{self.urls['loki']}"

    def readdress(self, site: str, url: str) -> None:
        """Let release.toml name another address for a site."""
        self._named[site] = url

    def configure(self, text: str) -> None:
        """Let release.toml have further tables."""
        self._more_settings += f"\n{text}\n"

    def refuse(self, site: str) -> None:
        """Let a site's port refuse connections."""
        self._control.refuse(site)

    def touch_repository(self) -> Repository:
        """The repository, for a fault that changes it: ``reset`` puts it back."""
        self._repository_is_as = None
        return self.repository

    def sign(self, duty: people.Duty) -> None:
        """Let somebody sign an item for the release commit."""
        people.sign(self.touch_repository(), duty, self.repository.commit_of(RELEASE))

    def revoke(self, duty: people.Duty) -> None:
        """Let who signed an item take it back."""
        commit = self.repository.commit_of(RELEASE)
        people.sign(self.touch_repository(), duty, commit, is_revocation=True)

    def _keep_repository(self, moment: str) -> None:
        for path in (self.repository.path, self.repository.origin):
            shutil.copytree(path, self._kept(path, moment), symlinks=True)
        self._repository_is_as = moment

    def _restore_repository(self, moment: str) -> None:
        for path in (self.repository.path, self.repository.origin):
            shutil.rmtree(path)
            shutil.copytree(self._kept(path, moment), path, symlinks=True)
        self._repository_is_as = moment

    def _kept(self, path: Path, moment: str = AT_START) -> Path:
        return self.workspace / moment / path.name


def _usual_rotation() -> date:
    """A rotation within its schedule, whose old sessions have ended."""
    return (datetime.now(UTC) - timedelta(days=30)).date()
