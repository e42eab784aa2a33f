"""A retry is the same enquiry: the same bytes, noted as a repeat, and never a second enquiry nor a second notice."""

import asyncio

import pytest
from builders import World, entry, question, said

from registry_api.directory.models import Professional

KEY = "retry-0001"
pytestmark = pytest.mark.rule("ENQ-7")


async def _count(world: World, table: str) -> int:
    async with world.database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))


async def test_the_same_key_and_body_get_the_same_bytes_and_a_note_of_the_repeat(world: World) -> None:
    first = await world.ask("officer-1", question(), key=KEY)
    world.clock.advance(hours=23)
    again = await world.ask("officer-1", question(), key=KEY)
    assert said(first) == said(again)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    (repeated,) = await world.log("enquiry.repeated")
    assert repeated["reference"] == first.json()["reference"]
    assert repeated["professional_id"] == world.members["officer-1"].id
    assert await _count(world, "enquiry") == 1
    assert (await world.ask("nurse-1", question())).json()["earlier_enquiries"][0]["reference"] == repeated["reference"]


async def test_an_answer_stays_the_one_that_was_given_though_the_register_has_moved_on(world: World) -> None:
    first = await world.ask("officer-1", question(), key=KEY)
    await world.add(entry(key_worker=world.members["kw-1"].id))
    assert said(await world.ask("officer-1", question(), key=KEY)) == said(first)
    assert (await world.ask("officer-1", question(), key="another-key")).json()["outcome"] == "open_case"


@pytest.mark.parametrize(
    "changes",
    [{"reason": "neglect"}, {"urgency": "routine"}, {"call_back_number": "01632 960322"}, {"reason_text": "Other."}],
    ids=lambda changes: next(iter(changes)),
)
async def test_the_same_key_with_another_body_is_refused(world: World, changes: dict[str, str]) -> None:
    await world.ask("officer-1", question(), key=KEY)
    refused = await world.ask("officer-1", question(), key=KEY, **changes)
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:registry:problem:idempotency-key-reused"
    assert "reference" not in refused.json()
    assert await _count(world, "enquiry") == 1
    (noted,) = await world.log("request.refused")
    assert noted["reason"] == "idempotency-key-reused"


async def test_the_same_key_about_another_child_is_refused(world: World) -> None:
    await world.ask("officer-1", question(), key=KEY)
    assert (await world.ask("officer-1", question("Persimmon"), key=KEY)).status_code == 422


async def test_another_professional_of_the_same_system_cannot_replay_it(world: World) -> None:
    first = await world.ask("officer-1", question(), key=KEY)
    refused = await world.ask("officer-2", question(), key=KEY)
    assert refused.status_code == 422
    assert first.json()["reference"] not in refused.text


async def test_the_same_key_of_another_system_is_another_key(world: World) -> None:
    first = await world.ask("officer-1", question(), key=KEY)
    other = await world.ask("nurse-1", question(), key=KEY)
    assert other.status_code == 200
    assert other.json()["reference"] != first.json()["reference"]
    assert other.json()["outcome"] == "not_known_second_enquiry"


async def test_after_a_day_the_key_is_used_up_lest_an_old_answer_mislead(world: World) -> None:
    assert (await world.ask("officer-1", question(), key=KEY)).status_code == 200
    world.clock.advance(hours=24)
    assert (await world.ask("officer-1", question(), key=KEY)).status_code == 200
    world.clock.advance(seconds=1)
    assert (await world.ask("officer-1", question(), key=KEY)).status_code == 422


@pytest.mark.parametrize("known", [True, False])
async def test_twenty_retries_at_once_are_one_enquiry(world: World, known: bool) -> None:
    if known:
        await world.add(entry(key_worker=world.members["kw-1"].id))
    await world.token("officer-1", "enquiry")
    answers = await asyncio.gather(*(world.ask("officer-1", question(), key=KEY) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({said(answer) for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert answers[0].json()["outcome"] == ("open_case" if known else "not_known")
    assert await _count(world, "enquiry") == await _count(world, "enquiry_answer") == 1
    assert len(await world.log("enquiry.received")) == len(await world.log("enquiry.answered")) == 1
    assert len(await world.log("enquiry.repeated")) == 19
    assert await _count(world, "notification") == known
    assert await _count(world, "consideration") == 0


@pytest.mark.rule("ENQ-3")
async def test_a_retry_after_a_suspension_is_refused_and_repeats_nothing(world: World) -> None:
    await world.add(entry(key_worker=world.members["kw-1"].id))
    first = await world.ask("officer-1", question(), key=KEY)
    async with world.database.session() as session:
        officer = await session.get(Professional, world.members["officer-1"].id)
        assert officer is not None
        officer.suspended_at = world.clock()
    refused = await world.ask("officer-1", question(), key=KEY)
    assert refused.status_code == 403
    assert "Kw-1" not in refused.text
    assert first.json()["reference"] not in refused.text
    (noted,) = await world.log("request.refused")
    assert noted["reason"] == "professional_suspended"


@pytest.mark.rule("ENQ-3")
async def test_a_retry_of_what_was_refused_is_refused_again_and_kept_once(world: World) -> None:
    too_little = {"given_names": "Quillon"}
    first = await world.ask("officer-1", too_little, key=KEY)
    again = await world.ask("officer-1", too_little, key=KEY)
    assert first.status_code == again.status_code == 422
    assert first.json()["reference"] == again.json()["reference"]
    assert first.json()["needed"] == again.json()["needed"]
    assert await _count(world, "enquiry") == 1
    assert await _count(world, "enquiry_answer") == 0


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "has a space", "tab\there"])
async def test_a_key_without_the_form_is_refused_and_not_repeated(world: World, key: str) -> None:
    headers = {"Idempotency-Key": key}
    body = {
        "child": question(),
        "reason": "injury",
        "reason_text": "Bruise.",
        "urgency": "urgent",
        "call_back_number": "01632 960321",
    }
    auth = world.auth("officer-1", "enquiry")
    refused = await world.http.post("/api/v1/enquiries", json=body, headers=headers, auth=auth)
    assert refused.status_code == 422
    assert refused.json()["errors"] == [
        {
            "field": "header.Idempotency-Key",
            "code": "idempotency_key",
            "message": "Must be 8 to 128 printable ASCII characters.",
        }
    ]
    assert await _count(world, "enquiry") == 0
