"""The GitHub double, held to GitHub's published description (contracts/github.openapi.json)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from pytest_chefrelease.rehearsal.doubles.github.state import alert, check_run, published, status
from pytest_chefrelease.rehearsal.stack import Stack

DOCUMENT = json.loads((Path(__file__).parent / "contracts" / "github.openapi.json").read_text())
URI = "urn:github"
REGISTRY: Registry[Mapping[str, object]] = Registry().with_resource(
    URI, DRAFT4.create_resource(DOCUMENT)
)
REPOSITORY = "/repos/{owner}/{repo}"
HERE = "/repos/chefcloud/chefcloud"


def problems(path: str, status_code: int, body: object) -> list[str]:
    """Where a body differs from what the description says of this answer."""
    pointer = path.replace("~", "~0").replace("/", "~1")
    schema = f"{URI}#/paths/{pointer}/get/responses/{status_code}/content/application~1json/schema"
    if status_code >= 400:
        schema = f"{URI}#/components/schemas/basic-error"
    validator = OAS30Validator({"$ref": schema}, registry=REGISTRY)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]


@pytest.fixture
def github(stack: Stack) -> Iterator[httpx.Client]:
    token = stack.environment["GITHUB_TOKEN"]
    with httpx.Client(
        base_url=stack.github_url,
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("template", "path"),
    [
        (REPOSITORY, ""),
        (REPOSITORY + "/commits/{ref}/check-runs", "/commits/v1.5.0/check-runs"),
        (REPOSITORY + "/commits/{ref}/status", "/commits/v1.5.0/status"),
        (REPOSITORY + "/commits/{ref}/status", "/commits/v1.4.2/status"),
        (REPOSITORY + "/commits/{ref}/statuses", "/commits/main/statuses"),
        (REPOSITORY + "/branches/{branch}/protection", "/branches/main/protection"),
        (
            REPOSITORY + "/branches/{branch}/protection/required_status_checks",
            "/branches/main/protection/required_status_checks",
        ),
        (REPOSITORY + "/rules/branches/{branch}", "/rules/branches/main"),
        (REPOSITORY + "/git/ref/{ref}", "/git/ref/tags/v1.5.0"),
        (REPOSITORY + "/git/ref/{ref}", "/git/ref/heads/main"),
    ],
)
def test_each_answer_is_as_the_description_says(
    github: httpx.Client, template: str, path: str
) -> None:
    answer = github.get(HERE + path)

    assert answer.status_code == 200
    assert problems(template, 200, answer.json()) == []


def test_the_validation_would_notice_a_missing_field(github: httpx.Client) -> None:
    body = github.get(HERE + "/commits/main/check-runs").json()
    del body["check_runs"][0]["conclusion"]

    assert problems(REPOSITORY + "/commits/{ref}/check-runs", 200, body) == [
        "$.check_runs[0]: 'conclusion' is a required property"
    ]


@pytest.mark.parametrize("kind", ["secret-scanning", "code-scanning", "dependabot"])
def test_alerts_are_as_the_description_says(stack: Stack, github: httpx.Client, kind: str) -> None:
    names = {"secret-scanning": "secret", "code-scanning": "code", "dependabot": "dependency"}
    found = alert(names[kind], "something", stack.release_build.commit)
    stack.change("github", alerts=[found, {**found, "state": "fixed"}])

    answer = github.get(f"{HERE}/{kind}/alerts?state=open")

    assert len(answer.json()) == 1
    assert problems(f"{REPOSITORY}/{kind}/alerts", 200, answer.json()) == []


def test_a_release_is_as_the_description_says(stack: Stack, github: httpx.Client) -> None:
    stack.change("github", releases=[published("v1.5.0", "## Features")])

    answer = github.get(HERE + "/releases/tags/v1.5.0")

    assert answer.json()["body"] == "## Features"
    assert problems(REPOSITORY + "/releases/tags/{tag}", 200, answer.json()) == []


def test_an_annotated_tag_is_a_tag_object_of_the_release(
    stack: Stack, github: httpx.Client
) -> None:
    ref = github.get(HERE + "/git/ref/tags/v1.5.0").json()
    tag = github.get(f"{HERE}/git/tags/{ref['object']['sha']}").json()

    assert ref["object"]["type"] == "tag"
    assert tag["object"] == {
        "type": "commit",
        "sha": stack.release_build.commit,
        "url": f"{stack.github_url}/repos/chefcloud/chefcloud/git/commits/"
        f"{stack.release_build.commit}",
    }
    assert problems(REPOSITORY + "/git/tags/{tag_sha}", 200, tag) == []


def test_a_lightweight_tag_is_a_commit(stack: Stack, github: httpx.Client) -> None:
    repository = stack.touch_repository()
    repository.git("tag", "light")
    repository.git("push", "--quiet", "origin", "light")

    assert github.get(HERE + "/git/ref/tags/light").json()["object"]["type"] == "commit"


def test_what_is_not_there_is_404(github: httpx.Client) -> None:
    for path in ("/git/ref/tags/v9.9.9", "/git/tags/" + "0" * 40, "/nothing/here"):
        answer = github.get(HERE + path)
        assert answer.status_code == 404
        assert problems(REPOSITORY, 404, answer.json()) == []


def test_another_repository_is_404(stack: Stack, github: httpx.Client) -> None:
    assert github.get("/repos/someone/else").status_code == 404


def test_the_rate_limit_is_as_described(stack: Stack, github: httpx.Client) -> None:
    answer = github.get("/rate_limit")

    assert problems("/rate_limit", 200, answer.json()) == []
    assert answer.headers["x-ratelimit-limit"] == "5000"


def test_pages_are_linked_and_complete(stack: Stack, github: httpx.Client) -> None:
    commit = stack.release_build.commit
    stack.change("github", check_runs=[check_run(f"job {n}", commit) for n in range(250)])
    names: list[str] = []
    url: str | None = f"{HERE}/commits/{commit}/check-runs?per_page=100"
    pages = 0
    while url:
        answer = github.get(url)
        assert answer.json()["total_count"] == 250
        names += [run["name"] for run in answer.json()["check_runs"]]
        pages += 1
        url = answer.links.get("next", {}).get("url")

    assert pages == 3
    assert sorted(names) == sorted(f"job {n}" for n in range(250))


def test_more_than_a_hundred_for_each_page_are_not_given(
    stack: Stack, github: httpx.Client
) -> None:
    commit = stack.release_build.commit
    stack.change("github", check_runs=[check_run(f"job {n}", commit) for n in range(120)])

    answer = github.get(f"{HERE}/commits/{commit}/check-runs?per_page=1000")

    assert len(answer.json()["check_runs"]) == 100


def test_latest_gives_the_newest_run_of_each_name_and_app(
    stack: Stack, github: httpx.Client
) -> None:
    commit = stack.release_build.commit
    runs = [
        check_run("build", commit, "failure", age=timedelta(hours=3)),
        check_run("build", commit, "success", age=timedelta(hours=1)),
        check_run("build", commit, "neutral", age=timedelta(hours=2), app=57789),
    ]
    stack.change("github", check_runs=list(runs))

    latest = github.get(f"{HERE}/commits/{commit}/check-runs").json()["check_runs"]
    every = github.get(f"{HERE}/commits/{commit}/check-runs?filter=all").json()["check_runs"]

    assert sorted(run["conclusion"] for run in latest) == ["neutral", "success"]
    assert len(every) == 3


def test_a_commit_without_statuses_is_pending_with_none(github: httpx.Client) -> None:
    combined = github.get(HERE + "/commits/v1.4.2/status").json()

    assert (combined["state"], combined["total_count"]) == ("pending", 0)


@pytest.mark.parametrize(
    ("states", "combined"),
    [
        (("success", "success"), "success"),
        (("success", "pending"), "pending"),
        (("pending", "error"), "failure"),
        (("success", "failure"), "failure"),
    ],
)
def test_the_combined_state_follows_githubs_rule(
    stack: Stack, github: httpx.Client, states: tuple[str, str], combined: str
) -> None:
    commit = stack.release_build.commit
    entries = [status(f"ci/{n}", commit, state) for n, state in enumerate(states)]
    stack.change("github", statuses=list(entries))

    assert github.get(f"{HERE}/commits/{commit}/status").json()["state"] == combined


def test_an_unchanged_answer_is_304_without_a_body(github: httpx.Client) -> None:
    first = github.get(HERE + "/rules/branches/main")
    again = github.get(
        HERE + "/rules/branches/main", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert again.status_code == 304
    assert again.content == b""


def test_a_changed_answer_is_not_304(stack: Stack, github: httpx.Client) -> None:
    first = github.get(HERE + "/rules/branches/main")
    stack.change("github", rules=[])

    again = github.get(
        HERE + "/rules/branches/main", headers={"If-None-Match": first.headers["ETag"]}
    )

    assert again.json() == []


def test_a_wrong_token_is_401(github: httpx.Client) -> None:
    answer = github.get(HERE, headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401
    assert answer.json()["message"] == "Bad credentials"


def test_a_private_repository_does_not_exist_for_strangers(
    stack: Stack, github: httpx.Client, http: httpx.Client
) -> None:
    assert http.get(stack.github_url + HERE).status_code == 404

    stack.change("github", role="none")
    assert github.get(HERE).status_code == 404


def test_protection_is_for_administrators_and_rules_are_for_readers(
    stack: Stack, github: httpx.Client
) -> None:
    stack.change("github", role="read")

    assert github.get(HERE + "/branches/main/protection").status_code == 403
    assert github.get(HERE + "/rules/branches/main").status_code == 200


def test_an_unprotected_branch_is_404(stack: Stack, github: httpx.Client) -> None:
    stack.change("github", protection=None)

    answer = github.get(HERE + "/branches/main/protection/required_status_checks")

    assert (answer.status_code, answer.json()["message"]) == (404, "Branch not protected")


def test_an_exhausted_limit_says_until_when(stack: Stack, github: httpx.Client) -> None:
    stack.change("github", remaining=0, reset_in_s=900)

    answer = github.get(HERE)

    assert answer.status_code == 403
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert re.fullmatch(r"\d{10}", answer.headers["x-ratelimit-reset"])
    assert problems(REPOSITORY, 403, answer.json()) == []


def test_a_secondary_limit_says_how_long_to_wait(stack: Stack, github: httpx.Client) -> None:
    stack.change("github", retry_after_s=60)

    answer = github.get(HERE)

    assert answer.status_code == 403
    assert answer.headers["retry-after"] == "60"
    assert int(answer.headers["x-ratelimit-remaining"]) > 0
