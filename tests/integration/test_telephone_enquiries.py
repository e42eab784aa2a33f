"""Enquiries by telephone: recorded under the caller, followed up at once, and told to nobody before the call-back."""

from typing import Any

import pytest
from builders import World, question
from telephone_calls import OFFICER, STRANGER, add_child, call_back, change, held, take

pytestmark = pytest.mark.rule("ENQ-1", "ENQ-2")


@pytest.mark.rule("ENQ-4")
async def test_from_the_call_to_the_call_back(world: World) -> None:
    await add_child(world)
    taken = await take(world)
    assert taken.status_code == 201, taken.text
    taken_down = taken.json()
    assert taken_down["caller"] == {
        "name": "Testperson Officer-1",
        "role": "police_officer",
        "organisation": "Test Police",
    }
    assert taken_down["call_back"] == [
        {"which": "office", "phone": "01632 960100"},
        {"which": "out_of_hours", "phone": "01632 960999"},
    ]
    # Nothing of the answer, not even whether there is a child.
    assert set(taken_down) == {"reference", "received_at", "urgency", "caller", "call_back", "attempts", "what_to_do"}
    # The key worker does not wait for the call-back.
    (told,) = await world.inbox("kw-1")
    assert told["about"]["by"]["name"] == "Testperson Officer-1"
    assert told["about"]["details"]["call_back_number"] == "01632 960100"

    missed = (await call_back(world, taken_down["reference"], reached=False)).json()
    assert "answer" not in missed
    (waiting,) = await held(world, by="duty-2")
    assert (waiting["reference"], waiting["attempts"]) == (taken_down["reference"], 1)

    reached = await call_back(world, taken_down["reference"], called="out_of_hours", by="duty-2")
    assert reached.status_code == 200, reached.text
    answer = reached.json()["answer"]
    assert answer["outcome"] == "on_plan"
    assert answer["key_worker"]["name"] == "Testperson Kw-1"
    assert await held(world) == []

    kinds = [(row["kind"], row["professional_id"]) for row in await world.log() if row["reference"]]
    caller, first, second = (world.members[who].id for who in ("officer-1", "duty-1", "duty-2"))
    assert kinds == [
        ("enquiry.received", caller),
        ("enquiry.answered", caller),
        ("telephone.not_reached", first),
        ("telephone.reached", second),
        ("telephone.answered", caller),
    ]
    assert len(await world.log("telephone.taken")) == 1
    async with world.database.connection() as connection:
        kept = await connection.fetchrow("SELECT * FROM enquiry")
        calls = await connection.fetch("SELECT * FROM call_back ORDER BY at, reached")
    assert kept["taken_by"] == first
    assert [(row["called"], row["reached"], row["called_by"]) for row in calls] == [
        ("office", False, first),
        ("out_of_hours", True, second),
    ]


async def test_a_caller_who_is_not_enrolled_is_put_down_once_and_known_at_the_next_call(world: World) -> None:
    first = await take(world, STRANGER)
    assert first.status_code == 201, first.text
    again = await take(world, {**STRANGER, "name": "testperson  NIGHTSHIFT"}, child=question("Persimmon"))
    assert again.status_code == 201
    async with world.database.connection() as connection:
        asked = await connection.fetch("SELECT professional_id FROM enquiry")
        (added,) = await connection.fetch("SELECT id FROM professional WHERE by_phone")
    assert {row["professional_id"] for row in asked} == {added["id"]}
    changed = await world.log("directory.changed")
    assert [(row["reason"], row["professional_id"]) for row in changed] == [
        ("professional_added", world.members["duty-1"].id)
    ]


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("caller", "because"),
    [
        ({"organisation": "nowhere", "professional": "officer-1"}, "organisation_unknown"),
        ({"organisation": "police", "professional": "nurse-1"}, "professional_unknown"),
        ({**STRANGER, "role": "key_worker"}, "by_telephone_only"),
        ({"organisation": "authority", "professional": "kw-1"}, "own_staff_sign_in"),
        ({**STRANGER, "name": "Testperson Nurse-1"}, "enrolled_already"),
    ],
    ids=str,
)
async def test_who_cannot_be_placed_cannot_ask(world: World, caller: dict[str, Any], because: str) -> None:
    refused = await take(world, caller)
    assert refused.status_code == 422
    assert refused.json()["because"] == because
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM enquiry") == 0
    assert (await world.log("request.refused"))[-1]["reason"] == because


