"""What init writes fits the repository, says from where, validates, and overwrites nothing."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pytest_chefrelease.cli import chefrelease
from pytest_chefrelease.rehearsal import repository
from pytest_chefrelease.scaffold.examples import EXAMPLES
from pytest_chefrelease.scaffold.release_toml import release_toml
from pytest_chefrelease.scaffold.suggestion import Suggestion, first_of_each
from pytest_chefrelease.scaffold.toml_text import document
from pytest_chefrelease.settings.load import load_settings, validate
from pytest_chefrelease.settings.model import Settings
from tests.checks.work_tree import WorkTree

CONTRACTS = Path(__file__).parent / "contracts"
PATHS = {
    "github": ".github/workflows/release-gate.yml",
    "gitlab": ".gitlab-ci.yml",
    "azure": "azure-pipelines-release.yml",
    "jenkins": "Jenkinsfile.release",
}
HISTORY = Path(repository.__file__).parent / "product" / "history"


@pytest.fixture
def chefcloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkTree:
    """The rehearsal's product, as its repository stands after the release."""
    tree = WorkTree.make(tmp_path / "chef cloud")
    for step in sorted(HISTORY.iterdir()):
        shutil.copytree(step, tree.path, dirs_exist_ok=True)
    (tree.path / "dot-github").rename(tree.path / ".github")
    (tree.path / ".env.example").write_text("# REDIS_URL=\nJWT_SECRET=\nNEXT_PUBLIC_TOKEN=1\n")
    tree.git("remote", "add", "origin", "git@github.com:chefcloud/chefcloud.git")
    tree.commit({})
    monkeypatch.chdir(tree.path)
    return tree


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkTree:
    """Another product: Next.js and Fly.io, at a GitLab of its own, tags with a prefix."""
    tree = WorkTree.make(tmp_path / "shop")
    fly = 'app = "shop-api"\n[http_service]\n[[http_service.checks]]\npath = "/status"\n'
    tree.commit(
        {
            "app/page.tsx": "",
            "app/(public)/login/page.tsx": "",
            "app/orders/page.tsx": "",
            "app/orders/[id]/page.tsx": "",
            "fly.toml": fly,
            "package.json": json.dumps({"scripts": {"lint": "x", "check:licences": "y"}}),
            "yarn.lock": "",
            "prisma/migrations/migration_lock.toml": "",
            "prisma/schema.prisma": 'datasource db { url = env("SHOP_DB") }',
        }
    )
    tree.git("remote", "add", "origin", "https://me:token@gitlab.example/team/shop.git")
    tree.git("tag", "--annotate", "shop-v1.2.0", "--message=1.2.0")
    monkeypatch.chdir(tree.path)
    return tree


