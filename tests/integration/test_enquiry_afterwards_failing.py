"""Nothing forgotten that could not be read or matched: it stands in nobody's way, and its time comes (ENQ-10)."""

from pathlib import Path
from typing import Any

import pytest
from builders import World, entry, question
from integration.looking_again import kinds, known, look_again, queued
from integration.people_notices import notify

from registry_api.enquiries import afterwards
from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("ENQ-10")


async def _seal_with(world: World, table: str, data_key: bytes | None = None) -> bytes:
    """Put another data key in the place of a row's, and return what was there."""
    async with world.database.connection() as connection:
        before: bytes = await connection.fetchval(f"SELECT data_key FROM {table}")
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(f"UPDATE {table} SET data_key = $1", data_key or bytes(len(before)))
        await connection.execute("RESET session_replication_role")
    return before


@pytest.mark.parametrize("table", ["enquiry", "child"])
async def test_what_does_not_open_is_matched_when_it_does(world: World, table: str) -> None:
    """As while a key is missing that will be put back."""
    assert (await world.ask("officer-1", question())).json()["outcome"] == "not_known"
    await world.add(known(world))
    kept = await _seal_with(world, table)
    assert await look_again(world) == 0
    assert await kinds(world, "duty-1") == []
    await _seal_with(world, table, kept)
    assert await look_again(world) == 1
    assert await kinds(world) == ["earlier_enquiry"]
    assert await queued(world) == 0


async def test_what_does_not_open_stands_in_nobodys_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.add(known(world, "Marmaduke"))
    await _seal_with(world, "child")
    assert (await world.ask("officer-1", question(address="9 Larkspur Rise"))).json()["outcome"]
    await world.add(known(world))
    monkeypatch.setattr(afterwards, "_AT_ONCE", 1)
    assert await look_again(world) == 1
    assert await queued(world) == 1


async def test_an_enquiry_that_cannot_be_matched_keeps_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the reason; and it is matched when that is gone."""
    for name in ("Quillon", "Marmaduke"):
        await world.ask("officer-1", question(name))
        await world.add(known(world, name))
    best_match = afterwards.best_match
    questions: list[Any] = []

    def one_fails(asked: Any, entries: Any) -> Any:
        questions.append(asked)
        if asked == questions[0]:
            raise ValueError
        return best_match(asked, entries)

    with monkeypatch.context() as patch:
        patch.setattr(afterwards, "best_match", one_fails)
        await look_again(world)
    assert await kinds(world) == ["earlier_enquiry"]
    await look_again(world)
    assert await kinds(world) == ["earlier_enquiry", "earlier_enquiry"]
    assert await queued(world) == 0


@pytest.mark.rule("CUS-1")
async def test_a_child_whom_nobody_can_be_brought_to_keeps_no_other(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And it is tried again."""
    await notify(world, tmp_path)
    for name in ("Quillon", "Marmaduke"):
        await world.add(entry(name, plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    at, asked = afterwards.people.at, 0

    async def first_fails(*what: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise ValueError
        return await at(*what)

    with monkeypatch.context() as patch:
        patch.setattr(afterwards.people, "at", first_fails)
        assert await look_again(world) == 1
    assert await kinds(world) == ["person_at_address"]
    assert await look_again(world) == 1
    assert await kinds(world) == ["person_at_address", "person_at_address"]
    assert await queued(world) == 0
