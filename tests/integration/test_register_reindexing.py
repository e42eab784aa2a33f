"""The index is made anew while the service answers: nothing is missed before, during or after it."""

import pytest
from builders import World, entry, question

from registry_api.enquiries.reindexing import Reindexing
from registry_api.kernel.errors import StoreUnavailable
from registry_api.matching.token_keys import TOKEN_VERSION, TokenKeys
from registry_api.register import loading

pytestmark = pytest.mark.rule("ENQ-4")
_EARLIER = TOKEN_VERSION - 1


async def earlier_release(world: World) -> Reindexing:
    """Leave the world as an earlier release would have: everything indexed under its version."""
    keys = world.token_keys
    world.token_keys = keys.of(_EARLIER)
    await world.add(entry(key_worker=world.members["kw-1"].id))
    world.token_keys = keys
    served: TokenKeys = world.app.state.enquiries._token_keys
    reindexing = Reindexing(vault=world.vault, token_keys=served)
    await reindexing.expect(world.keeping)
    return reindexing


async def versions(world: World) -> list[int]:
    async with world.database.connection() as connection:
        return [row["token_version"] for row in await connection.fetch("SELECT DISTINCT token_version FROM child")]


async def test_a_child_is_found_before_during_and_after(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reindexing = await earlier_release(world)
    assert (await world.ask("officer-1", question())).json()["outcome"] == "open_case"
    await world.add(entry(given="Marmaduke", key_worker=world.members["kw-2"].id))

    async def lost(*_: object, **__: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(loading, "write", lost)
        with pytest.raises(StoreUnavailable):
            await reindexing.index_anew(world.keeping)
    assert (await world.ask("officer-1", question())).json()["outcome"] == "open_case", "as it was, not half done"

    assert await reindexing.index_anew(world.keeping) >= 1
    assert await versions(world) == [TOKEN_VERSION]
    assert reindexing.token_keys.outdated == ()
    assert (await world.ask("officer-2", question())).json()["outcome"] == "open_case"
    assert (await world.ask("officer-2", question("Marmaduke"))).json()["outcome"] == "open_case"
    assert await reindexing.index_anew(world.keeping) == 0


async def test_no_token_of_the_earlier_version_is_left_behind(world: World) -> None:
    reindexing = await earlier_release(world)
    await reindexing.index_anew(world.keeping)
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM child_token") > 0
        child = await connection.fetchval("SELECT id FROM child")
    async with world.database.transaction() as connection:
        await loading.remove(connection, [child], world.vault, world.token_keys)
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM child_token") == 0
        assert await connection.fetchval("SELECT count(*) FROM address_token") == 0


@pytest.mark.rule("ENQ-7")
async def test_an_earlier_enquiry_is_met_before_and_after(world: World) -> None:
    served: TokenKeys = world.app.state.enquiries._token_keys
    world.app.state.enquiries._token_keys = served.of(_EARLIER)
    await world.ask("officer-1", question())
    world.app.state.enquiries._token_keys = served
    reindexing = Reindexing(vault=world.vault, token_keys=served)
    await reindexing.expect(world.keeping)
    assert (await world.ask("nurse-1", question())).json()["outcome"] == "not_known_second_enquiry"
    assert await reindexing.index_anew(world.keeping) == 2, "with the later one, which stood alone"
    assert served.outdated == ()
    assert (await world.ask("officer-2", question())).json()["outcome"] == "not_known_second_enquiry"
    async with world.database.connection() as connection:
        versions = await connection.fetch("SELECT DISTINCT version FROM enquiry_indexed")
        assert [row["version"] for row in versions] == [TOKEN_VERSION]
        assert await connection.fetchval("SELECT count(*) FROM enquiry_token WHERE nonce IS NULL") == 0
