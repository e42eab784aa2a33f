"""What a duty worker does on the telephone, for tests: take an enquiry down, call back, see who waits."""

from typing import Any

import httpx2
from builders import World, entry, question

from registry_api.register.entry import PlanKind

OFFICER = {"organisation": "police", "professional": "officer-1"}
STRANGER = {"organisation": "hospital", "name": "Testperson Nightshift", "role": "nurse"}


async def add_child(world: World, **changes: Any) -> None:
    key_worker = world.members["kw-1"].id
    await world.add(entry(**{"plan": PlanKind.FULL, "key_worker": key_worker, **changes}))


async def take(
    world: World, caller: dict[str, Any] = OFFICER, *, by: str = "duty-1", key: str | None = None, **changes: Any
) -> httpx2.Response:
    body = {
        "caller": caller,
        "child": question(),
        "reason": "injury",
        "reason_text": "Bruise on the upper arm.",
        "urgency": "urgent",
        **changes,
    }
    headers = {"Idempotency-Key": key} if key else {}
    return await world.http.post(
        "/api/v1/telephone-enquiries", json=body, headers=headers, auth=world.auth(by, "enquiry")
    )


async def call_back(
    world: World, reference: str, *, called: str = "office", reached: bool = True, by: str = "duty-1"
) -> httpx2.Response:
    path = f"/api/v1/telephone-enquiries/{reference}/call-backs"
    return await world.http.post(path, json={"called": called, "reached": reached}, auth=world.auth(by, "enquiry"))


async def held(world: World, by: str = "duty-1") -> list[dict[str, Any]]:
    answer = await world.http.get("/api/v1/telephone-enquiries", auth=world.auth(by, "enquiry"))
    assert answer.status_code == 200, answer.text
    held: list[dict[str, Any]] = answer.json()["held"]
    return held


async def change(world: World, sql: str, *values: Any) -> None:
    async with world.database.connection() as connection:
        await connection.execute(sql, *values)
