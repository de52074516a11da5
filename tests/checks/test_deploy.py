"""The deploy items against real servers: an application, and the doubles of its providers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import pytest

from pytest_chefrelease.rehearsal.doubles import fly, render
from pytest_chefrelease.rehearsal.intercept import Json
from pytest_chefrelease.runbook.evidence import Table
from pytest_chefrelease.runbook.item import Severity, Stage
from pytest_chefrelease.runbook.outcome import Outcome, Result
from tests.checks.verified import RELEASE, settings_for, verify
from tests.probes.loopback import Request, answer, serving
from tests.probes.vendor_doubles import (
    PREVIOUS,
    TOKENS,
    Running,
    serving_fly,
    serving_render,
)
from tests.probes.vendor_doubles import RELEASE as BUILD

JSON = {"content-type": "application/json"}
NEW = {"status": "ok", "version": "1.5.0", "commit": RELEASE.commit}
OLD = {"status": "ok", "version": "1.4.2", "commit": PREVIOUS.commit}
NOT_YET = answer(503, '{"status": "starting"}', JSON)
DEPLOYED = fly.deployed(PREVIOUS, BUILD)
HALF_WAY = {**DEPLOYED, "machines": fly.fleet(build=0)}
Says = Callable[[int, Request], bytes]
"""What the application answers to its n-th request, counted from 0."""


def health(document: Mapping[str, object]) -> bytes:
    return answer(200, json.dumps(document), JSON)


def always(document: Mapping[str, object]) -> Says:
    return lambda _number, _request: health(document)


def deployed(
    says: Says,
    provider: AbstractAsyncContextManager[Running] | None = None,
    state: Mapping[str, Json] | None = None,
    *,
    item: str = "deploy.executed",
    part: str | None = "api",
    settle: str = "600ms",
    said: list[str] | None = None,
    later: Mapping[str, Json] | None = None,
    **provider_table: object,
) -> Result:
    """The result of an item where an application says so.

    ``later`` is the provider's state once the application has been asked for a first look.
    """
    count = 0
    becomes: Callable[[], None] | None = None

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal count, becomes
        writer.write(says(count, request))
        count += 1
        if becomes is not None:
            becomes()
            becomes = None

    async def looked(site: str, table: Mapping[str, object]) -> Result:
        settings = settings_for(
            site,
            deploy={"settle": settle, "every": "100ms"},
            provider={**table, **provider_table},
        )
        return await verify(item, part, settings, environment=dict(TOKENS), said=said)

    async def go() -> Result:
        nonlocal becomes
        async with serving(reply) as site:
            if provider is None:
                return await looked(site.url, {})
            async with provider as running:
                running.double.change(state or {})
                if later is not None:
                    becomes = partial(running.double.change, later)
                return await looked(site.url, {**_named(running), "api_url": running.url})

    return asyncio.run(go())


def _named(running: Running) -> dict[str, object]:
    app = fly.API_APP if running.double.name == "fly" else render.SERVICE
    return {"name": running.double.name, "app": app}


def facts(result: Result) -> Mapping[str, Any]:
    assert result.evidence is not None
    return result.evidence.facts


# --- deploy.executed: the application alone


def test_without_a_provider_five_connections_suffice_and_the_evidence_says_so() -> None:
    result = deployed(always(NEW))

    assert result.outcome is Outcome.PASSED
    assert facts(result)["connections"] == 5
    assert "only the application was asked, no provider is configured" in result.summary


def test_an_endpoint_that_is_not_there_is_not_waited_for() -> None:
    said: list[str] = []

    result = deployed(lambda *_: answer(404, "no such page"), settle="10m", said=said)

    assert result.outcome is Outcome.UNVERIFIED
    assert "does not say what it runs: status 404" in result.summary
    assert "Let it tell its version" in result.remedy
    assert said == []


def test_each_request_has_a_connection_of_its_own() -> None:
    opened = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while await reader.readline() not in (b"\r\n", b""):
            pass
        writer.write(health(NEW))
        await writer.drain()
        # The connection stays open for another request, which must not come.
        assert await reader.read() == b""
        writer.close()

    async def go() -> Result:
        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            return await verify("deploy.executed", "api", settings_for(url))

    assert asyncio.run(go()).outcome is Outcome.PASSED
    assert opened == 5


def test_an_old_release_is_waited_for_and_then_fails() -> None:
    said: list[str] = []

    result = deployed(always(OLD), said=said)

    assert result.outcome is Outcome.FAILED
    assert result.severity is Severity.P1
    assert "the api runs 1.4.2 at bbbbbbbbbbbb" in result.summary
    assert result.expected == "v1.5.0 at c0ffee500000 everywhere"
    assert said[0].startswith("deploy of api: the api runs 1.4.2")


def test_a_late_release_passes_and_is_told_as_late() -> None:
    result = deployed(lambda number, _: health(OLD if number < 7 else NEW), settle="3s")

    assert result.outcome is Outcome.PASSED
    assert "late: not so yet at" in result.summary
    assert facts(result)["flapped"] is False


def test_mixed_versions_name_the_connections_that_still_have_the_old_one() -> None:
    result = deployed(lambda number, _: health(OLD if number % 5 == 0 else NEW))

    assert result.outcome is Outcome.FAILED
    assert "mixed versions: connection" in result.summary
    assert "says 1.4.2 at bbbbbbbbbbbb" in result.summary


def test_a_version_that_comes_and_goes_is_told_as_flapping() -> None:
    # Looks of five requests each: new, new for most, then old again now and then.
    result = deployed(
        lambda number, _: health(OLD if number < 5 or number // 5 % 2 == 0 else NEW), settle="1s"
    )

    assert result.outcome is Outcome.FAILED
    assert "flapping" in result.summary


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (NOT_YET, "the api does not say what it runs: status 503"),
        (answer(200, "<html>hello</html>", {"content-type": "text/html"}), "a page answers"),
        (answer(200, "nonsense", JSON), "instead of JSON"),
        (health({"status": "ok"}), "does not say on every connection which release it runs"),
        (health({**NEW, "version": "1.4.2"}), "contradicts itself: 1.4.2 at c0ffee500000"),
    ],
)
def test_what_does_not_tell_its_release_is_no_evidence(reply: bytes, said: str) -> None:
    result = deployed(lambda _number, _request: reply)

    assert result.outcome is Outcome.UNVERIFIED
    assert said in result.summary


def test_one_silent_instance_of_many_is_no_evidence() -> None:
    result = deployed(lambda number, _: NOT_YET if number % 5 == 2 else health(NEW))

    assert result.outcome is Outcome.UNVERIFIED
    assert "1 of 5 requests got no answer: status 503" in result.summary


# --- deploy.executed: with Fly.io


def test_fly_and_every_instance_agree() -> None:
    led: list[str] = []

    def says(_: int, request: Request) -> bytes:
        led.extend(filter(None, [request.headers.get("fly-force-instance-id")]))
        return health(NEW)

    result = deployed(says, serving_fly(), DEPLOYED)

    assert result.outcome is Outcome.PASSED
    assert "Fly.io app chefcloud-prod-api: 2 running of the release, release 42" in result.summary
    assert sorted(led) == sorted(str(fly.machine(fly.API_APP, n)["id"]) for n in (0, 1))
    assert facts(result)["connections"] == 7
    assert str(facts(result)["previous_reference"]).startswith(
        "registry.fly.io/chefcloud-prod-api:"
    )
    assert result.evidence is not None
    tables = [each for each in result.evidence.attachments if isinstance(each, Table)]
    assert [len(table.rows) for table in tables] == [7, 2]


def test_a_roll_that_stops_half_way_names_the_machine() -> None:
    result = deployed(always(NEW), serving_fly(), HALF_WAY)

    old = fly.machine(fly.API_APP, 1)["id"]
    assert result.outcome is Outcome.FAILED
    assert f"mixed versions: {old} has bbbbbbbbbbbb at v1.4.2" in result.summary


def test_a_roll_is_waited_for() -> None:
    said: list[str] = []

    result = deployed(
        always(NEW), serving_fly(), HALF_WAY, later=DEPLOYED | {"machines": fly.fleet()},
        settle="5s", said=said,
    )  # fmt: skip

    assert result.outcome is Outcome.PASSED
    assert "late" in result.summary
    assert any("mixed versions" in line for line in said)


def test_a_machine_that_is_replaced_shows_a_deploy_under_way() -> None:
    state: dict[str, Json] = {**DEPLOYED, "machines": fly.fleet(state="replacing")}

    result = deployed(always(NEW), serving_fly(), state)

    assert result.outcome is Outcome.FAILED
    assert "under way" in result.summary
    assert "is replacing" in result.summary


def test_only_the_instance_itself_tells_that_it_is_old() -> None:
    second = fly.machine(fly.API_APP, 1)["id"]

    def says(_: int, request: Request) -> bytes:
        return health(OLD if request.headers.get("fly-force-instance-id") == second else NEW)

    result = deployed(says, serving_fly(), DEPLOYED)

    assert result.outcome is Outcome.FAILED
    assert f"mixed versions: instance {second} says 1.4.2" in result.summary


def test_another_release_everywhere_fails_at_once() -> None:
    result = deployed(always(OLD), serving_fly(), settle="10m")

    assert result.outcome is Outcome.FAILED
    assert "attempts" not in facts(result)
    assert "the api runs 1.4.2" in result.summary


@pytest.mark.parametrize(("says", "state"), [(NEW, {}), (OLD, DEPLOYED)])
def test_witnesses_that_differ_are_both_shown(
    says: dict[str, object], state: dict[str, Json]
) -> None:
    result = deployed(always(says), serving_fly(), state)

    assert result.outcome is Outcome.UNVERIFIED
    assert "two witnesses differ: the api says 1." in result.summary
    assert "Fly.io app chefcloud-prod-api" in result.summary


def test_an_app_without_machines_is_not_deployed() -> None:
    result = deployed(always(NEW), serving_fly(), {"machines": []}, settle="10m")

    assert result.outcome is Outcome.FAILED
    assert "has no instance at all" in result.summary


def test_machines_of_release_commands_and_standbys_do_not_count() -> None:
    gone = fly.machine(fly.API_APP, 1, state="destroyed", build=0)
    state: dict[str, Json] = {**DEPLOYED, "machines": [fly.machine(fly.API_APP, 0), gone]}

    assert deployed(always(NEW), serving_fly(), state).outcome is Outcome.PASSED


def test_a_wrong_token_and_a_wrong_app_are_no_evidence() -> None:
    wrong = deployed(always(NEW), serving_fly(), DEPLOYED, token_env="RENDER_API_KEY")
    nobody = deployed(always(NEW), serving_fly(), DEPLOYED, app="chef-pord")

    assert wrong.outcome is nobody.outcome is Outcome.UNVERIFIED
    assert "answers 401: the token in RENDER_API_KEY" in wrong.summary
    assert "knows no app chef-pord" in nobody.summary


# --- deploy.executed: with Render


def test_a_live_deploy_of_the_release_passes() -> None:
    state: dict[str, Json] = {"deploys": [
        render.deploy(2, BUILD.commit, "live", 90),
        render.deploy(1, PREVIOUS.commit, "deactivated", 9_000),
    ]}  # fmt: skip

    result = deployed(always(NEW), serving_render(), state)

    assert result.outcome is Outcome.PASSED
    assert "2 running of the release, deploy dep-d1chefcloud000000002 live" in result.summary
    assert facts(result)["previous_reference"] == "dep-d1chefcloud000000001"


@pytest.mark.parametrize("status", ["queued", "update_in_progress"])
def test_a_deploy_that_goes_on_is_waited_for(status: str) -> None:
    older = render.deploy(1, PREVIOUS.commit, "live", 9_000)
    state: dict[str, Json] = {"deploys": [render.deploy(2, BUILD.commit, status, 5), older]}

    result = deployed(always(NEW), serving_render(), state)

    assert result.outcome is Outcome.FAILED
    assert f"under way: deploy dep-d1chefcloud000000002 {status}" in result.summary


@pytest.mark.parametrize("status", ["build_failed", "canceled"])
def test_a_deploy_that_failed_fails_at_once(status: str) -> None:
    older = render.deploy(1, PREVIOUS.commit, "live", 9_000)
    state: dict[str, Json] = {"deploys": [render.deploy(2, BUILD.commit, status, 60), older]}

    result = deployed(always(OLD), serving_render(), state, settle="10m")

    assert result.outcome is Outcome.FAILED
    assert (
        f"ended as {status}; dep-d1chefcloud000000001 from before is still live" in result.summary
    )


def test_an_instance_older_than_the_live_deploy_is_not_of_it() -> None:
    state: dict[str, Json] = {
        "deploys": [render.deploy(2, BUILD.commit, "live", 90)],
        "instances_ago_s": [60, 7_200],
    }

    result = deployed(always(NEW), serving_render(), state)

    assert result.outcome is Outcome.FAILED
    assert f"{render.SERVICE}-00001 is older than the live deploy" in result.summary


def test_a_static_site_has_a_deploy_and_no_instances() -> None:
    state: dict[str, Json] = {
        "deploys": [render.deploy(2, BUILD.commit, "live", 90)],
        "type": "static_site",
    }

    executed = deployed(always(NEW), serving_render(), state)
    instances = deployed(always(NEW), serving_render(), state, item="deploy.instances", part=None)

    assert executed.outcome is Outcome.PASSED
    assert instances.outcome is Outcome.NOT_APPLICABLE


# --- deploy.instances


def instances(
    provider: AbstractAsyncContextManager[Running],
    state: Mapping[str, Json],
    *,
    settle: str = "600ms",
    min_instances: int | None = None,
) -> Result:
    return deployed(
        always(NEW),
        provider,
        state,
        item="deploy.instances",
        part=None,
        settle=settle,
        min_instances=min_instances,
    )


def test_all_machines_running_and_well_pass() -> None:
    result = instances(serving_fly(), DEPLOYED)

    assert result.outcome is Outcome.PASSED
    assert result.summary == "Fly.io app chefcloud-prod-api: 2 of 2 wanted running and well"


def test_without_a_provider_there_is_nothing_to_count() -> None:
    result = deployed(always(NEW), item="deploy.instances", part=None)

    assert result.outcome is Outcome.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"check": "critical"}, "in arn: servicecheck-00-http-3001 is critical"),
        ({"state": "stopped"}, "1 of 2 run and are well"),
        ({"state": "failed"}, "in arn: failed"),
        ({"state": "starting"}, "in arn: starting"),
    ],
)
def test_a_machine_that_is_not_well_is_named(second: dict[str, str], said: str) -> None:
    result = instances(serving_fly(), {**DEPLOYED, "machines": fly.fleet(**second)})

    assert result.outcome is Outcome.FAILED
    assert result.severity is Severity.P2
    assert said in result.summary


def test_settings_may_want_more_than_there_are() -> None:
    result = instances(serving_fly(), DEPLOYED, min_instances=3)

    assert result.outcome is Outcome.FAILED
    assert "2 of 3 run and are well" in result.summary


@pytest.mark.parametrize(
    ("exits", "outcome"),
    [([30, 60], Outcome.PASSED), ([30, 60, 90], Outcome.FAILED), ([3600] * 9, Outcome.PASSED)],
)
def test_three_unasked_ends_in_a_quarter_of_an_hour_are_a_loop(
    exits: list[int], outcome: Outcome
) -> None:
    state: dict[str, Json] = {**DEPLOYED, "machines": fly.fleet(exits_ago_s=exits)}

    result = instances(serving_fly(), state, settle="10m")

    assert result.outcome is outcome
    assert ("restart loop" in result.summary) is (outcome is Outcome.FAILED)


@pytest.mark.parametrize("ago_s", [2**60, -(2**60)])
def test_an_event_of_no_time_that_there_is_leaves_it_open(ago_s: int) -> None:
    state: dict[str, Json] = {**DEPLOYED, "machines": fly.fleet(exits_ago_s=[ago_s])}

    result = instances(serving_fly(), state)

    assert result.outcome is Outcome.UNVERIFIED
    assert "not as documented" in result.summary


def test_renders_failures_are_counted_for_each_instance() -> None:
    deploys = [render.deploy(2, BUILD.commit, "live", 900)]
    state: dict[str, Json] = {"deploys": deploys, "failures_ago_s": [20, 40, 60], "failing": 1}

    result = instances(serving_render(), state)

    assert result.outcome is Outcome.FAILED
    assert f"{render.SERVICE}-00001 ended 3 times unasked in 15 min" in result.summary


def test_fewer_instances_than_render_is_scaled_to_fail() -> None:
    result = instances(serving_render(), {"instances_ago_s": [60]})

    assert result.outcome is Outcome.FAILED
    assert "Render service chefcloud-api: 1 of 2 run and are well" in result.summary


# --- maintenance

PAGE = answer(503, "<html>Back in a moment</html>", {"retry-after": "120"})
OPEN = answer(200, "<html>ChefCloud</html>")


def maintenance(item: str, stage: Stage, paths: Mapping[str, list[bytes]], **table: str) -> Result:
    """The result where each path answers these one after the other, the last for ever."""

    async def reply(request: Request, writer: asyncio.StreamWriter) -> None:
        answers = paths[request.path]
        writer.write(answers.pop(0) if len(answers) > 1 else answers[0])

    async def go() -> Result:
        async with serving(reply) as site:
            settings = settings_for(
                environments={"production": {"api": site.url, "web": site.url}},
                maintenance=table,
                deploy={"settle": "400ms", "every": "100ms"},
            )
            return await verify(item, None, settings, stage=stage)

    return asyncio.run(go())


@pytest.mark.parametrize(
    ("page", "outcome", "said"),
    [
        (PAGE, Outcome.PASSED, "status 503, Retry-After 120"),
        (answer(404, "no"), Outcome.FAILED, "status 404 where the maintenance page should be"),
        (answer(200, "Back soon"), Outcome.FAILED, "status 200 where"),
        (answer(503, "Back soon"), Outcome.FAILED, "status 503, Retry-After missing"),
        (answer(503, "x", {"retry-after": "soon"}), Outcome.FAILED, "Retry-After soon"),
        (answer(503, "", {"retry-after": "120"}), Outcome.FAILED, "the maintenance page is empty"),
    ],
)
def test_the_maintenance_page_is_looked_at_before_it_is_needed(
    page: bytes, outcome: Outcome, said: str
) -> None:
    paths = {"/soon": [page]}

    result = maintenance("deploy.maintenance-on", Stage.PRERELEASE, paths, preview="/soon")

    assert result.outcome is outcome
    assert said in result.summary


def test_without_a_preview_maintenance_has_to_be_on_already() -> None:
    result = maintenance("deploy.maintenance-on", Stage.PRERELEASE, {"/": [OPEN]}, path="/")

    assert result.outcome is Outcome.FAILED
    assert "maintenance.preview" in result.remedy


@pytest.mark.parametrize(
    ("answers", "outcome", "said"),
    [
        ([OPEN], Outcome.PASSED, "maintenance is off"),
        ([PAGE, OPEN], Outcome.PASSED, "late"),
        ([PAGE], Outcome.FAILED, "maintenance is still on: status 503"),
        (
            [answer(200, "<html>Back in a moment</html>")],
            Outcome.FAILED,
            "still on: status 200 with the maintenance page",
        ),
    ],
)
def test_maintenance_must_be_over_after_the_deploy(
    answers: list[bytes], outcome: Outcome, said: str
) -> None:
    paths = {"/": list(answers), "/soon": [PAGE]}

    result = maintenance(
        "deploy.maintenance-off", Stage.POSTRELEASE, paths, path="/", preview="/soon"
    )

    assert result.outcome is outcome
    assert said in result.summary


@pytest.mark.parametrize(
    ("item", "stage"),
    [
        ("deploy.maintenance-on", Stage.PRERELEASE),
        ("deploy.maintenance-off", Stage.POSTRELEASE),
    ],
)
def test_without_a_maintenance_page_there_is_nothing_to_look_at(item: str, stage: Stage) -> None:
    assert maintenance(item, stage, {}).outcome is Outcome.NOT_APPLICABLE
