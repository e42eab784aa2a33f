"""Who is handed out beside the candidates, and only against a committed entry.

People at an address that was asked about, and whom somebody was told of.
"""

from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from builders import START, World, entry, question
from integration.gates import SHUT, as_role, candidates, unused
from integration.people_notices import notify

from registry_api.access_log import store as access_log
from registry_api.kernel.db import Connection
from registry_api.kernel.roles import Role
from registry_api.register.entry import PlanKind

TOLD = {"child": "read_told_children", "person": "read_told_people"}


@pytest.mark.rule("ENQ-4", "CUS-1")
@pytest.mark.parametrize("who", TOLD)
async def test_names_are_told_against_a_committed_reading_and_to_their_recipient(
    world: World, tmp_path: Path, who: str
) -> None:
    child = await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    await notify(world, tmp_path)
    async with world.database.connection() as connection:
        person = await connection.fetchval("SELECT id FROM risk_person")
    await world.ask("officer-1", question())
    shown = {"child": "children", "person": "people"}[who]
    (notification,) = [UUID(told["id"]) for told in await world.inbox("kw-1") if told[shown]][:1]
    expected = {"child": child, "person": person}[who]
    told = f"SELECT id FROM {TOLD[who]}($1, $2)"

    async def reading(connection: Connection, subject: str, kind: str = "inbox.read") -> int:
        return await access_log.append(
            connection, access_log.values(at=START, kind=kind, professional_id=world.members[subject].id)
        )

    async with as_role(world, Role.API) as api:
        assert [row["id"] for row in await api.fetch(told, await reading(api, "kw-1"), [notification])] == [expected]
        for entry_number in (await reading(api, "kw-2"), await reading(api, "kw-1", "sign_in"), 2**62, None):
            assert await api.fetch(told, entry_number, [notification]) == []
        assert await api.fetch(told, await reading(api, "kw-1"), [uuid4()]) == []
        for begin in ("BEGIN", "BEGIN; SAVEPOINT one"):
            await api.execute(begin)
            own = await reading(api, "kw-1")
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="recorded first"):
                await api.fetch(told, own, [notification])
            await api.execute("ROLLBACK")


@pytest.mark.rule("CUS-1", "ENQ-2")
async def test_who_may_pose_a_risk_is_told_of_the_homes_asked_about_once_they_were_opened(
    world: World, tmp_path: Path
) -> None:
    await notify(world, tmp_path)
    await notify(world, tmp_path, record_id="R-2", address="12 Foxglove Close")
    gate = await unused(world)
    async with world.database.connection() as connection:
        rows = await connection.fetch("SELECT id, source_tag FROM risk_person ORDER BY updated_at, id")
    assert len(rows) == 2
    async with as_role(world, Role.API) as api:
        with SHUT:  # nothing has been opened yet
            await gate.people(api)
        await candidates(api, gate)
        (there,) = await gate.people(api)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.fetch("SELECT id FROM risk_person")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api.fetch("SELECT token FROM risk_token")
    assert there["id"] in {row["id"] for row in rows}
    assert (await world.ask("nurse-1", question())).status_code == 200
