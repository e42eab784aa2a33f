"""Notices of somebody who was suspended: the duty social worker has them within the next round of housekeeping."""

import asyncio

import pytest
from builders import World, entry, question

from registry_api import housekeeping, main
from registry_api.routing.store import hand_on_from_suspended

pytestmark = pytest.mark.rule("ENQ-10", "ENQ-11")


async def _suspend(world: World, who: str) -> None:
    async with world.database.connection() as connection:
        await connection.execute("UPDATE professional SET suspended_at = now() WHERE id = $1", world.members[who].id)


async def _hand_on(world: World) -> int:
    async with world.database.connection() as connection:
        return await hand_on_from_suspended(connection, world.clock())


async def test_what_waits_for_somebody_who_left_goes_to_duty_and_is_recorded(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    (notice,) = await world.inbox("kw-1")
    assert await _hand_on(world) == 0
    await _suspend(world, "kw-1")
    assert await _hand_on(world) == 1
    (handed_on,) = await world.inbox("duty-1")
    assert handed_on == notice | {"why_you": "duty"}
    (recorded,) = await world.log("notification.handed_on")
    assert (recorded["reference"], recorded["reason"], recorded["at"]) == (
        notice["id"],
        "recipient_suspended",
        world.clock(),
    )
    assert await _hand_on(world) == 0


async def test_what_was_picked_up_stays_with_whoever_did(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    (notice,) = await world.inbox("kw-1")
    url = f"/api/v1/notifications/{notice['id']}/acknowledge"
    await world.http.post(url, auth=world.auth("kw-1", "casework"))
    await _suspend(world, "kw-1")
    assert await _hand_on(world) == 0
    assert await world.inbox("duty-1") == []


async def test_what_was_told_for_their_return_had_an_owner_already(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.cover("kw-1", "kw-2")
    await world.ask("officer-1", question())
    await _suspend(world, "kw-1")
    assert await _hand_on(world) == 0
    assert len(await world.inbox("kw-2")) == 1
    await _suspend(world, "kw-2")
    assert await _hand_on(world) == 1
    assert len(await world.inbox("duty-1")) == 1


async def test_workers_that_do_it_at_once_hand_each_on_once(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    for _ in range(5):
        await world.ask("officer-1", question())
    await _suspend(world, "kw-1")
    assert sum(await asyncio.gather(*(_hand_on(world) for _ in range(2)))) == 5
    assert len(await world.log("notification.handed_on")) == 5


async def test_the_service_does_it_by_itself(world: World, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    await _suspend(world, "kw-1")
    monkeypatch.setattr(housekeeping, "_EVERY_SECONDS", 0.01)
    worker = main.create_app(world.settings, world.urls, clock=world.clock)
    async with asyncio.timeout(5), worker.router.lifespan_context(worker):
        while not await world.inbox("duty-1"):  # noqa: ASYNC110 - whether it is done is for the inbox to say
            await asyncio.sleep(0.02)
