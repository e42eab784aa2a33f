"""When nobody is certainly meant: the enquirer learns nothing of who might be, and whoever decides learns it all."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from builders import World, entry, question

from registry_api.register.entry import PlanKind

SINCE = date(2026, 2, 1)
_OWN = {"reference", "received_at", "receipt"}


async def _ask(world: World, **changes: Any) -> dict[str, Any]:
    """Ask by name and date of birth alone: enough to look by, and never enough to be certain."""
    answer = await world.ask("officer-1", question(address=None, **changes))
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def _told(world: World, who: str) -> list[tuple[str, str, list[str]]]:
    return sorted(
        (told["kind"], told["urgency"], sorted(child["id"] for child in told["children"]))
        for told in await world.inbox(who)
    )


async def _add(world: World, **changes: Any) -> str:
    return str(await world.add(entry(key_worker=world.members["kw-1"].id, **changes)))


@pytest.mark.rule("ENQ-10")
async def test_the_duty_gets_those_who_may_be_meant(world: World) -> None:
    one = await _add(world, plan=PlanKind.FULL)
    other = await _add(world, address="90 Elsewhere Lane", postcode="JE9 1AA", case=False)
    await _add(world, given="Persimmon", born=date(2012, 1, 2))
    assert (await _ask(world))["outcome"] == "more_information_needed"
    assert await _told(world, "duty-1") == [("more_information_needed", "urgent", sorted([one, other]))]
    assert await _told(world, "kw-1") == []
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT child_id FROM enquiry_answer") is None


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    "changes", [{"plan": PlanKind.FULL}, {"missing_since": SINCE}, {"restricted": True}, {"case": None}], ids=str
)
async def test_the_enquirer_is_answered_the_same_whoever_may_be_meant(world: World, changes: dict[str, Any]) -> None:
    await _add(world, address="90 Elsewhere Lane", postcode="JE9 1AA", case=False)
    plain = await _ask(world)
    await _add(world, **changes)
    world.clock.advance(hours=1)
    said = await _ask(world)
    assert {**said, **dict.fromkeys(_OWN)} == {**plain, **dict.fromkeys(_OWN), "worth": said["worth"]}
    assert {**said["worth"], "last_updated_at": ""} == {**plain["worth"], "last_updated_at": ""}


@pytest.mark.rule("ENQ-12")
async def test_a_missing_child_who_may_be_meant_is_brought_to_the_duty_at_once(world: World) -> None:
    missing = await _add(world, plan=PlanKind.FULL, missing_since=SINCE)
    other = await _add(world, address="90 Elsewhere Lane", postcode="JE9 1AA")
    await _ask(world)
    assert await _told(world, "duty-1") == [
        ("missing_child_enquired_about", "immediate", [missing]),
        ("more_information_needed", "urgent", sorted([missing, other])),
    ]


@pytest.mark.rule("ENQ-3", "ENQ-12")
@pytest.mark.parametrize("missing", [None, SINCE])
async def test_of_restricted_ones_only_the_safeguarding_manager_learns_who(world: World, missing: date | None) -> None:
    hidden = await _add(world, plan=PlanKind.FULL, restricted=True, missing_since=missing)
    other = await _add(world, address="90 Elsewhere Lane", postcode="JE9 1AA")
    await _ask(world)
    duty = [("more_information_needed", "urgent", [other])]
    if missing:
        assert await _told(world, "duty-1") == [("missing_child_enquired_about", "immediate", []), *duty]
        assert await _told(world, "sm-1") == [("missing_child_enquired_about", "immediate", [hidden])]
    else:
        assert await _told(world, "duty-1") == duty
        assert await _told(world, "sm-1") == [("more_information_needed", "urgent", [hidden])]


@pytest.mark.rule("ENQ-7")
async def test_a_namesake_on_the_register_does_not_hide_an_earlier_enquiry(world: World) -> None:
    await _add(world, address="90 Elsewhere Lane", postcode="JE9 1AA", case=False)
    first = (await world.ask("officer-1", question())).json()
    assert first["outcome"] == "more_information_needed"
    assert "earlier_enquiries" not in first
    again = (await world.ask("officer-1", question())).json()
    assert await world.considerations() == []
    second = (await world.ask("nurse-1", question())).json()
    assert second["outcome"] == "more_information_needed"
    assert {one["reference"] for one in second["earlier_enquiries"]} == {first["reference"], again["reference"]}
    (consideration,) = await world.considerations()
    assert len(consideration["enquiries"]) == 3
    assert [told["kind"] for told in await world.inbox("sm-1")] == ["consideration"]
    assert len(await world.inbox("duty-1")) == 3


async def _damage(world: World, child: str, column: str = "sealed_record") -> None:
    async with world.database.connection() as connection:
        await connection.execute(
            f"UPDATE child SET {column} = set_byte({column}, 20, 255 - get_byte({column}, 20)) WHERE id = $1",
            UUID(child),
        )


@pytest.mark.rule("ENQ-1")
@pytest.mark.parametrize("column", ["sealed_record", "data_key"])
async def test_an_entry_that_does_not_open_stops_nobody_elses_answer(
    world: World, column: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await _add(world, plan=PlanKind.FULL)
    await _damage(world, await _add(world, given="Barnaby"), column)
    assert (await world.ask("officer-1", question())).json()["outcome"] == "on_plan"
    said = capsys.readouterr()
    assert "record_not_read" in said.out + said.err
    assert "Barnaby" not in said.out + said.err


@pytest.mark.rule("ENQ-1", "ENQ-10")
@pytest.mark.parametrize("column", ["sealed_record", "data_key"])
async def test_where_the_child_may_be_the_entry_that_does_not_open_the_duty_is_told(world: World, column: str) -> None:
    await _damage(world, await _add(world, plan=PlanKind.FULL), column)
    assert (await world.ask("officer-1", question())).json()["outcome"] == "more_information_needed"
    assert await _told(world, "duty-1") == [("more_information_needed", "urgent", [])]


@pytest.mark.rule("ENQ-5")
async def test_the_key_worker_at_the_address_is_told_though_the_neighbours_entry_does_not_open(world: World) -> None:
    changes: dict[str, Any] = {"given": "Orla", "family": "Hollowbrook-Test", "born": date(2016, 2, 3)}
    neighbour = await _add(world, plan=PlanKind.FULL, **changes)
    await _damage(world, neighbour)
    child = question(given="Isolde", family="Underhill-Test", born="2013-01-09")
    assert (await world.ask("officer-1", child)).json()["outcome"] in {"not_known", "more_information_needed"}
    assert await _told(world, "kw-1") == [("enquiry_at_address", "urgent", [neighbour])]


@pytest.mark.rule("ENQ-7")
async def test_where_an_earlier_enquiry_does_not_open_it_is_not_said_that_nobody_asked(world: World) -> None:
    await world.ask("nurse-1", question())
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE enquiry DISABLE TRIGGER USER")  # which let no row be changed
        await connection.execute("UPDATE enquiry SET sealed_record = substr(sealed_record, 1, 30)")
    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == "more_information_needed"
    assert await _told(world, "duty-1") == [("more_information_needed", "urgent", [])]