def init(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(chefrelease, ["init", *arguments], catch_exceptions=False)
    return result.exit_code, result.output


def settings_of(tree: WorkTree) -> Settings:
    return load_settings(tree.path, {}, {}).settings


def test_chefclouds_own_repository_is_filled_in(chefcloud: WorkTree) -> None:
    assert init()[0] == 0

    settings = settings_of(chefcloud)
    production = settings.environments["production"]
    assert settings.ci.repository == "chefcloud/chefcloud"
    assert settings.ci.commands["no-wip-imports"].run == "pnpm verify:no-wip-imports"
    assert settings.migrations.directory == "packages/db/prisma/migrations"
    assert settings.provider.app == "chefcloud-prod-api"
    assert settings.provider.web_app == "chefcloud-prod-web"
    assert production.api == "https://api.chefcloud.example"
    assert production.web == "https://app.chefcloud.example"
    assert production.database_env == "DATABASE_URL"
    assert production.health == "/health"  # /readiness is for the balancer
    assert list(settings.secrets.all_required) == ["JWT_SECRET"]
    assert settings.smoke == Settings().smoke


def test_another_product_gets_none_of_chefclouds_endpoints(shop: WorkTree) -> None:
    assert init()[0] == 0

    settings = settings_of(shop)
    assert settings.release.tag_prefix == "shop-"
    assert [endpoint.name for endpoint in settings.smoke.endpoints] == ["GET /status"]
    assert "auth-guard" not in settings.preflight.rules
    assert settings.routes.paths == ("/", "/login", "/orders")
    assert settings.secrets.all_required == {}
    assert settings.environments["production"].database_env == "SHOP_DB"
    assert settings.environments["production"].health == "/status"
    assert settings.ci.commands["licences"].run == "yarn check:licences"
    assert settings.ci.repository is None
    text = (shop.path / "release.toml").read_text()
    assert '# "ci.required-checks" = "CI runs at gitlab.example' in text
    assert "token@" not in text


def test_each_value_says_where_it_came_from(chefcloud: WorkTree) -> None:
    init()

    lines = (chefcloud.path / "release.toml").read_text().splitlines()
    values = [n for n, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert len(values) > 10
    assert all("  # " in lines[n] or lines[n - 1].startswith("# ") for n in values)


def test_the_commented_examples_hold_too(shop: WorkTree) -> None:
    init()

    text = (shop.path / "release.toml").read_text()
    body = text[text.index("[release]") :]
    live = re.sub(r'^# (?=\[|["\w.*-]+ = )', "", body, flags=re.MULTILINE)
    assert len(validate(tomllib.loads(live)).waivers) == 1


def test_an_empty_folder_gets_a_file_of_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    said = (
        "release.toml: written; nothing was found here, 8 take ChefCloud's defaults out.\n"
        "Next: chefrelease doctor\n"
    )
    assert init() == (0, said)
    assert "# [environments.production]" in (tmp_path / "release.toml").read_text()


def test_below_the_root_the_repository_is_found_above(
    shop: WorkTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.path / "app")

    init()

    assert tomllib.loads(Path("release.toml").read_text())["release"]["repository"] == ".."


@pytest.mark.parametrize("ci", ["github", "gitlab", "azure", "jenkins"])
def test_the_workflow_of_a_product_in_a_monorepo_is_the_repositorys(
    shop: WorkTree, monkeypatch: pytest.MonkeyPatch, ci: str
) -> None:
    folder = shop.path / "services" / "my shop"
    folder.mkdir(parents=True)
    shop.commit({".github/workflows/ci.yml": "jobs: { compile: {}, ship: { name: Deploy it } }"})
    monkeypatch.chdir(folder)

    code, said = init("--ci", ci)

    assert code == 0, said
    [path] = [path for path in PATHS.values() if (shop.path / path).exists()]
    text = (shop.path / path).read_text()
    assert path == PATHS[ci]
    assert len(re.findall(r'cd "services/my shop" && \S*pytest -m', text)) == 3
    assert "services/my shop/reports" in text
    assert "ship in .github/workflows/ci.yml" in text
    assert '# required = ["compile"]' in (folder / "release.toml").read_text()
    if ci != "jenkins":
        assert yaml.safe_load(text)


@pytest.mark.parametrize("name", ["release.toml", "pyproject.toml"])
def test_a_file_that_is_there_stays_and_what_it_could_take_is_said(
    shop: WorkTree, name: str
) -> None:
    table = "tool.chefrelease." if name == "pyproject.toml" else ""
    mine = f'[{table}provider]\nname = "docker"\n'
    (shop.path / name).write_text(mine)

    code, said = init()

    assert code == 4
    assert (shop.path / name).read_text() == mine
    assert f"{name}: is there, and is left as it is. It could take:" in said
    assert 'app = "shop-api"' in said
    assert 'name = "fly"' not in said
    assert not (shop.path / "release.toml").exists() or name == "release.toml"


@pytest.mark.parametrize(("ci", "path"), PATHS.items())
def test_a_workflow_has_both_gates_and_the_watch_around_the_users_deploy(
    shop: WorkTree, ci: str, path: str
) -> None:
    code, _ = init("--ci", ci)

    text = (shop.path / path).read_text()
    assert code == 0
    assert "@@" not in text
    places = [text.index(f"-m {stage}") for stage in ("prerelease", "postrelease", "monitoring")]
    assert places == sorted(places)
    assert "SHOP_DB" in text
    again, said = init("--ci", ci)
    assert again == 4
    assert f"{path}: is there, and is left as it is." in said
    assert (shop.path / path).read_text() == text


@pytest.mark.parametrize(
    ("ci", "path"),
    [("github", ".github/workflows/release-gate.yml"), ("gitlab", ".gitlab-ci.yml")],
)
def test_a_workflow_is_valid_by_the_systems_own_schema(
    chefcloud: WorkTree, ci: str, path: str
) -> None:
    init("--ci", ci)

    name = {"github": "github-workflow", "gitlab": "gitlab-ci"}[ci]
    schema = json.loads((CONTRACTS / f"{name}.schema.json").read_text())
    written = yaml.safe_load((chefcloud.path / path).read_text())
    if True in written:  # YAML 1.1 reads the key "on" so; GitHub does not
        written["on"] = written.pop(True)
    jsonschema.validate(written, schema)
    jobs = written["jobs"] if ci == "github" else written
    assert "deploy" in str(jobs["postrelease"]["needs"])
    assert "deploy" not in jobs


def test_azure_hands_on_no_variable_that_it_may_not_have(shop: WorkTree) -> None:
    init("--ci", "azure")

    written = yaml.safe_load((shop.path / "azure-pipelines-release.yml").read_text())
    steps = [step for stage in written["stages"] for job in stage["jobs"] for step in job["steps"]]
    handed_on = {name for step in steps for name in step.get("env", {})}
    assert handed_on == {"PYTHONUNBUFFERED"}
    assert [stage.get("dependsOn") for stage in written["stages"]] == [
        None,
        "deploy",
        "postrelease",
    ]


def test_the_gitlab_file_of_a_pipeline_that_is_there_is_included(shop: WorkTree) -> None:
    shop.commit({".gitlab-ci.yml": "mine: { script: x }"})

    code, said = init("--ci", "gitlab")

    assert code == 0
    assert "include: [{ local: .gitlab/release-gate.yml }]" in said
    assert (shop.path / ".gitlab-ci.yml").read_text() == "mine: { script: x }"


def test_the_users_deploy_job_is_named_where_it_is_found(shop: WorkTree) -> None:
    shop.commit({".github/workflows/ship.yml": "jobs: { ship: { name: Deploy to Fly } }"})

    init("--ci", "github")

    text = (shop.path / ".github/workflows/release-gate.yml").read_text()
    assert "There is a job that looks like it: ship in .github/workflows/ship.yml." in text


# Whatever a repository holds, the file is valid and a name from outside stays in its string.
texts = st.text(st.characters(codec="utf-8"), max_size=30)


@given(value=texts, name=texts, source=texts)
def test_whatever_a_repository_holds_the_file_is_valid(value: str, name: str, source: str) -> None:
    hostile = [
        Suggestion(("provider",), "app", value, source),
        Suggestion(("ci", "commands"), name, value, source),
        Suggestion(("environments", "production"), "health", value, source),
    ]
    chosen = first_of_each(hostile)

    read = tomllib.loads(release_toml(chosen))

    assert read["provider"]["app"] == value
    for each in chosen:
        assert read[each.table[0]]


def test_examples_are_valid_and_named_once() -> None:
    assert all(each.fits for each in EXAMPLES)
    assert len({each.path for each in EXAMPLES}) == len(EXAMPLES)
    assert document(EXAMPLES).count("\n[") == 0
