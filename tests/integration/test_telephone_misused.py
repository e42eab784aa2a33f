"""Enquiries by telephone, by those who would get round something with them: by another name, later, or unseen."""

import pytest
from builders import World, question
from telephone_calls import STRANGER, add_child, call_back, change, take

pytestmark = pytest.mark.rule("ENQ-2")


@pytest.mark.rule("ENQ-3")
async def test_whoever_is_suspended_stays_so_by_their_name_and_in_another_role(world: World) -> None:
    await add_child(world)
    await change(world, "UPDATE professional SET suspended_at = now() WHERE subject = 'nurse-1'")
    for role in ("nurse", "doctor"):
        refused = await take(world, {**STRANGER, "name": "testperson NURSE-1", "role": role})
        assert (refused.status_code, refused.json()["because"]) == (403, "professional_suspended")
    assert (await take(world, STRANGER)).status_code == 201
    await change(world, "UPDATE professional SET suspended_at = now() WHERE by_phone")
    assert (await take(world, {**STRANGER, "role": "doctor"})).json()["because"] == "professional_suspended"


@pytest.mark.rule("ENQ-3", "ENQ-4")
async def test_an_answer_that_was_held_too_long_or_is_more_than_they_may_be_told_now_is_not_given(world: World) -> None:
    await add_child(world)
    reference = (await take(world)).json()["reference"]
    await change(
        world,
        "UPDATE agreement SET disclosure = 'contact' "
        "WHERE organisation_id = (SELECT id FROM organisation WHERE code = 'police')",
    )
    refused = await call_back(world, reference)
    assert (refused.status_code, refused.json()["because"]) == (422, "ask_anew")
    reference = (await take(world)).json()["reference"]
    assert (await call_back(world, reference)).json()["answer"]["outcome"] == "known"
    world.clock.advance(hours=2, seconds=1)
    late = await call_back(world, reference)
    assert (late.status_code, late.json()["because"]) == (422, "ask_anew")
    assert len(await world.log("telephone.answered")) == 1


async def test_a_key_of_an_enquiry_of_ones_own_is_no_key_of_a_call(world: World) -> None:
    await add_child(world)
    own = await world.ask("duty-1", question(), key="the-same-key-twice", call_back_number="01632 960100")
    assert own.status_code == 200
    call = await take(world, key="the-same-key-twice")
    assert call.json()["type"] == "urn:registry:problem:idempotency-key-reused"
