"""Nothing forgotten: a child who comes onto the register after the enquiry (ENQ-4, ENQ-7, ENQ-10)."""

from dataclasses import replace

import pytest
from builders import World, entry, question

from registry_api.enquiries.afterwards import Afterwards
from registry_api.kernel.errors import StoreUnavailable

pytestmark = pytest.mark.rule("ENQ-10")


def again(world: World) -> Afterwards:
    return Afterwards(vault=world.vault, token_keys=world.token_keys, clock=world.clock)


async def kinds(world: World, who: str) -> list[str]:
    return [one["kind"] for one in await world.inbox(who)]


@pytest.mark.rule("ENQ-4")
async def test_the_key_worker_of_a_child_entered_later_is_told_and_the_enquirer_is_to_be_called_back(
    world: World,
) -> None:
    asked = (await world.ask("officer-1", question())).json()
    assert asked["outcome"] == "not_known"
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    assert await again(world).match_again(world.keeping) == 1
    (told,) = await world.inbox("kw-1")
    assert (told["kind"], told["about"]["reference"]) == ("earlier_enquiry", asked["reference"])
    assert [one["id"] for one in told["children"]] == [str(child)]
    (offer,) = await world.inbox("duty-1")
    assert offer["kind"] == "call_back_to_offer"
    assert offer["about"]["details"]["call_back_number"]
    (noted,) = await world.log("enquiry.matched_again")
    assert (noted["reference"], noted["child_ids"]) == (asked["reference"], [child])


async def test_nothing_is_told_twice_however_often_the_child_changes(world: World) -> None:
    await world.ask("officer-1", question())
    await world.add(entry(key_worker=world.members["kw-1"].id))
    for _ in range(2):
        async with world.database.connection() as connection:
            await connection.execute("INSERT INTO child_changed SELECT id, now() FROM child ON CONFLICT DO NOTHING")
        await again(world).match_again(world.keeping)
    assert await kinds(world, "kw-1") == ["earlier_enquiry"]
    assert await again(world).match_again(world.keeping) == 0


async def test_a_twin_entered_later_is_told_of_nothing(world: World) -> None:
    await world.ask("officer-1", question())
    (name,) = entry().identity.names
    twin = entry(key_worker=world.members["kw-1"].id)
    identity = replace(twin.identity, names=(replace(name, given="Marmaduke"),), nhs_number="")
    await world.add(replace(twin, identity=identity))
    await again(world).match_again(world.keeping)
    assert await kinds(world, "kw-1") == []


async def test_somebody_who_may_have_been_meant_is_for_the_duty_to_decide(world: World) -> None:
    await world.ask("officer-1", question(address=None))
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await again(world).match_again(world.keeping)
    assert await kinds(world, "kw-1") == []
    assert await kinds(world, "duty-1") == ["earlier_enquiry_perhaps"]


async def test_of_a_restricted_child_only_the_manager_calls_back(world: World) -> None:
    await world.ask("officer-1", question())
    await world.add(replace(entry(key_worker=world.members["kw-1"].id), restricted=True))
    await again(world).match_again(world.keeping)
    assert await kinds(world, "duty-1") == []
    assert await kinds(world, "sm-1") == ["call_back_to_offer"]
    assert await kinds(world, "kw-1") == ["earlier_enquiry"]


async def test_an_enquiry_that_found_the_child_is_not_matched_again(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.ask("officer-1", question())
    await again(world).match_again(world.keeping)
    assert await kinds(world, "kw-1") == ["child_enquired_about"]


async def test_a_round_that_fails_is_done_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.ask("officer-1", question())
    await world.add(entry(key_worker=world.members["kw-1"].id))

    async def lost(*_: object, **__: object) -> None:
        raise StoreUnavailable

    with monkeypatch.context() as patch:
        patch.setattr("registry_api.enquiries.afterwards.access_log.append", lost)
        with pytest.raises(StoreUnavailable):
            await again(world).match_again(world.keeping)
    assert await kinds(world, "kw-1") == []
    assert await again(world).match_again(world.keeping) == 1
    assert await kinds(world, "kw-1") == ["earlier_enquiry"]


async def test_a_misspelt_enquiry_with_an_age_is_found_too(world: World) -> None:
    asked = question("Qillon", born=None, age_years=6)
    assert (await world.ask("officer-1", asked)).json()["outcome"] == "not_known"
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await again(world).match_again(world.keeping)
    assert await kinds(world, "kw-1") == ["earlier_enquiry"]
