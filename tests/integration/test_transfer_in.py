"""A child who moves here while on another authority's plan (TRF-1, TRF-2), from the notification to the enquiry."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest
from builders import World, entry, question
from transfer_notices import NOTICE, allocate, count, notify

from registry_api.register.entry import PlanKind

STAFF = ("kw-1", "kw-2", "kw-3", "duty-1", "tm-1", "sm-1")


@pytest.mark.rule("TRF-1", "TRF-2")
async def test_a_temporary_entry_stands_at_once_and_says_who_is_responsible(world: World) -> None:
    receipt = await notify(world)
    assert receipt.status_code == 201, receipt.text
    assert receipt.json()["placed_as"] == "temporary_entry"
    (told,) = await world.inbox("sm-1")
    assert told["kind"] == "transfer_in"
    assert told["about"]["reference"] == receipt.json()["reference"]
    assert told["about"]["details"]["originating_authority"] == "Neighbour Authority"
    assert told["about"]["by"]["organisation"] == "Neighbour Authority"

    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == "temporary_entry"
    assert said["plan"] == {
        "status": "temporary",
        "categories": ["physical"],
        "since": "2025-09-01",
        "responsible_authority": "Neighbour Authority",
    }
    assert said["responsible_authority"] == {
        "name": "Neighbour Authority",
        "key_worker": {"name": "Testperson Elsewhere", "phone": "01632 960777", "role": "key_worker"},
        "office_phone": "01632 960100",
        "out_of_hours_phone": "01632 960999",
    }
    assert "key_worker" not in said
    # Nobody here has the child yet: so that no enquiry is left lying, duty is told.
    assert [one["why_you"] for one in await world.inbox("duty-1")] == ["duty"]


@pytest.mark.rule("TRF-1")
@pytest.mark.parametrize(
    ("moment", "due"),
    [
        (datetime(2026, 3, 4, 10, 0, tzinfo=UTC), "2026-03-25"),
        (datetime(2026, 3, 24, 10, 0, tzinfo=UTC), "2026-04-16"),  # over Good Friday and Easter Monday
        (datetime(2026, 4, 21, 10, 0, tzinfo=UTC), "2026-05-13"),  # over the early May bank holiday
    ],
)
async def test_the_conference_is_due_in_working_days_of_the_authoritys_calendar(
    world: World, moment: datetime, due: str
) -> None:
    world.clock.now = moment
    assert (await notify(world)).json()["conference_due"] == due


@pytest.mark.rule("TRF-2")
async def test_once_allocated_both_key_workers_are_shown_and_the_local_one_is_told(world: World) -> None:
    reference = (await notify(world)).json()["reference"]
    answer = await allocate(world, reference, key_worker="kw-2", team_manager="tm-1")
    assert answer.status_code == 200, answer.text
    (told,) = await world.inbox("kw-2")
    assert (told["kind"], told["about"]["reference"]) == ("allocated", reference)
    concerned = [await world.log(kind) for kind in ("register.changed", "transfer.allocated")]
    assert [(one["reference"], one["child_ids"]) for (one,) in concerned] == [
        (reference, [UUID(told["children"][0]["id"])])
    ] * 2

    said = (await world.ask("officer-1", question())).json()
    assert said["key_worker"]["name"] == "Testperson Kw-2"
    assert said["responsible_authority"]["key_worker"]["name"] == "Testperson Elsewhere"
    assert {one["kind"] for one in await world.inbox("kw-2")} == {"allocated", "child_enquired_about"}
    await world.cover("kw-2", None)
    assert (await world.ask("nurse-1", question())).json()["point_of_contact"]["name"] == "Testperson Tm-1"


@pytest.mark.rule("REG-1", "TRF-2")
async def test_a_child_who_is_known_here_keeps_one_entry(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id, looked_after=True))
    assert (await notify(world)).json()["placed_as"] == "temporary_entry"
    assert await count(world, "child") == 1
    assert await count(world, "plan") == 1
    assert [told["kind"] for told in await world.inbox("kw-1")] == ["transfer_in"]
    said = (await world.ask("officer-1", question())).json()
    assert said["outcome"] == "temporary_entry"
    assert said["key_worker"]["name"] == "Testperson Kw-1"
    assert said["looked_after"] is True
    # Found under the name that the other authority brought as well.
    assert (await world.ask("officer-2", question(family="Elderfield-Test"))).json()["outcome"] == "temporary_entry"


@pytest.mark.rule("REG-1")
async def test_a_child_on_a_plan_here_stays_on_it_and_the_manager_is_told(world: World) -> None:
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    assert (await notify(world)).json()["placed_as"] == "already_on_plan"
    assert (await world.ask("officer-1", question())).json()["outcome"] == "on_plan"
    assert [told["kind"] for told in await world.inbox("sm-1")] == ["transfer_in"]
    assert await count(world, "plan") == 1


@pytest.mark.rule("REG-1", "TRF-1")
async def test_notifying_again_changes_nothing(world: World) -> None:
    first = (await notify(world)).json()
    world.clock.advance(hours=30)
    again = (await notify(world)).json()
    assert again["placed_as"] == "already_notified"
    assert (again["reference"], again["conference_due"]) == (first["reference"], first["conference_due"])
    assert await count(world, "transfer_case") == await count(world, "child") == 1
    assert len(await world.inbox("sm-1")) == 1


@pytest.mark.rule("REG-1", "TRF-1")
@pytest.mark.parametrize("key", [None, "the-same-key"])
async def test_ten_notifications_at_once_make_one_entry(world: World, key: str | None) -> None:
    await world.token("custodian-1", "transfer")

    async def insist() -> httpx2.Response:
        answer = await notify(world, key=key)
        for _ in range(100):
            if answer.status_code != 503:  # only so many wait at a time
                break
            await asyncio.sleep(0.02)
            answer = await notify(world, key=key)
        return answer

    answers = await asyncio.gather(*(insist() for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["reference"] for answer in answers}) == 1
    assert await count(world, "child") == await count(world, "transfer_case") == 1
    assert len(await world.inbox("sm-1")) == 1


@pytest.mark.rule("TRF-1", "ENQ-2")
@pytest.mark.parametrize("table", ["child", "child_token", "plan", "transfer_case", "notification", "access_entry"])
async def test_a_notification_is_placed_whole_or_not_at_all(world: World, table: str) -> None:
    await world.token("custodian-1", "transfer")
    async with world.database.connection() as connection:
        await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT none CHECK (false) NOT VALID")
    failed = await notify(world, key="the-same-key")
    assert failed.status_code == 503
    assert "placed_as" not in failed.json()
    for empty in ("child", "plan", "transfer_case", "notification"):
        assert await count(world, empty) == 0
    async with world.database.connection() as connection:
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT none")
    assert (await notify(world, key="the-same-key")).json()["placed_as"] == "temporary_entry"
    assert len(await world.inbox("sm-1")) == 1


async def test_a_key_that_was_used_for_another_child_is_refused(world: World) -> None:
    await notify(world, key="the-same-key")
    other = {**NOTICE, "moved_on": "2026-03-02"}
    assert (await notify(world, other, key="the-same-key")).status_code == 422


async def test_a_key_means_the_same_notification_for_a_day(world: World) -> None:
    first = await notify(world, key="the-same-key")
    world.clock.advance(hours=24)
    assert (await notify(world, key="the-same-key")).json() == first.json()
    world.clock.advance(hours=1)
    assert (await notify(world, key="the-same-key")).status_code == 422


@pytest.mark.rule("TRF-1", "REG-3")
async def test_an_unborn_child_is_found_through_the_mother(world: World) -> None:
    born_to = {"given_names": "Marigold", "family_name": "Motherly-Test", "date_of_birth": "1994-07-08"}
    due = datetime.now(UTC).date().replace(day=1).isoformat()
    notice = {
        **NOTICE,
        "child": {
            "expected_delivery_date": due,
            "mother": born_to,
            "address_here": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"},
        },
    }
    assert (await notify(world, notice)).status_code == 201
    asked = {
        "expected_delivery_date": due,
        "mother": born_to,
        "address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"},
    }
    assert (await world.ask("nurse-1", asked, reason="unborn_concern")).json()["outcome"] == "temporary_entry"


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(("who", "scope"), [("officer-1", "enquiry"), ("kw-1", "casework"), ("sm-1", "enquiry")])
async def test_only_another_authoritys_custodian_notifies(world: World, who: str, scope: str) -> None:
    answer = await world.http.post("/api/v1/transfers/in", json=NOTICE, auth=world.auth(who, scope))
    assert answer.status_code == 403
    assert await count(world, "child") == await count(world, "transfer_case") == 0
    assert [noted["kind"] for noted in await world.log() if noted["kind"].startswith("transfer")] == []
    assert len(await world.log("request.refused")) == 1


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("who", ["kw-1", "duty-1"])
async def test_only_a_manager_allocates(world: World, who: str) -> None:
    reference = (await notify(world)).json()["reference"]
    assert (await allocate(world, reference, who=who, key_worker="kw-2")).status_code == 403
    assert await world.inbox("kw-2") == []


@pytest.mark.parametrize(
    ("reference", "body"),
    [
        ("T-00000-00000", {"key_worker": "kw-1"}),
        (None, {"key_worker": "nobody-1"}),
        (None, {"key_worker": "sm-1"}),
        (None, {"key_worker": "officer-1"}),
        (None, {"key_worker": "kw-1", "team_manager": "kw-2"}),
    ],
    ids=str,
)
async def test_what_does_not_exist_or_does_not_fit_is_not_found(
    world: World, reference: str | None, body: dict[str, str]
) -> None:
    made = (await notify(world)).json()["reference"]
    assert (await allocate(world, reference or made, **body)).status_code == 404
    assert [told["kind"] for who in STAFF for told in await world.inbox(who)] == ["transfer_in"]


@pytest.mark.parametrize(
    "child",
    [
        {"date_of_birth": "2999-01-01"},
        {"date_of_birth": "1950-01-01"},
        {"date_of_birth": "2019-02-30"},
        {"date_of_birth": None},
        {"given_names": ""},
        {"date_of_birth": None, "expected_delivery_date": "2050-01-01"},
        {"mother": {"given_names": "Marigold", "family_name": "M-Test", "date_of_birth": "2999-01-01"}},
    ],
    ids=str,
)
async def test_an_impossible_child_is_not_placed(world: World, child: dict[str, Any]) -> None:
    mother = {"given_names": "Marigold", "family_name": "Motherly-Test"}
    answer = await notify(world, {**NOTICE, "child": {**NOTICE["child"], "mother": mother, **child}})
    assert answer.status_code == 422, answer.text
    assert "Quillon" not in answer.text
    assert await count(world, "child") == 0


@pytest.mark.parametrize("moved_on", ["2999-01-01", "1900-01-01"])
async def test_a_move_that_cannot_be_is_refused(world: World, moved_on: str) -> None:
    assert (await notify(world, {**NOTICE, "moved_on": moved_on})).status_code == 422
