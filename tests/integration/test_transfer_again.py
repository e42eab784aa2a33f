"""A move notified again, about a child on a plan here, a restricted one, ahead of time, or while somebody is away."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from builders import World, entry, question, running_world
from transfer_notices import NOTICE, allocate, count, notify

from registry_api.register.entry import PlanKind
from registry_api.transfers import store
from registry_api.transfers.service import MOST_AT_ONCE

SUCCESSOR = {"name": "Testperson Successor", "phone": "01632 960778"}


def renewed(*, name: str = "Marchwood-Test", **changes: Any) -> dict[str, Any]:
    """The notice again, with a new key worker, another category and one more name."""
    names = [*NOTICE["child"]["other_names"], {"given_names": "Quillon", "family_name": name}]
    plan = {**NOTICE["plan"], "categories": ["sexual"]}
    return {
        **NOTICE,
        "key_worker": SUCCESSOR,
        "plan": plan,
        "child": {**NOTICE["child"], "other_names": names},
        **changes,
    }


@pytest.mark.rule("TRF-1", "TRF-2", "REG-1")
async def test_a_notice_that_says_something_new_is_taken_in(world: World) -> None:
    first = (await notify(world)).json()
    world.clock.advance(hours=30)
    again = (await notify(world, renewed(), key="the-second-key")).json()
    assert again["placed_as"] == "already_notified"
    assert again["reference"] != first["reference"]
    assert again["conference_due"] == first["conference_due"], "TIME-2 counts from the first notification"
    assert await count(world, "child") == await count(world, "plan") == 1
    assert await count(world, "transfer_case") == 2
    assert {told["about"]["reference"] for told in await world.inbox("sm-1")} == {
        first["reference"],
        again["reference"],
    }
    said = (await world.ask("officer-1", question(family="Marchwood-Test"))).json()
    assert said["outcome"] == "temporary_entry"
    assert said["plan"]["categories"] == ["sexual"]
    assert said["responsible_authority"]["key_worker"]["name"] == "Testperson Successor"
    # Allocated under either reference.
    assert (await allocate(world, again["reference"], key_worker="kw-2")).status_code == 200


@pytest.mark.rule("REG-1", "TRF-1")
async def test_an_authority_that_corrects_the_address_means_the_same_child(world: World) -> None:
    await notify(world)
    world.clock.advance(hours=1)
    corrected = {**NOTICE["child"], "address_here": {"lines": "22 Cobnar Street", "postcode": "JE6 2AB"}}
    assert (await notify(world, {**NOTICE, "child": corrected})).json()["placed_as"] == "already_notified"
    twin = {**corrected, "given_names": "Oswald", "other_names": []}
    assert (await notify(world, {**NOTICE, "child": twin})).json()["placed_as"] == "temporary_entry"
    assert await count(world, "child") == 2
    there = question(address="22 Cobnar Street", postcode="JE6 2AB")
    assert (await world.ask("officer-1", there)).json()["outcome"] == "temporary_entry"


@pytest.mark.rule("REG-1")
async def test_the_same_name_and_birth_at_another_address_is_not_enough_for_a_first_notice(world: World) -> None:
    await world.add(entry(address="44 Quorley Terrace", postcode="JE9 9ZZ"))
    await notify(world)
    assert await count(world, "child") == 2


@pytest.mark.rule("REG-1", "ENQ-3")
async def test_a_child_who_was_entered_twice_is_on_a_plan_and_restricted_if_either_entry_is(world: World) -> None:
    await world.add(entry(case=False, restricted=True))
    await world.add(entry(plan=PlanKind.FULL))
    assert (await notify(world)).json()["placed_as"] == "with_the_manager"
    assert await count(world, "child") == 2
    assert await count(world, "plan") == 1


async def test_the_key_of_a_further_notice_holds(world: World) -> None:
    await notify(world)
    world.clock.advance(hours=1)
    again = await notify(world, renewed(), key="the-second-key")
    assert (await notify(world, renewed(), key="the-second-key")).json() == again.json()
    assert (await notify(world, renewed(name="Other-Test"), key="the-second-key")).status_code == 422
    assert await count(world, "transfer_case") == 2
    assert len(await world.inbox("sm-1")) == 2


@pytest.mark.rule("TRF-2")
async def test_going_back_to_the_first_word_is_something_new(world: World) -> None:
    for notice in (NOTICE, renewed(), NOTICE):
        await notify(world, notice)
        world.clock.advance(hours=1)
    said = (await world.ask("officer-1", question())).json()
    assert said["responsible_authority"]["key_worker"]["name"] == "Testperson Elsewhere"
    assert await count(world, "transfer_case") == 3


@pytest.mark.rule("REG-1", "REG-2")
async def test_what_is_said_of_a_child_on_a_plan_here_is_found(world: World) -> None:
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    assert (await notify(world, renewed())).json()["placed_as"] == "already_on_plan"
    said = (await world.ask("officer-1", question(family="Marchwood-Test"))).json()
    assert (said["outcome"], said["plan"]["categories"]) == ("on_plan", ["neglect"])


@pytest.mark.rule("ENQ-3", "TRF-1")
@pytest.mark.parametrize("standing", [{"plan": PlanKind.FULL}, {}, {"case": False}], ids=str)
async def test_of_a_restricted_child_the_other_authority_learns_nothing(world: World, standing: dict[str, Any]) -> None:
    await world.add(entry(restricted=True, address="5 Solitary Way", postcode="JE8 3ZZ", **standing))
    child = {**NOTICE["child"], "previous_addresses": [{"lines": "5 Solitary Way", "postcode": "JE8 3ZZ"}]}
    receipts = [(await notify(world, {**NOTICE, "child": child}, key="the-same-key")).json() for _ in range(2)]
    assert receipts[0] == receipts[1]
    assert receipts[0]["placed_as"] == "with_the_manager"
    assert not {"plan", "temporary", "restricted"} & set(receipts[0]["what_it_means"].split())
    (told,) = await world.inbox("sm-1")
    assert told["about"]["reference"] == receipts[0]["reference"]
    assert told["about"]["details"]["key_worker"]["name"] == "Testperson Elsewhere"
    assert await count(world, "plan") == await count(world, "child") == await count(world, "transfer_case") == 1
    world.clock.advance(hours=1)
    assert (await notify(world, {**NOTICE, "child": child, "key_worker": SUCCESSOR})).json()[
        "what_it_means"
    ] == receipts[0]["what_it_means"]


@pytest.mark.rule("ENQ-11", "TRF-1")
async def test_while_the_key_worker_is_away_the_cover_is_told_of_the_move(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id, team_manager=world.members["tm-1"].id))
    await world.cover("kw-1", "kw-2")
    reference = (await notify(world)).json()["reference"]
    assert [(told["kind"], told["why_you"]) for told in await world.inbox("kw-2")] == [("transfer_in", "cover")]
    assert [told["why_you"] for told in await world.inbox("kw-1")] == ["for_your_return"]
    await allocate(world, reference, key_worker="kw-1")
    assert {(told["kind"], told["why_you"]) for told in await world.inbox("kw-2")} == {
        ("transfer_in", "cover"),
        ("allocated", "cover"),
    }


@pytest.mark.rule("ENQ-10", "ENQ-11")
@pytest.mark.parametrize(("manager", "told"), [("tm-1", "tm-1"), (None, "duty-1")])
async def test_a_child_given_to_somebody_who_is_away_has_somebody_who_acts(
    world: World, manager: str | None, told: str
) -> None:
    await world.cover("kw-1", None)
    reference = (await notify(world)).json()["reference"]
    await allocate(world, reference, key_worker="kw-1", **({"team_manager": manager} if manager else {}))
    assert [one["kind"] for one in await world.inbox(told)] == ["allocated"]


@pytest.mark.rule("ENQ-5", "TRF-5")
async def test_until_an_announced_move_an_enquiry_at_the_present_home_reaches_the_key_worker(world: World) -> None:
    await world.add(entry(plan=None, key_worker=world.members["kw-1"].id))
    new = {"lines": "40 Cobnar Street", "postcode": "JE6 2AB"}
    present = {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}
    child = {**NOTICE["child"], "address_here": new, "previous_addresses": [present]}
    moves = date.fromordinal(world.clock().date().toordinal() + 30).isoformat()
    assert (await notify(world, {**NOTICE, "child": child, "moved_on": moves})).json()["placed_as"] == "temporary_entry"
    for number, home in enumerate((present, new), start=1):
        asked = question("Oswald", born="2016-01-02", address=home["lines"], postcode=home["postcode"])
        assert (await world.ask("officer-1", asked)).status_code == 200
        kinds = [told["kind"] for told in await world.inbox("kw-1")]
        assert kinds.count("enquiry_at_address") == number


@pytest.fixture
async def small_world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """An application with few connections."""
    async with running_world(database_url, tmp_path / "state", pool_size=6) as world:
        yield world


@pytest.mark.rule("ENQ-1", "TRF-1")
async def test_moves_that_wait_for_a_child_keep_no_enquiry_waiting(
    small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = small_world
    monkeypatch.setattr(store, "LOCK_TIMEOUT", "4s")
    child_id = await world.add(entry(case=False))
    await world.token("custodian-1", "transfer")
    await world.token("officer-1", "enquiry")
    async with world.database.transaction() as connection:  # as a running import holds it
        await connection.execute("SELECT FROM child WHERE id = $1 FOR UPDATE", child_id)
        await world.ask("officer-1", question("Oswald", born="2016-01-02"))  # what is loaded at first use is loaded
        waiting = [asyncio.create_task(notify(world)) for _ in range(12)]
        for _ in range(150):  # until all have come to the lock, or been sent away
            await asyncio.sleep(0.02)
            if sum(not task.done() for task in waiting) <= MOST_AT_ONCE:
                break
        assert world.app.state.transfers.database.engine.pool.checkedout() == 1
        assert (await world.ask("officer-1", question("Oswald", born="2016-01-02"))).status_code == 200
        assert sum(not task.done() for task in waiting) == MOST_AT_ONCE, "it was answered before any of them gave up"
        answers = await asyncio.gather(*waiting)
    assert {answer.status_code for answer in answers} == {503}
    assert await count(world, "transfer_case") == await count(world, "notification") == 0
    assert (await notify(world)).json()["placed_as"] == "temporary_entry"
