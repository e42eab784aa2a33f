"""What the tests of transfers share: a notice of a neighbouring authority, how it is sent, what then stands there."""

from typing import Any

import httpx2
from builders import World

NOTICE: dict[str, Any] = {
    "child": {
        "given_names": "Quillon",
        "family_name": "Ashgrove-Test",
        "other_names": [{"given_names": "Quillon", "family_name": "Elderfield-Test"}],
        "date_of_birth": "2019-05-06",
        "address_here": {"lines": "7 Larkspur Rise", "postcode": "JE5 7QX"},
    },
    "plan": {"categories": ["physical"], "started_on": "2025-09-01"},
    "moved_on": "2026-03-01",
    "key_worker": {"name": "Testperson Elsewhere", "phone": "01632 960777"},
}


async def notify(
    world: World, notice: dict[str, Any] | None = None, *, who: str = "custodian-1", key: str | None = None
) -> httpx2.Response:
    headers = {"Idempotency-Key": key} if key else {}
    auth = world.auth(who, "transfer")
    return await world.http.post("/api/v1/transfers/in", json=notice or NOTICE, headers=headers, auth=auth)


async def allocate(world: World, reference: str, *, who: str = "sm-1", **body: str) -> httpx2.Response:
    url = f"/api/v1/transfers/{reference}/key-worker"
    return await world.http.put(url, json=body, auth=world.auth(who, "casework"))


async def count(world: World, table: str) -> int:
    async with world.database.connection() as connection:
        return int(await connection.fetchval(f"SELECT count(*) FROM {table}"))