@pytest.mark.parametrize(
    "caller",
    [
        {"organisation": "police"},
        {"organisation": "police", "name": "Testperson Somebody"},
        {"organisation": "police", "role": "police_officer"},
        {**OFFICER, "name": "Testperson Somebody", "role": "police_officer"},
        {"organisation": "po/lice", "professional": "officer-1"},
    ],
    ids=str,
)
async def test_it_has_to_be_clear_who_calls(world: World, caller: dict[str, Any]) -> None:
    assert (await take(world, caller)).status_code == 422


@pytest.mark.rule("ENQ-3")
async def test_a_caller_may_ask_what_they_may_ask_by_themselves_and_no_more(world: World) -> None:
    await add_child(world)
    wrong_purpose = await take(world, {"organisation": "hospital", "professional": "nurse-1"}, reason="missing_child")
    assert (wrong_purpose.status_code, wrong_purpose.json()["because"]) == (403, "purpose_not_agreed")
    custodian = await take(world, {"organisation": "neighbour", "professional": "custodian-1"})
    assert custodian.json()["because"] == "purpose_not_agreed"
    by_address = await take(world, child={"address": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"}})
    assert (by_address.status_code, by_address.json()["type"]) == (422, "urn:registry:problem:more-details-needed")
    await change(world, "UPDATE professional SET suspended_at = now() WHERE subject = 'officer-1'")
    suspended = await take(world)
    assert suspended.json()["because"] == "professional_suspended"
    # Each stands under the caller, with its reason, and none is held.
    refused = await world.log("enquiry.refused")
    assert [row["reason"] for row in refused] == [
        "purpose_not_agreed",
        "purpose_not_agreed",
        "too_few_details",
        "professional_suspended",
    ]
    assert refused[0]["professional_id"] == world.members["nurse-1"].id
    assert await held(world) == []
    assert (await call_back(world, refused[0]["reference"])).status_code == 404
    assert await world.inbox("kw-1") == []


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize(
    ("sql", "because"),
    [
        ("UPDATE professional SET suspended_at = now() WHERE subject = 'officer-1'", "professional_suspended"),
        ("UPDATE organisation SET suspended_at = now() WHERE code = 'police'", "organisation_suspended"),
        (
            "UPDATE agreement SET valid_to = '2026-03-03' "
            "WHERE organisation_id = (SELECT id FROM organisation WHERE code = 'police')",
            "no_agreement",
        ),
    ],
    ids=["professional", "organisation", "agreement"],
)
async def test_who_may_not_ask_any_more_is_not_told_either(world: World, sql: str, because: str) -> None:
    await add_child(world)
    reference = (await take(world)).json()["reference"]
    await change(world, sql)
    refused = await call_back(world, reference)
    assert (refused.status_code, refused.json()["because"]) == (403, because)
    assert "neglect" not in refused.text
    assert len(await world.log("telephone.reached")) == 1
    assert await world.log("telephone.answered") == []


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("who", ["officer-1", "nurse-1", "igo-1"])
async def test_only_caseworkers_of_the_authority_take_calls_and_call_back(world: World, who: str) -> None:
    await add_child(world)
    reference = (await take(world)).json()["reference"]
    assert (await take(world, by=who)).status_code == 403
    assert (await call_back(world, reference, by=who)).status_code == 403
    listed = await world.http.get("/api/v1/telephone-enquiries", auth=world.auth(who, "enquiry"))
    assert listed.status_code == 403
    assert await world.log("telephone.reached") == []


@pytest.mark.rule("ENQ-3")
async def test_an_enquiry_that_nobody_took_down_has_no_call_back(world: World) -> None:
    await add_child(world)
    own = (await world.ask("officer-1", question())).json()["reference"]
    assert (await call_back(world, own)).status_code == 404
    assert (await call_back(world, "E-00000-00000")).status_code == 404
    assert await world.log("telephone.answered") == []


async def test_a_number_that_the_directory_does_not_have_is_no_call_back(world: World) -> None:
    await change(world, "UPDATE organisation SET out_of_hours_phone = '' WHERE code = 'police'")
    taken_down = (await take(world)).json()
    assert [number["which"] for number in taken_down["call_back"]] == ["office"]
    refused = await call_back(world, taken_down["reference"], called="out_of_hours")
    assert (refused.status_code, refused.json()["because"]) == (422, "no_such_number")
    assert len(await held(world)) == 1
    await change(world, "UPDATE organisation SET office_phone = '' WHERE code = 'police'")
    nowhere = await take(world)
    assert (nowhere.status_code, nowhere.json()["because"]) == (422, "no_number_to_call_back")


@pytest.mark.rule("ENQ-10")
async def test_what_is_held_is_listed_by_urgency_and_then_by_age(world: World) -> None:
    for urgency in ("routine", "urgent", "immediate", "urgent"):
        assert (await take(world, urgency=urgency, child=question("Persimmon"))).status_code == 201
        world.clock.advance(minutes=1)
    waiting = await held(world)
    assert [one["urgency"] for one in waiting] == ["immediate", "urgent", "urgent", "routine"]
    assert waiting[1]["received_at"] < waiting[2]["received_at"]
    assert len(await world.log("telephone.waiting_read")) == 1


async def test_a_retry_is_the_same_call(world: World) -> None:
    await add_child(world)
    first = (await take(world, key="one-call-of-tonight")).json()
    again = (await take(world, key="one-call-of-tonight")).json()
    assert again == first
    other = await take(world, STRANGER, key="one-call-of-tonight")
    assert other.json()["type"] == "urn:registry:problem:idempotency-key-reused"
    assert len(await world.inbox("kw-1")) == 1


@pytest.mark.rule("ENQ-3")
async def test_of_a_restricted_child_a_caller_learns_nothing_though_a_manager_took_the_call(world: World) -> None:
    await add_child(world, restricted=True)
    reference = (await take(world, by="sm-1")).json()["reference"]
    assert (await call_back(world, reference, by="sm-1")).json()["answer"]["outcome"] == "call_back"


@pytest.mark.rule("ENQ-7")
async def test_a_call_about_an_unknown_child_counts_as_the_callers_enquiry(world: World) -> None:
    assert (await world.ask("nurse-1", question())).json()["outcome"] == "not_known"
    world.clock.advance(minutes=1)
    reference = (await take(world)).json()["reference"]
    answer = (await call_back(world, reference)).json()["answer"]
    assert answer["outcome"] == "not_known_second_enquiry"
    assert answer["earlier_enquiries"][0]["organisation"] == "Test Hospital"
    (consideration,) = await world.considerations()
    assert [one["by"]["name"] for one in consideration["enquiries"]] == [
        "Testperson Nurse-1",
        "Testperson Officer-1",
    ]


async def test_a_call_back_that_cannot_be_recorded_hands_out_nothing(world: World) -> None:
    await add_child(world)
    reference = (await take(world)).json()["reference"]
    await change(world, "ALTER TABLE call_back RENAME TO elsewhere")
    failed = await call_back(world, reference)
    assert failed.status_code == 503
    assert "answer" not in failed.json()
    assert await world.log("telephone.reached") == []
    await change(world, "ALTER TABLE elsewhere RENAME TO call_back")
    assert (await call_back(world, reference)).json()["answer"]["outcome"] == "on_plan"


async def test_an_answer_that_was_never_made_is_made_for_the_call_back(world: World) -> None:
    await add_child(world)
    await change(world, "ALTER TABLE enquiry_answer RENAME TO elsewhere")
    assert (await take(world)).status_code == 503
    await change(world, "ALTER TABLE elsewhere RENAME TO enquiry_answer")
    (waiting,) = await held(world)
    assert (await call_back(world, waiting["reference"])).json()["answer"]["outcome"] == "on_plan"
    assert len(await world.inbox("kw-1")) == 1
