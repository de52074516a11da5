"""The throw-away servers of a run: none stays, whenever the run ends."""

from __future__ import annotations

import asyncio

import pytest

from pytest_chefrelease.probes.scratch import keeper
from pytest_chefrelease.probes.scratch.keeper import Keeper
from pytest_chefrelease.probes.scratch.server import Cluster, start


@pytest.mark.parametrize("after_s", [0.0, 0.3])
def test_a_run_that_ends_while_a_server_starts_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch, after_s: float
) -> None:
    begun = asyncio.Event()
    started: list[Cluster] = []

    def noted(*arguments: object, **named: object) -> Cluster:
        loop.call_soon_threadsafe(begun.set)
        started.append(start(*arguments, **named))  # type: ignore[arg-type]
        return started[0]

    async def ended() -> None:
        servers = Keeper()
        waiting = asyncio.create_task(servers.server())
        await begun.wait()
        await asyncio.sleep(after_s)
        # As the runner does it: whatever is under way, the keeper's own tasks among it.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await servers.close()
        assert waiting.cancelled()

    monkeypatch.setattr(keeper, "start", noted)
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(ended())
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    (cluster,) = started
    assert cluster.process.poll() is not None
    assert not cluster.folder.exists()
