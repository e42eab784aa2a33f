"""What tests of erasing do: run it, years later; count what is left; place a hold."""

from datetime import timedelta
from uuid import UUID, uuid4

from builders import World

from registry_api.access_log import keeping_store
from registry_api.access_log.checking import Findings, check
from registry_api.access_log.erasure import Erased, Erasure
from registry_api.access_log.sealing import subject_master
from registry_api.kernel.crypto import LocalKeys

YEARS_LATER = timedelta(days=365 * 25 + 60)


def erasure(world: World) -> Erasure:
    made: Erasure = world.app.state.erasure
    return made


async def erase(world: World) -> Erased:
    return await erasure(world).run(world.database)


async def count(world: World, table: str) -> int:
    async with world.database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def findings(world: World) -> Findings:
    master = subject_master(LocalKeys.load(world.settings.keys_file))
    async with world.database.connection() as connection:
        return await check(connection, world.vault, master)


async def hold(world: World, **what: object) -> UUID:
    """Place a hold as the command does."""
    made = uuid4()
    held = {"child_id": None, "reference": None, "professional_id": None, **what}
    async with world.database.transaction() as connection:
        await keeping_store.place_hold(connection, made, at=world.clock(), entry=1, **held)
    return made
