"""What tests wait for who have one connection wait for another."""

import asyncio

import pytest
from builders import World

_WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())"


async def somebody_waits(world: World) -> None:
    """Return when a connection to this database waits for a lock that another holds."""
    for _ in range(500):
        async with world.database.connection() as connection:
            if await connection.fetchval(_WAITS):
                return
        await asyncio.sleep(0.01)
    pytest.fail("nobody waits")
