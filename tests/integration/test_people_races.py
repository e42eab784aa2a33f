"""A child on a plan and a person who may pose a risk come at the same time: brought to notice, and once (CUS-1)."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from builders import World, entry
from integration.looking_again import look_again, somebody_waits
from integration.people_notices import NAME, notify

from registry_api.kernel.db import Connection
from registry_api.register import loading, people, people_import
from registry_api.register.entry import PlanKind
from registry_api.register.importer import ImportReport
from registry_api.register.sealing import EntryRows, rows_of

pytestmark = pytest.mark.rule("CUS-1")


async def told(world: World) -> list[tuple[str, list[str]]]:
    """What the key worker was told: the kind, and of whom."""
    return [(one["kind"], [person["name"] for person in one["people"]]) for one in await world.inbox("kw-1")]


ONCE = [("person_at_address", [f"Demo {NAME}"])]


def on_a_plan(world: World) -> EntryRows:
    child = entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id)
    return rows_of(child, uuid4(), world.vault, world.token_keys, world.clock())


async def test_a_child_who_is_entered_while_a_person_is_imported(world: World, tmp_path: Path) -> None:
    """The child is written before the person is, and committed after: neither saw the other."""
    async with world.database.transaction() as connection:
        await loading.insert(connection, [on_a_plan(world)])
        assert (await notify(world, tmp_path)).loaded
        await look_again(world)
        assert await told(world) == []
    assert await look_again(world) == 1
    assert await told(world) == ONCE


async def test_a_child_who_is_committed_when_the_children_at_the_address_have_been_read(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The background may not look at the child before the person can be seen."""
    note_load = loading.note_load

    async def child_comes(*given: Any, **more: Any) -> None:
        async with world.keeping.transaction() as connection:
            await loading.insert(connection, [on_a_plan(world)])
        assert await look_again(world) == 0
        await note_load(*given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(people_import.loading, "note_load", child_comes)
        assert (await notify(world, tmp_path)).loaded
    assert await look_again(world) == 1
    assert await told(world) == ONCE


async def test_a_person_who_is_imported_while_the_child_is_looked_at(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The background has asked who is there, and the child leaves the queue: the import puts it there again."""
    async with world.database.transaction() as connection:
        await loading.insert(connection, [on_a_plan(world)])
    await notify(world, tmp_path, record_id="R-2", address="31 Sorrel Way")  # somebody is waited for
    at, imports = people.at, list[asyncio.Task[ImportReport]]()

    async def imported(*given: Any) -> people.Present:
        present = await at(*given)
        imports.append(asyncio.create_task(notify(world, tmp_path)))
        await somebody_waits(world)
        return present

    with monkeypatch.context() as patch:
        patch.setattr(people, "at", imported)
        assert await look_again(world) == 1
    (report,) = await asyncio.gather(*imports)
    assert report.loaded
    assert await told(world) == []
    assert await look_again(world) == 1
    assert await told(world) == ONCE
    assert await look_again(world) == 0


async def test_two_rounds_at_once_bring_a_person_once(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.database.transaction() as connection:
        await loading.insert(connection, [on_a_plan(world)])
    await notify(world, tmp_path)
    not_told, rounds = people.not_told, list[int]()

    async def other_round(connection: Connection, who: Sequence[UUID], *given: Any) -> list[UUID]:
        monkeypatch.setattr(people, "not_told", not_told)
        rounds.append(await look_again(world))
        return await not_told(connection, who, *given)

    monkeypatch.setattr(people, "not_told", other_round)
    assert await look_again(world) == 1
    assert rounds == [0], "the child was taken"
    assert await told(world) == ONCE


async def test_an_import_of_people_and_a_change_of_the_child_do_not_wait_for_each_other(
    world: World, tmp_path: Path
) -> None:
    """Both need the child and its place on the queue, and take them in one order."""
    rows = on_a_plan(world)
    async with world.database.transaction() as connection:
        await loading.insert(connection, [rows])
    await look_again(world)
    async with world.keeping.transaction() as connection:
        await connection.execute("SELECT FROM child WHERE id = $1 FOR UPDATE", rows.child_id)
        importing = asyncio.create_task(notify(world, tmp_path))
        await somebody_waits(world)
        await loading.replace(connection, [rows], world.vault, world.token_keys)
    assert (await importing).loaded
    assert await look_again(world) == 1
    assert await told(world) == ONCE
