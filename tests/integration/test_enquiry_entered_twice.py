"""A child with two entries on the register is one child: answered by the more protective, and followed up for both."""

from datetime import date
from typing import Any

import pytest
from builders import World, entry, question

from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("REG-1")


async def _add(world: World, worker: str | None, **changes: Any) -> str:
    return str(await world.add(entry(key_worker=world.members[worker].id if worker else None, **changes)))


async def _told(world: World, who: str) -> list[tuple[str, list[str]]]:
    return [(told["kind"], [child["id"] for child in told["children"]]) for told in await world.inbox(who)]


@pytest.mark.rule("ENQ-4", "ENQ-9")
@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        ({"plan": PlanKind.FULL}, {"case": False}, "on_plan"),
        ({"plan": PlanKind.FULL}, {"plan": PlanKind.TEMPORARY}, "on_plan"),
        ({"plan": PlanKind.TEMPORARY}, {}, "temporary_entry"),
        ({}, {"case": False}, "open_case"),
        ({"case": False}, {"case": False}, "known_before"),
        ({"plan": PlanKind.FULL}, {"case": False, "restricted": True}, "call_back"),
    ],
    ids=str,
)
@pytest.mark.parametrize("turned", [False, True])
async def test_the_most_protective_entry_answers(
    world: World, one: dict[str, Any], other: dict[str, Any], outcome: str, turned: bool
) -> None:
    for changes in (other, one) if turned else (one, other):
        responsible = world.organisations["neighbour"] if changes.get("plan") is PlanKind.TEMPORARY else None
        await _add(world, "kw-1", responsible=responsible, **changes)
    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == outcome


@pytest.mark.rule("ENQ-4")
async def test_the_key_worker_of_each_entry_is_told_of_their_own(world: World) -> None:
    one = await _add(world, "kw-1", plan=PlanKind.FULL)
    other = await _add(world, "kw-2")
    said = (await world.ask("officer-1", question())).json()
    assert said["key_worker"]["name"] == "Testperson Kw-1"
    assert await _told(world, "kw-1") == [("child_enquired_about", [one])]
    assert await _told(world, "kw-2") == [("child_enquired_about", [other])]
    assert await world.inbox("duty-1") == []


@pytest.mark.rule("ENQ-4", "TRF-2")
async def test_a_temporary_entry_and_a_case_of_ones_own_show_both_key_workers(world: World) -> None:
    await _add(world, None, plan=PlanKind.TEMPORARY, case=None, responsible=world.organisations["neighbour"])
    case = await _add(world, "kw-2")
    said = (await world.ask("nurse-1", question())).json()
    assert (said["outcome"], said["key_worker"]["name"]) == ("temporary_entry", "Testperson Kw-2")
    assert said["responsible_authority"]["name"] == "Neighbour Authority"
    assert await _told(world, "kw-2") == [("child_enquired_about", [case])]
    assert await world.inbox("duty-1") == []


@pytest.mark.rule("ENQ-12")
async def test_missing_in_one_entry_is_missing(world: World) -> None:
    both = {await _add(world, "kw-1", plan=PlanKind.FULL), await _add(world, "kw-2", missing_since=date(2026, 2, 1))}
    said = (await world.ask("officer-1", question())).json()
    assert (said["outcome"], said["recorded_as_missing"]) == ("on_plan", True)
    ((kind, children),) = await _told(world, "duty-1")
    assert (kind, set(children)) == ("missing_child_enquired_about", both)


@pytest.mark.rule("ENQ-4")
async def test_who_had_a_case_that_is_closed_is_not_told_beside_who_has_it(world: World) -> None:
    await _add(world, "kw-1", case=False)
    await _add(world, "kw-2")
    assert (await world.ask("officer-1", question())).json()["outcome"] == "open_case"
    assert await world.inbox("kw-1") == []
    assert len(await world.inbox("kw-2")) == 1


@pytest.mark.rule("ENQ-5")
async def test_the_childs_other_entry_is_no_neighbour(world: World) -> None:
    await _add(world, "kw-1", plan=PlanKind.FULL)
    await _add(world, "kw-2", plan=PlanKind.FULL)
    await world.ask("officer-1", question())
    assert {kind for who in ("kw-1", "kw-2") for kind, _ in await _told(world, who)} == {"child_enquired_about"}


async def test_a_twin_at_the_same_address_stays_a_child_of_their_own(world: World) -> None:
    twin = await _add(world, "kw-2", given="Barnaby", plan=PlanKind.FULL)
    child = await _add(world, "kw-1", case=None, plan=None)
    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == "known_before"
    assert await _told(world, "kw-2") == [("enquiry_at_address", [twin])]
    assert await _told(world, "duty-1") == [("child_enquired_about", [child])]
