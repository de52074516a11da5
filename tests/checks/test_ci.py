"""ci.required-checks against the double of GitHub's API and a real repository."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from pytest_chefrelease.checks.declare import catalogue
from pytest_chefrelease.rehearsal.doubles.github.state import Entry, check_run, status
from pytest_chefrelease.runbook.evidence import Table
from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from pytest_chefrelease.runbook.release import Release
from pytest_chefrelease.settings.model import Settings
from tests.checks.looking import verify
from tests.checks.work_tree import WorkTree
from tests.probes.github_double import SLUG, TOKEN, github

ITEM = "ci.required-checks"


class Product:
    """A repository of two commits, and the verification of the newer one."""

    def __init__(self, path: Path) -> None:
        self.tree = WorkTree.make(path)
        self.older = self.tree.commit({"a": "1"})
        self.commit = self.tree.commit({"a": "2"})

    def look(
        self,
        *,
        ci: dict[str, object] | None = None,
        parameter: str | None = None,
        token: str | None = TOKEN,
        commit: str | None = "",
        **state: object,
    ) -> Result:
        return self.look_and_listen(
            ci=ci, parameter=parameter, token=token, commit=commit, **state
        )[0]

    def look_and_listen(
        self,
        *,
        ci: dict[str, object] | None = None,
        parameter: str | None = None,
        token: str | None = TOKEN,
        commit: str | None = "",
        **state: object,
    ) -> tuple[Result, Sequence[tuple[str, int]]]:
        """The result with GitHub in this state, and what GitHub was asked."""

        async def go() -> tuple[Result, Sequence[tuple[str, int]]]:
            async with github(self.commit, **state) as running:  # type: ignore[arg-type]
                result = await verify(
                    ITEM,
                    {"ci": {"api_url": running.url, "repository": SLUG} | (ci or {})},
                    stage=Stage.PRERELEASE,
                    release=Release("v1.5.0", self.commit if commit == "" else commit, "p"),
                    parameter=parameter,
                    repository=self.tree.path,
                    environment={"GITHUB_TOKEN": token} if token else {},
                )
                return result, running.asked

        return asyncio.run(go())

    def runs(self, **conclusions: str | None) -> list[Entry]:
        """The double's green runs, some with another conclusion."""
        return [
            check_run(name, self.commit, conclusions.get(name, "success"))
            for name in ("lint", "build", "test", "docs preview")
        ]


@pytest.fixture
def product(tmp_path: Path) -> Product:
    return Product(tmp_path / "product")


def rows(result: Result) -> dict[str, tuple[str, ...]]:
    assert result.evidence is not None
    table = next(one for one in result.evidence.attachments if isinstance(one, Table))
    return {row[0]: row for row in table.rows}


def assert_red(result: Result, seen: str) -> None:
    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.P2)
    assert seen in result.summary
    assert result.remedy


def assert_unverified(result: Result, seen: str) -> None:
    assert result.outcome is Outcome.UNVERIFIED
    assert seen in result.summary
    assert "\n" not in result.summary
    assert result.remedy
    assert TOKEN not in repr(result)


# --- passes


def test_all_that_the_branch_requires_has_succeeded(product: Product) -> None:
    result = product.look()

    assert result.outcome is Outcome.PASSED
    assert result.summary.startswith("4 required: lint, build, test, security/scan; the oldest")
    assert result.evidence is not None
    assert result.evidence.commit == product.commit
    shown = rows(result)
    assert shown["lint"][1:4] == ("success", "GitHub Actions", "4 h ago")
    assert shown["security/scan"][2] == "commit status"
    assert all(row[4].startswith("https://") for row in shown.values())


def test_what_is_not_required_may_fail(product: Product) -> None:
    runs = [*product.runs(), check_run("nightly", product.commit, "failure")]

    assert product.look(check_runs=runs).outcome is Outcome.PASSED


@pytest.mark.parametrize("name", ["lint", "security/scan"])
def test_a_configured_name_is_verified_by_itself(product: Product, name: str) -> None:
    result = product.look(ci={"required": [name]})

    assert result.outcome is Outcome.PASSED
    assert rows(result).keys() == {name}
    assert result.parameter == name


