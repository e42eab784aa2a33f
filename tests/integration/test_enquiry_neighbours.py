"""Children on plans at the address (ENQ-5): each of their key workers is told once, and the enquirer of none of it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from builders import World, entry, question

from policies.profile import Category
from registry_api.matching.person import Name
from registry_api.register.entry import ChildEntry, Identity, PlanKind, Residence

pytestmark = pytest.mark.rule("ENQ-5")
STAFF = ("kw-1", "kw-2", "kw-3", "duty-1", "tm-1", "sm-1")


async def _neighbour(world: World, given: str, worker: str, **changes: Any) -> str:
    changes = {"plan": PlanKind.FULL, "born": date(2016, 2, 3), **changes}
    child = await world.add(entry(given, "Hollowbrook-Test", key_worker=world.members[worker].id, **changes))
    return str(child)


async def _told(world: World) -> dict[str, list[dict[str, Any]]]:
    inboxes = {who: await world.inbox(who) for who in STAFF}
    return {who: told for who, told in inboxes.items() if told}


async def test_each_key_worker_is_told_once_of_all_their_children_there(world: World) -> None:
    first = await _neighbour(world, "Orla", "kw-1")
    second = await _neighbour(world, "Torin", "kw-1", born=date(2014, 8, 9))
    third = await _neighbour(world, "Isolde", "kw-2", born=date(2012, 1, 2), plan=PlanKind.TEMPORARY)
    answer = await world.ask("officer-1", question())
    assert answer.json()["outcome"] == "not_known"

    told = await _told(world)
    assert set(told) == {"kw-1", "kw-2"}
    (both,), (one,) = told["kw-1"], told["kw-2"]
    assert both["kind"] == one["kind"] == "enquiry_at_address"
    assert {child["id"] for child in both["children"]} == {first, second}
    assert {child["id"] for child in one["children"]} == {third}
    assert both["about"]["reference"] == answer.json()["reference"]
    assert both["about"]["details"]["child"]["given_names"] == "Quillon"


@pytest.mark.parametrize("own", [None, {}, {"plan": PlanKind.FULL}, {"case": False}], ids=str)
async def test_the_enquirer_is_answered_the_same_with_and_without_neighbours(
    world: World, own: dict[str, Any] | None
) -> None:
    if own is not None:
        await world.add(entry(key_worker=world.members["kw-1"].id, **own))
    without = (await world.ask("officer-1", question())).json()
    await _neighbour(world, "Orla", "kw-2", categories=(Category.SEXUAL,))
    beside = await world.ask("nurse-1" if own else "officer-1", question())
    assert "Orla" not in beside.text
    assert "Hollowbrook" not in beside.text
    assert "Kw-2" not in beside.text
    if own is not None:
        same = ("outcome", "summary", "told", "advice", "plan", "key_worker", "point_of_contact", "contact_now")
        assert {name: beside.json().get(name) for name in same} == {name: without.get(name) for name in same}
        assert set(beside.json()) == set(without)
    (told,) = await world.inbox("kw-2")
    assert told["kind"] == "enquiry_at_address"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"address": "9 Larkspur Rise"},
        {"address": "Flat 2, 7 Larkspur Rise"},
        {"address": "7A Larkspur Rise"},
        {"address": "7 Larkspur Close", "postcode": "JE5 9QX"},
        {"address": "17 Larkspur Rise"},
        {"plan": None},
        {"plan_ended": date(2025, 12, 24)},
    ],
    ids=str,
)
async def test_who_does_not_live_there_on_a_plan_is_no_neighbour(world: World, elsewhere: dict[str, Any]) -> None:
    await _neighbour(world, "Orla", "kw-1", **elsewhere)
    await world.ask("officer-1", question())
    assert await _told(world) == {}


async def test_the_flat_above_is_another_address(world: World) -> None:
    await _neighbour(world, "Orla", "kw-1", address="Flat 1, Foxglove House, 7 Larkspur Rise")
    await _neighbour(world, "Torin", "kw-2", address="Flat 2, Foxglove House, 7 Larkspur Rise", born=date(2013, 3, 4))
    await world.ask("officer-1", question(address="Flat 2, Foxglove House, 7 Larkspur Rise"))
    assert set(await _told(world)) == {"kw-2"}


async def test_where_a_child_on_a_plan_used_to_live_its_key_worker_is_told_formerly(world: World) -> None:
    child = await world.add(_moved(world))
    answer = await world.ask("officer-1", question())
    assert answer.json()["outcome"] == "not_known"
    (told,) = await world.inbox("kw-1")
    assert told["kind"] == "enquiry_at_former_address"
    assert "formerly" in told["what_it_means"]
    assert [one["id"] for one in told["children"]] == [str(child)]
    assert "outcome" not in told["about"]["details"]


async def test_who_used_to_live_there_is_no_child_of_the_household(world: World) -> None:
    await world.add(_moved(world))
    answer = await world.ask("kw-3", {"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}})
    assert answer.json()["household"] == {"children_on_plan": 0, "key_workers": []}
    assert "Kw-1" not in answer.text


async def test_an_address_that_the_child_asked_about_has_left_does_not_count(world: World) -> None:
    await world.add(_moved(world))
    previous = [{"lines": "31 Sorrel Way", "postcode": "JE5 7QX"}]
    await world.ask(
        "officer-1", question("Persimmon", "Underhill-Test", address="2 Elsewhere", previous_addresses=previous)
    )
    assert await _told(world) == {}


def _moved(world: World) -> ChildEntry:
    lived = entry(
        "Orla",
        "Hollowbrook-Test",
        born=date(2016, 2, 3),
        address="31 Sorrel Way",
        plan=PlanKind.FULL,
        key_worker=world.members["kw-1"].id,
    )
    former = Residence(lines="7 Larkspur Rise", postcode="JE5 7QX", valid_to=date(2025, 6, 1))
    return replace(lived, residences=(*lived.residences, former))


async def test_the_address_on_the_register_counts_as_well_as_the_one_given(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id, address="31 Sorrel Way"))
    await _neighbour(world, "Orla", "kw-2", address="31 Sorrel Way")
    await _neighbour(world, "Torin", "kw-3", address="7 Larkspur Rise", born=date(2013, 3, 4))
    given = question(previous_addresses=[{"lines": "31 Sorrel Way", "postcode": "JE5 7QX"}])
    assert (await world.ask("officer-1", given)).json()["outcome"] == "open_case"
    assert set(await _told(world)) == {"kw-1", "kw-2", "kw-3"}


@pytest.mark.rule("ENQ-11")
async def test_the_neighbours_key_worker_is_covered_like_any_other(world: World) -> None:
    await _neighbour(world, "Orla", "kw-1")
    await world.cover("kw-1", "kw-2")
    await world.ask("officer-1", question())
    told = await _told(world)
    assert {who: one["why_you"] for who, (one,) in told.items()} == {"kw-1": "for_your_return", "kw-2": "cover"}


@pytest.mark.rule("ENQ-3")
async def test_a_restricted_neighbours_key_worker_is_told_and_named_to_nobody(world: World) -> None:
    await _neighbour(world, "Orla", "kw-1", restricted=True)
    at_address = {"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}}
    answer = await world.ask("kw-3", at_address)
    assert "Kw-1" not in answer.text
    assert [told["kind"] for told in await world.inbox("kw-1")] == ["enquiry_at_address"]


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("beside", [0, 2])
async def test_at_a_restricted_childs_address_a_manager_answers_and_no_number_does(world: World, beside: int) -> None:
    hidden = await _neighbour(world, "Orla", "kw-1", restricted=True)
    for number in range(beside):
        await _neighbour(world, f"Torin{'ab'[number] * 3}", "kw-2", born=date(2012, 1, 2 + number))
    answer = await world.ask("kw-3", {"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}})
    assert answer.json()["outcome"] == "call_back"
    assert "household" not in answer.json()
    (told,) = await world.inbox("sm-1")
    assert [child["id"] for child in told["children"]] == [hidden]


@pytest.mark.rule("ENQ-3")
async def test_where_a_restricted_child_lives_shows_in_nobodys_inbox(world: World) -> None:
    mother = Name("Perpetua", "Ashgrove-Test")
    identity = Identity(names=(Name("Quillon", "Ashgrove-Test"),), date_of_birth=date(2019, 5, 6), mother=(mother,))
    refuge: dict[str, Any] = {"address": "1 Refuge Row", "postcode": "JE7 3ZZ"}
    await world.add(entry(identity=identity, key_worker=world.members["kw-1"].id, restricted=True, **refuge))
    await _neighbour(world, "Barnaby", "kw-2", **refuge)
    await _neighbour(world, "Isolde", "kw-3")
    asked = question(mother={"given_names": "Perpetua", "family_name": "Ashgrove-Test"})
    assert (await world.ask("officer-1", asked)).json()["outcome"] == "call_back"
    assert set(await _told(world)) == {"kw-1", "kw-3", "sm-1"}, "only the address that was given counts"


@pytest.mark.rule("ENQ-5")
async def test_a_neighbours_key_worker_does_not_learn_how_the_other_child_stands(world: World) -> None:
    await _neighbour(world, "Orla", "kw-1")
    await world.add(entry(key_worker=world.members["kw-2"].id, restricted=True))
    assert (await world.ask("officer-1", question())).json()["outcome"] == "call_back"
    (of_neighbour,) = await world.inbox("kw-1")
    assert "outcome" not in of_neighbour["about"]["details"]
    (of_child,) = await world.inbox("kw-2")
    assert of_child["about"]["details"]["outcome"] == "call_back"


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("who", ["officer-1", "nurse-1"])
async def test_an_address_alone_is_answered_to_the_authoritys_own_staff_only(world: World, who: str) -> None:
    await _neighbour(world, "Orla", "kw-1")
    answer = await world.ask(who, {"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:registry:problem:more-details-needed"
    assert "address" not in answer.json()["needed"]
    assert await _told(world) == {}
    (noted,) = await world.log("enquiry.refused")
    assert noted["reference"] == answer.json()["reference"]
