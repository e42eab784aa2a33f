"""What the tests of the background share: a round of it, what came of it, and one connection that waits for another."""

import asyncio

import pytest
from builders import World, entry

from registry_api.enquiries.afterwards import Afterwards
from registry_api.register.entry import ChildEntry

_WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"


async def look_again(world: World) -> int:
    """A round of the background, on connections of its own."""
    again = Afterwards(vault=world.vault, token_keys=world.token_keys, clock=world.clock)
    return await again.match_again(world.keeping)


async def kinds(world: World, who: str = "kw-1") -> list[str]:
    return [one["kind"] for one in await world.inbox(who)]


async def queued(world: World) -> int:
    async with world.database.connection() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM child_changed"))


def known(world: World, given: str = "Quillon") -> ChildEntry:
    return entry(given, key_worker=world.members["kw-1"].id)


async def somebody_waits(world: World) -> None:
    """Return when a connection to this database waits for a lock that another holds."""
    for _ in range(500):
        async with world.database.connection() as connection:
            if await connection.fetchval(_WAITS):
                return
        await asyncio.sleep(0.01)
    pytest.fail("nobody waits")
