"""Who is handed out beside the candidates, and only against an entry under a signed head.

People at an address that was asked about, and whom somebody was told of.
"""

from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
from builders import START, World, entry, question
from integration.gates import SHUT, as_role, candidates, unused
from integration.people_notices import notify

from registry_api.access_log import store as access_log
from registry_api.access_log import tree_store
from registry_api.kernel.db import Connection
from registry_api.kernel.roles import Role
from registry_api.register.entry import PlanKind
from registry_api.routing.told import MOST_SINCE

TOLD = "SELECT * FROM read_told($1, $2)"


async def _told(world: World, tmp_path: Path) -> tuple[UUID, set[UUID]]:
    """Have kw-1 told of a child, and of a person at the child's address; return the notification and whom it names."""
    child = await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    await notify(world, tmp_path)
    async with world.database.connection() as connection:
        person = await connection.fetchval("SELECT id FROM risk_person")
    await world.ask("officer-1", question())
    (notification,) = [UUID(told["id"]) for told in await world.inbox("kw-1") if told["people"]]
    return notification, {child, person}


async def _named(connection: Connection, number: int | None, *notifications: UUID) -> set[UUID]:
    return {row["id"] for row in await connection.fetch(TOLD, number, [*notifications])}


async def _recorded(world: World, connection: Connection, who: str = "kw-1", kind: str = "inbox.read") -> int:
    """Append an entry, as whoever has the login of the API can."""
    values = access_log.values(at=START, kind=kind, professional_id=world.members[who].id)
    return await access_log.append(connection, values)


async def _signed(world: World, connection: Connection, who: str = "kw-1", kind: str = "inbox.read") -> int:
    """Append an entry, and wait until it lies under a signed head."""
    number = await _recorded(world, connection, who, kind)
    await world.app.state.routing.covered(number)
    return number


@pytest.mark.rule("ENQ-4", "CUS-1")
async def test_names_are_told_to_their_recipient_and_once_for_a_reading(world: World, tmp_path: Path) -> None:
    notification, named = await _told(world, tmp_path)
    async with as_role(world, Role.API) as api:
        own = await _signed(world, api)
        assert await _named(api, own, notification) == named
        for again in ([notification], []):
            with SHUT:
                await _named(api, own, *again)
        assert await _named(api, await _signed(world, api, "kw-2"), notification) == set()
        assert await _named(api, await _signed(world, api), uuid4()) == set()
        for kind in ("sign_in", "enquiry.resumed"):
            other = await _signed(world, api, kind=kind)
            with SHUT:
                await _named(api, other, notification)
        for none in (2**62, None):
            with SHUT:
                await _named(api, none, notification)


@pytest.mark.rule("ENQ-2")
async def test_they_are_told_against_a_reading_under_a_signed_head_alone(world: World, tmp_path: Path) -> None:
    notification, named = await _told(world, tmp_path)
    async with as_role(world, Role.API) as api:
        await api.execute("BEGIN")  # what is not committed is in no tree
        own = await _recorded(world, api)
        with SHUT:
            await _named(api, own, notification)
        await api.execute("ROLLBACK")
        async with world.database.transaction() as signing:
            await tree_store.lock(signing)  # so that nobody signs meanwhile
            waits = await _recorded(world, api)
            with SHUT:
                await _named(api, waits, notification)
        await world.app.state.routing.covered(waits)
        assert await _named(api, waits, notification) == named


@pytest.mark.rule("ENQ-2")
async def test_an_entry_that_was_left_is_of_no_use_later(world: World, tmp_path: Path) -> None:
    """Of a worker that was killed between recording a reading and doing it."""
    notification, named = await _told(world, tmp_path)
    async with as_role(world, Role.API) as api:
        left, kept = await _signed(world, api), await _signed(world, api)
        async with world.database.connection() as connection:
            last = await connection.fetchval(
                "WITH more AS (INSERT INTO access_entry (at, kind) "
                "SELECT $1, 'sign_in' FROM generate_series(1, $2::int) RETURNING id) SELECT max(id) FROM more",
                START,
                MOST_SINCE - 1,
            )
        await world.app.state.routing.covered(last)
        with SHUT:
            await _named(api, left, notification)
        assert await _named(api, kept, notification) == named, "the last that is recent"


@pytest.mark.rule("ENQ-2")
async def test_the_service_uses_up_its_entry_where_there_is_nobody_to_name(world: World, tmp_path: Path) -> None:
    notification, _ = await _told(world, tmp_path)
    assert await world.inbox("kw-2") == []
    used = [row["id"] for row in await world.log("inbox.read")]
    assert len(used) == 2
    async with as_role(world, Role.API) as api:
        for number in used:
            with SHUT:
                await _named(api, number, notification)


@pytest.mark.rule("ENQ-2")
async def test_the_entry_of_an_inbox_opens_nothing_else(world: World, tmp_path: Path) -> None:
    notification, named = await _told(world, tmp_path)
    gate = await unused(world, question("Rowan", "Fieldway-Test"))
    async with as_role(world, Role.API) as api:
        number = await _signed(world, api)
        assert await _named(api, number, notification) == named
        inbox = replace(gate, entry=number)
        with SHUT:
            await candidates(api, inbox)
        with SHUT:
            await inbox.standing(api, child_ids=named, address_tokens=[], pads=[], now=START)
        homes = list(gate.sought.homes)
        pads = [world.token_keys.pad(token) for token in homes]
        assert await inbox.standing(api, child_ids=[], address_tokens=homes, pads=pads, now=START) == []
        assert await inbox.people(api) == []


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
