"""What was asked of the access log is kept as long as the entry that says so, and no longer."""

import pytest
from builders import World, entry
from integration.log_erasures import YEARS_LATER, count, erase, hold

from registry_api.access_log import keeping_store
from registry_api.audit import searching
from registry_api.kernel.crypto import EnvelopeError

pytestmark = pytest.mark.rule("ENQ-3")


async def test_what_was_asked_of_the_log_goes_with_its_entry(world: World) -> None:
    child = await world.add(entry(key_worker=world.members["kw-1"].id))
    body = {"child_id": str(child), "purpose": "complaint", "why": "Complaint 12 of a made-up family."}
    searched = await world.http.post("/api/v1/access-log/search", json=body, auth=world.auth("igo-1", "casework"))
    assert searched.status_code == 200, searched.text
    reported = await world.http.post(
        "/api/v1/access-log/disclosure-report",
        json={"child_id": str(child), "why": "Subject access request 7."},
        auth=world.auth("igo-1", "casework"),
    )
    assert reported.status_code == 200, reported.text
    async with world.database.connection() as connection:  # as a backup has it
        backup = await connection.fetch("SELECT * FROM log_search")
    assert len(backup) == 2
    kept = await hold(world, reference=searched.json()["search_id"])
    world.clock.now += YEARS_LATER
    await erase(world)
    assert await count(world, "log_search") == 1, "a hold keeps it"
    async with world.database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM log_search")
    assert row is not None
    assert b"Complaint 12" in searching.criteria(world.vault, row["id"], row["data_key"], row["sealed_criteria"])
    async with world.database.transaction() as connection:
        await keeping_store.lift_hold(connection, kept, world.clock(), 1)
    world.clock.advance(days=62)
    await erase(world)
    assert await count(world, "log_search") == 0
    for row in backup:
        with pytest.raises(EnvelopeError):
            world.vault.key("log_search", row["id"], row["data_key"])
