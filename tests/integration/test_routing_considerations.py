"""The consideration of a child who was asked about twice (ENQ-7).

It is for the safeguarding manager alone, and is decided once, on what they read, with a reason that is kept.
"""

import asyncio
from typing import Any
from uuid import UUID

import httpx2
import pytest
from builders import World, question

pytestmark = pytest.mark.rule("ENQ-7")
REASON = "Both concerns were explained by the school."
DECISION = {"decision": "child_in_need_assessment", "reason": REASON}


async def _opened(world: World) -> dict[str, Any]:
    await world.ask("officer-1", question())
    await world.ask("nurse-1", question())
    (consideration,) = await world.considerations()
    return consideration


async def _decide(
    world: World,
    consideration: str,
    *,
    version: str | None = '"1"',
    who: str = "sm-1",
    body: Any = None,
) -> httpx2.Response:
    headers = {} if version is None else {"If-Match": version}
    url = f"/api/v1/considerations/{consideration}/decision"
    return await world.http.post(
        url, json=DECISION if body is None else body, headers=headers, auth=world.auth(who, "casework")
    )


async def test_the_decision_is_recorded_with_its_reason(world: World) -> None:
    opened = await _opened(world)
    decided = await _decide(world, opened["id"])
    assert decided.status_code == 200
    assert decided.headers["etag"] == '"2"'
    said = decided.json()
    assert (said["decision"], said["reason"], said["version"]) == ("child_in_need_assessment", REASON, 2)
    assert said["decided_at"] == "2026-03-04T10:00:00Z"
    assert await world.considerations() == []
    (noted,) = await world.log("consideration.decided")
    assert (noted["professional_id"], noted["reference"]) == (world.members["sm-1"].id, opened["id"])
    every = await world.http.get("/api/v1/considerations?open=false", auth=world.auth("sm-1", "casework"))
    assert every.json()["considerations"] == [said]
    async with world.database.connection() as connection:
        kept = await connection.fetchrow("SELECT * FROM consideration")
    assert kept is not None
    assert kept["decided_by"] == world.members["sm-1"].id
    assert REASON.encode() not in kept["sealed_reason"]


async def test_it_is_shown_overdue_from_the_day_after_it_was_due(world: World) -> None:
    opened = await _opened(world)
    assert (opened["due_on"], opened["overdue"]) == ("2026-03-05", False)
    world.clock.advance(hours=24)
    assert (await world.considerations())[0]["overdue"] is False
    world.clock.advance(hours=24)
    assert (await world.considerations())[0]["overdue"] is True


async def test_a_decision_has_to_say_on_what_it_was_made(world: World) -> None:
    opened = await _opened(world)
    assert (await _decide(world, opened["id"], version=None)).status_code == 428
    assert len(await world.considerations()) == 1


@pytest.mark.parametrize("version", ['"0"', '"2"', "*", 'W/"1"', '"١"', '"-1"', '"1", "2"', '""', "9" * 20])
async def test_a_decision_on_another_version_is_refused(world: World, version: str) -> None:
    opened = await _opened(world)
    url = f"/api/v1/considerations/{opened['id']}/decision"
    given = {b"If-Match": version.encode()}
    answer = await world.http.post(url, json=DECISION, headers=given, auth=world.auth("sm-1", "casework"))
    assert answer.status_code == 412, answer.text
    assert (await world.considerations())[0]["version"] == 1


async def test_what_is_decided_stays_decided(world: World) -> None:
    opened = await _opened(world)
    await _decide(world, opened["id"])
    for version in ('"1"', '"2"'):
        again = await _decide(world, opened["id"], version=version, body={**DECISION, "decision": "early_help"})
        assert again.status_code == 409
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT decision FROM consideration") == "child_in_need_assessment"
    assert len(await world.log("consideration.decided")) == 1


async def test_of_two_decisions_at_once_one_stands(world: World) -> None:
    opened = await _opened(world)
    await world.token("sm-1", "casework")
    answers = await asyncio.gather(*(_decide(world, opened["id"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert len(await world.log("consideration.decided")) == 1


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("who", ["kw-1", "duty-1", "tm-1"])
async def test_only_the_safeguarding_manager_reads_and_decides(world: World, who: str) -> None:
    opened = await _opened(world)
    assert (await world.http.get("/api/v1/considerations", auth=world.auth(who, "casework"))).status_code == 403
    refused, nobodys = await _decide(world, opened["id"], who=who), await _decide(world, str(UUID(int=1)), who=who)
    assert refused.status_code == nobodys.status_code == 403
    assert refused.json()["because"] == nobodys.json()["because"] == "role_not_permitted"
    assert len(await world.considerations()) == 1


async def test_what_does_not_exist_is_not_found(world: World) -> None:
    assert (await _decide(world, str(UUID(int=1)))).status_code == 404
    assert await world.log("consideration.decided") == []


@pytest.mark.parametrize(
    "body",
    [
        {"decision": "no_further_action"},
        {"decision": "no_further_action", "reason": ""},
        {"decision": "no_further_action", "reason": "   short   "},
        {"decision": "forget_it", "reason": REASON},
        {"decision": "no_further_action", "reason": REASON, "decided_at": "2020-01-01"},
        {},
    ],
    ids=str,
)
async def test_a_decision_without_a_reason_is_none(world: World, body: dict[str, str]) -> None:
    opened = await _opened(world)
    assert (await _decide(world, opened["id"], body=body)).status_code == 422
    assert len(await world.considerations()) == 1