def test_names_from_settings_are_parameters_and_the_branch_is_one() -> None:
    check = catalogue()[ITEM]

    def parameters(ci: dict[str, object]) -> tuple[str | None, ...]:
        return check.parameters_for(Settings.model_validate({"ci": ci}), Stage.PRERELEASE)

    assert parameters({"required": ["lint", "build"]}) == ("lint", "build")
    assert parameters({}) == ("branch",)


def test_skipped_and_neutral_pass_and_are_shown_apart(product: Product) -> None:
    result = product.look(check_runs=product.runs(lint="skipped", build="neutral"))

    assert result.outcome is Outcome.PASSED
    assert "lint was skipped; build was neutral" in result.summary
    assert rows(result)["lint"][1] == "skipped"


def test_a_rerun_that_succeeded_counts(product: Product) -> None:
    again = check_run("lint", product.commit, "success", age=timedelta(minutes=5), suite=2)

    result = product.look(check_runs=[*product.runs(lint="failure"), again])

    assert result.outcome is Outcome.PASSED


def test_rulesets_alone_suffice_where_protection_may_not_be_read_and_that_is_said(
    product: Product,
) -> None:
    result = product.look(role="read")

    assert result.outcome is Outcome.PASSED
    assert result.summary.startswith("2 required: test, security/scan;")
    assert "not readable with this token: branch protection" in result.summary


# --- fails


@pytest.mark.parametrize(
    ("conclusion", "said"),
    [
        ("failure", "build failed"),
        ("cancelled", "build was cancelled"),
        ("timed_out", "build timed out"),
        ("action_required", "build waits for somebody's action"),
        ("stale", "build was given up by GitHub as stale"),
        ("startup_failure", "build could not start"),
    ],
)
def test_what_did_not_succeed_fails_by_its_own_name(
    product: Product, conclusion: str, said: str
) -> None:
    result = product.look(check_runs=product.runs(build=conclusion))

    assert_red(result, said)
    assert result.where.startswith("https://")
    assert rows(result)["build"][1] == conclusion


def test_all_that_failed_is_named(product: Product) -> None:
    result = product.look(check_runs=product.runs(build="failure", test="cancelled"))

    assert_red(result, "build failed; test was cancelled")


def test_a_failed_status_fails(product: Product) -> None:
    result = product.look(statuses=[status("security/scan", product.commit, "error")])

    assert_red(result, "security/scan ended in an error")


def test_the_newest_status_counts(product: Product) -> None:
    statuses = [
        status("security/scan", product.commit, "success", age=timedelta(hours=3)),
        status("security/scan", product.commit, "failure", age=timedelta(hours=1)),
    ]

    assert_red(product.look(statuses=statuses), "security/scan failed")


def test_a_rerun_that_failed_counts(product: Product) -> None:
    again = check_run("lint", product.commit, "failure", age=timedelta(minutes=5), suite=2)

    assert_red(product.look(check_runs=[*product.runs(), again]), "lint failed")


def test_a_failure_on_the_second_page_is_seen(product: Product) -> None:
    others = [check_run(f"matrix ({n})", product.commit) for n in range(120)]

    result = product.look(check_runs=[*product.runs(test="failure"), *others])

    assert_red(result, "test failed")


@pytest.mark.parametrize("conclusion", ["skipped", "neutral"])
def test_skipped_and_neutral_fail_where_settings_refuse_them(
    product: Product, conclusion: str
) -> None:
    result = product.look(
        check_runs=product.runs(lint=conclusion),
        ci={f"accept_{conclusion}": False},
    )

    assert_red(result, f"lint {'was ' if conclusion == 'skipped' else ''}")
    assert f"ci.accept_{conclusion}" in result.remedy


def test_a_failed_check_outweighs_a_missing_one(product: Product) -> None:
    runs = [run for run in product.runs(build="failure") if run["name"] != "lint"]

    assert_red(product.look(check_runs=runs), "build failed")


# --- no evidence


def test_a_check_that_never_ran_is_missing(product: Product) -> None:
    runs = [run for run in product.runs() if run["name"] != "lint"]

    result = product.look(check_runs=runs)

    assert_unverified(result, "lint has not run")
    assert rows(result)["lint"][1] == "missing"


