"""Whom to call now (ENQ-1, ENQ-9), and who follows up while somebody is away (ENQ-10, ENQ-11)."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from builders import World, entry, question, running_world

from registry_api.directory.models import Professional
from registry_api.register.entry import PlanKind

STAFF = ("kw-1", "kw-2", "kw-3", "duty-1", "duty-2", "tm-1", "sm-1")
OFFICE, NIGHT = "01632 960100", "01632 960999"


@pytest.mark.rule("ENQ-1", "ENQ-9")
@pytest.mark.parametrize(
    ("moment", "phone"),
    [
        (datetime(2026, 3, 4, 9, 0, tzinfo=UTC), OFFICE),
        (datetime(2026, 3, 4, 8, 59, 59, tzinfo=UTC), NIGHT),
        (datetime(2026, 3, 4, 16, 59, 59, tzinfo=UTC), OFFICE),
        (datetime(2026, 3, 4, 17, 0, tzinfo=UTC), NIGHT),
        (datetime(2026, 3, 4, 3, 0, tzinfo=UTC), NIGHT),
        (datetime(2026, 3, 7, 11, 0, tzinfo=UTC), NIGHT),  # Saturday
        (datetime(2026, 4, 6, 11, 0, tzinfo=UTC), NIGHT),  # Easter Monday
        (datetime(2026, 5, 27, 8, 0, tzinfo=UTC), OFFICE),  # nine in the morning by summer time
        (datetime(2026, 5, 27, 16, 0, tzinfo=UTC), NIGHT),
    ],
    ids=str,
)
async def test_the_service_to_call_is_that_of_the_hour(world: World, moment: datetime, phone: str) -> None:
    world.clock.now = moment
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    for child in (question(), question("Persimmon", "Underhill-Test")):
        answer = await world.ask("officer-1", child)
        assert answer.status_code == 200
        now = answer.json()["contact_now"]
        assert (now["phone"], now["office_hours"]) == (phone, phone == OFFICE)
        assert "Test Authority" in now["note"]


@pytest.mark.rule("ENQ-9")
@pytest.mark.parametrize(("profile", "open_then"), [("jersey", False), ("hertfordshire", True)])
async def test_the_calendar_is_the_authoritys_own(
    database_url: str, tmp_path: Path, profile: str, open_then: bool
) -> None:
    # The ninth of May, a Thursday in 2024: Liberation Day in Jersey and an ordinary day in Hertfordshire.
    async with running_world(database_url, tmp_path / "state", profile=profile) as world:
        world.clock.now = datetime(2024, 5, 9, 10, 0, tzinfo=UTC)
        async with world.database.connection() as connection:
            await connection.execute("UPDATE agreement SET valid_from = '2024-01-01'")
        answer = await world.ask("officer-1", question())
        assert answer.json()["contact_now"]["office_hours"] is open_then


async def _told(world: World) -> dict[str, str]:
    return {who: told["why_you"] for who in STAFF for told in await world.inbox(who)}


# worker, manager: none, present, covered, away, cover away too. Then who is told, and who is named as point of contact.
ABSENCES: list[tuple[str, str, dict[str, str], str | None]] = [
    ("present", "present", {"kw-1": "key_worker"}, None),
    ("present", "none", {"kw-1": "key_worker"}, None),
    ("covered", "present", {"kw-2": "cover", "kw-1": "for_your_return"}, "Kw-2"),
    ("away", "present", {"tm-1": "team_manager", "kw-1": "for_your_return"}, "Tm-1"),
    ("cover away too", "present", {"tm-1": "team_manager", "kw-1": "for_your_return"}, "Tm-1"),
    ("away", "covered", {"kw-3": "team_manager_cover", "tm-1": "", "kw-1": "for_your_return"}, "Kw-3"),
    ("away", "away", {"duty-1": "duty", "duty-2": "duty", "kw-1": "for_your_return"}, None),
    ("away", "cover away too", {"duty-1": "duty", "duty-2": "duty", "kw-1": "for_your_return"}, None),
    ("away", "none", {"duty-1": "duty", "duty-2": "duty", "kw-1": "for_your_return"}, None),
    ("left", "present", {"tm-1": "team_manager"}, "Tm-1"),
    ("none", "present", {"tm-1": "team_manager"}, "Tm-1"),
    ("none", "covered", {"kw-3": "team_manager_cover"}, "Kw-3"),
    ("none", "away", {"duty-1": "duty", "duty-2": "duty"}, None),
    ("none", "none", {"duty-1": "duty", "duty-2": "duty"}, None),
]


async def _absent(world: World, who: str, by: str, state: str) -> None:
    if state in {"covered", "cover away too"}:
        await world.cover(who, by)
    if state == "cover away too":
        await world.cover(by, None)
    if state == "away":
        await world.cover(who, None)
    if state == "left":
        async with world.database.session() as session:
            person = await session.get(Professional, world.members[who].id)
            assert person is not None
            person.suspended_at = world.clock()


@pytest.mark.rule("ENQ-10", "ENQ-11")
@pytest.mark.parametrize(("worker", "manager", "told", "contact"), ABSENCES)
async def test_nobodys_absence_costs_time(
    world: World, worker: str, manager: str, told: dict[str, str], contact: str | None
) -> None:
    staff: dict[str, Any] = {
        "key_worker": None if worker == "none" else world.members["kw-1"].id,
        "team_manager": None if manager == "none" else world.members["tm-1"].id,
    }
    await world.add(entry(plan=PlanKind.FULL, **staff))
    await _absent(world, "kw-1", "kw-2", worker)
    await _absent(world, "tm-1", "kw-3", manager)
    said = (await world.ask("officer-1", question())).json()

    named = said.get("point_of_contact", {}).get("name")
    assert named == (f"Testperson {contact}" if contact else None)
    assert ("key_worker" in said) == (worker != "none")
    assert said.get("key_worker", {}).get("away", False) == (worker not in {"none", "present"})
    if worker == "left":
        assert await _inboxes(world, "tm-1", "kw-2") == told
    else:
        assert await _told(world) == {who: why for who, why in told.items() if why}


async def _inboxes(world: World, *who: str) -> dict[str, str]:
    return {one: told["why_you"] for one in who for told in await world.inbox(one)}


@pytest.mark.rule("ENQ-11")
async def test_an_absence_counts_from_its_beginning_to_its_end(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.cover("kw-1", "kw-2", hours=8)
    world.clock.advance(hours=8)
    assert "point_of_contact" not in (await world.ask("officer-1", question())).json()
    assert await _told(world) == {"kw-1": "key_worker"}


@pytest.mark.rule("ENQ-11")
async def test_of_two_absences_the_one_with_cover_counts(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.cover("kw-1", None)
    await world.cover("kw-1", "kw-2")
    await world.ask("officer-1", question())
    assert await _told(world) == {"kw-1": "for_your_return", "kw-2": "cover"}


@pytest.mark.rule("ENQ-11", "ENQ-12")
async def test_an_absent_key_worker_does_not_keep_a_missing_child_from_duty(world: World) -> None:
    await world.add(
        entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id, missing_since=datetime(2026, 2, 1).date())
    )
    await world.cover("kw-1", "kw-2")
    await world.ask("officer-1", question())
    assert set(await _told(world)) == {"kw-1", "kw-2", "duty-1", "duty-2"}
    (at_once,) = await world.inbox("duty-1")
    assert at_once["urgency"] == "immediate"
    assert at_once["police"] == [{"name": "Test Police", "phone": NIGHT}]