def test_a_success_on_an_older_commit_is_named_as_stale(product: Product) -> None:
    runs = [check_run(name, product.older) for name in ("lint", "build", "test")]

    result = product.look(check_runs=runs)

    assert_unverified(result, "lint has not run")
    assert f"lint, build, test succeeded on {product.older[:7]}, an older commit: stale" in (
        result.summary
    )


def test_a_run_of_another_application_does_not_count(product: Product) -> None:
    runs = [run for run in product.runs() if run["name"] != "lint"]
    forged = check_run("lint", product.commit, app=4711)

    assert_unverified(product.look(check_runs=[*runs, forged]), "lint has not run")


@pytest.mark.parametrize(
    ("state", "said"), [("queued", "test is queued"), ("in_progress", "test is in progress")]
)
def test_what_still_runs_is_unverified(product: Product, state: str, said: str) -> None:
    runs = [run for run in product.runs() if run["name"] != "test"]
    running = check_run("test", product.commit, None, state=state)

    result = product.look(check_runs=[*runs, running])

    assert_unverified(result, said)
    assert result.remedy.startswith("Wait until")


def test_a_pending_status_is_unverified(product: Product) -> None:
    statuses = [status("security/scan", product.commit, "pending")]

    assert_unverified(product.look(statuses=statuses), "security/scan is pending")


def test_a_commit_without_any_result_is_no_failure(product: Product) -> None:
    result = product.look(check_runs=[], statuses=[])

    assert_unverified(result, "lint has not run; build has not run")


def test_a_branch_that_requires_nothing_is_unverified(product: Product) -> None:
    result = product.look(protection=None, rules=[])

    assert_unverified(result, "branch main requires no checks")
    assert "required = [" in result.remedy


def test_requirements_that_may_not_be_read_are_unverified(product: Product) -> None:
    result = product.look(role="read", rules=[])

    assert result.outcome is Outcome.UNVERIFIED
    assert "required = [" in result.remedy


def test_results_that_are_too_old_are_unverified(product: Product) -> None:
    runs = [
        check_run(name, product.commit, age=timedelta(days=8)) for name in ("lint", "build", "test")
    ]

    assert_unverified(product.look(check_runs=runs), "the oldest of these results is 8 days old")
    assert product.look(check_runs=runs, ci={"max_age": "30d"}).outcome is Outcome.PASSED


# --- bad input


def test_a_wrong_token_is_unverified(product: Product) -> None:
    result = product.look(token="ghp_wrong")

    assert_unverified(result, "GitHub does not accept the token in GITHUB_TOKEN")
    assert "ghp_wrong" not in repr(result)


def test_a_token_out_of_its_rate_limit_is_unverified(product: Product) -> None:
    assert_unverified(product.look(remaining=0), "GitHub's rate limit is used up until")


def test_a_secondary_rate_limit_is_unverified(product: Product) -> None:
    result = product.look(retry_after_s=60)

    assert_unverified(result, "secondary rate limit stands for 60 s")
    assert "Run again in 60 s" in result.remedy


def test_a_token_that_lacks_access_is_unverified(product: Product) -> None:
    assert_unverified(product.look(role="none"), f"shows no repository {SLUG}")


def test_a_missing_token_is_unverified(product: Product) -> None:
    assert_unverified(product.look(token=None), "GITHUB_TOKEN is not set in the environment")


def test_a_release_without_a_commit_is_unverified(product: Product) -> None:
    result = product.look(commit=None)

    assert result.outcome is Outcome.UNVERIFIED
    assert "the release commit is not known" in result.summary


def test_a_remote_that_is_not_at_github_is_unverified(product: Product) -> None:
    product.tree.git("remote", "add", "origin", "/srv/git/product.git")

    result = product.look(ci={"repository": None})

    assert_unverified(result, "does not say which GitHub repository")


def test_a_repository_without_a_remote_is_unverified(product: Product) -> None:
    assert_unverified(product.look(ci={"repository": None}), "has no remote 'origin'")


# --- manners


def test_results_are_asked_for_once_however_many_names_are_required(product: Product) -> None:
    _, asked = product.look_and_listen()

    assert [path.partition("?")[0].rpartition("/")[2] for path, _ in asked] == [
        "check-runs",
        "statuses",
        "required_status_checks",
        "main",
    ]
