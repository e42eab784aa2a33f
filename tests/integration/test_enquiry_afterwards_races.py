"""Nothing forgotten, whatever happens at the same time: children, enquiries and the background meet in every order."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from builders import World, entry, question
from integration.looking_again import kinds, known, look_again, queued, somebody_waits
from integration.transfer_notices import notify

from registry_api.enquiries import afterwards, afterwards_store, store
from registry_api.enquiries.afterwards import Afterwards
from registry_api.kernel.db import Connection
from registry_api.kernel.errors import StoreUnavailable
from registry_api.register import loading
from registry_api.register.entry import ChildEntry
from registry_api.register.sealing import child_key, rows_of

pytestmark = pytest.mark.rule("ENQ-10")


def otherwise(*, case: bool = True) -> ChildEntry:
    """An entry that has only the birth in common with whom the enquiries are about."""
    return entry("Persimmon", "Underhill-Test", address="31 Sorrel Way", postcode="JE7 3ZZ", case=case)


async def change(world: World, connection: Connection, child: UUID, to: ChildEntry) -> None:
    """Change a child in a transaction of the caller's, as an import does."""
    row = await connection.fetchrow("SELECT * FROM child WHERE id = $1", child)
    rows = rows_of(to, child, world.vault, world.token_keys, world.clock(), key=child_key(row, world.vault))
    await loading.replace(connection, [rows], world.vault, world.token_keys)


def before_it_is_written(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], Awaitable[object]]) -> None:
    """Have something happen after an enquiry has read the register and before its answer is written."""
    answer = store.answer

    async def late(connection: Connection, values: Mapping[str, Any]) -> int:
        monkeypatch.setattr(store, "answer", answer)
        await happens()
        return await answer(connection, values)

    monkeypatch.setattr(store, "answer", late)


async def test_a_child_entered_while_an_enquiry_is_being_answered_is_not_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The enquiry has read the register, the child comes, the background looks; only then is the answer committed."""

    async def child_comes() -> None:
        await world.add(known(world))
        await look_again(world)

    before_it_is_written(monkeypatch, child_comes)
    assert (await world.ask("officer-1", question())).json()["outcome"] == "not_known"
    assert await kinds(world) == []
    assert await look_again(world) == 1
    assert await kinds(world) == ["earlier_enquiry"]
    assert await kinds(world, "duty-1") == ["call_back_to_offer"]
    assert await queued(world) == 0


async def test_nor_one_who_was_looked_for_while_the_enquiry_was_received(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The background finds no enquiry yet; whichever comes afterwards reads a register that has the child."""
    await world.add(known(world))
    found_nobody = afterwards_store.that_found_nobody

    async def asked_meanwhile(*given: Any) -> list[Any]:
        found = await found_nobody(*given)
        assert (await world.ask("officer-1", question())).json()["outcome"] == "open_case"
        return found

    await world.ask("nurse-1", question("Persimmon", "Underhill-Test", born="2018-01-02"))  # somebody waits
    monkeypatch.setattr(afterwards_store, "that_found_nobody", asked_meanwhile)
    await look_again(world)
    assert await kinds(world) == ["child_enquired_about"]


async def test_an_answer_that_comes_late_and_finds_the_child_is_told_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> int:
        raise TimeoutError

    with monkeypatch.context() as broken:
        broken.setattr(store, "answer", lost)
        assert (await world.ask("officer-1", question())).status_code == 503
    await world.add(known(world))
    await look_again(world)
    assert await queued(world) == 1, "until it has its answer"
    world.clock.advance(seconds=61)
    await world.app.state.enquiries.finish_unanswered(world.answering)
    assert await look_again(world) == 1
    assert await kinds(world) == ["child_enquired_about"]


async def test_whoever_was_never_answered_is_matched_when_no_answer_can_come(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> int:
        raise TimeoutError

    monkeypatch.setattr(store, "answer", lost)
    assert (await world.ask("officer-1", question())).status_code == 503
    await world.add(known(world))
    world.clock.advance(hours=25)
    assert await look_again(world) == 1
    assert await kinds(world) == ["earlier_enquiry"]
    assert await kinds(world, "duty-1") == ["call_back_to_offer"]


async def test_a_child_who_is_being_changed_stays_on_the_queue(world: World) -> None:
    child = await world.add(otherwise())
    assert (await world.ask("officer-1", question())).json()["outcome"] == "not_known"
    async with world.database.transaction() as connection:
        await change(world, connection, child, known(world))
        assert await look_again(world) == 0, "what is not committed cannot be read"
    assert await look_again(world) == 1
    assert await kinds(world) == ["earlier_enquiry"]


async def test_a_child_who_is_changed_while_looked_at_comes_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And neither waits for the other for ever: the change comes after the round."""
    child = await world.add(otherwise())
    assert (await world.ask("officer-1", question())).json()["outcome"] == "not_known"
    found_nobody = afterwards_store.that_found_nobody
    changes: list[asyncio.Task[None]] = []

    async def changed() -> None:
        async with world.database.transaction() as connection:
            await change(world, connection, child, known(world))

    async def meanwhile(*given: Any) -> list[Any]:
        changes.append(asyncio.create_task(changed()))
        await somebody_waits(world)
        return await found_nobody(*given)

    with monkeypatch.context() as patch:
        patch.setattr(afterwards_store, "that_found_nobody", meanwhile)
        assert await look_again(world) == 1
    await asyncio.gather(*changes)
    assert await kinds(world) == []
    assert await look_again(world) == 1
    assert await kinds(world) == ["earlier_enquiry"]


async def test_a_child_changed_twice_is_told_of_each_enquiry_once(world: World) -> None:
    """Each name of the child was asked for before the child had it."""
    await world.ask("officer-1", question())
    await world.ask("officer-2", question("Marmaduke"))
    child = await world.add(known(world, "Persimmon"))
    for given in ("Marmaduke", "Quillon"):
        await look_again(world)
        async with world.database.transaction() as connection:
            await change(world, connection, child, known(world, given))
    await look_again(world)
    assert await kinds(world) == ["earlier_enquiry", "earlier_enquiry"]
    async with world.database.transaction() as connection:
        await change(world, connection, child, known(world))
        await change(world, connection, child, known(world))
    assert await look_again(world) == 1
    assert len(await kinds(world)) == 2


async def test_a_crash_between_two_batches_loses_and_repeats_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two children a batch, two batches a round, and the second one of the first round is lost."""
    names = ("Quillon", "Marmaduke", "Persimmon", "Fenella", "Ambrose", "Clement", "Tabitha")
    for name in names:
        assert (await world.ask("officer-1", question(name))).json()["outcome"].startswith("not_known")
    for name in names:
        await world.add(known(world, name))
    monkeypatch.setattr(afterwards, "_AT_ONCE", 2)
    monkeypatch.setattr(afterwards, "_MOST_BATCHES", 2)
    batch, batches = Afterwards._batch, 0

    async def second_is_lost(self: Afterwards, connection: Connection, left: set[UUID]) -> int:
        nonlocal batches
        batches += 1
        done = await batch(self, connection, left)
        if batches == 2:
            raise StoreUnavailable
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Afterwards, "_batch", second_is_lost)
        with pytest.raises(StoreUnavailable):
            await look_again(world)
    assert await queued(world) == len(names) - 2
    assert [await look_again(world) for _ in range(3)] == [4, 1, 0]
    told = [one["children"][0]["id"] for one in await world.inbox("kw-1")]
    assert len(told) == len(set(told)) == len(names)


@pytest.mark.rule("TRF-2")
async def test_a_child_whom_another_authority_notifies_was_asked_about(world: World) -> None:
    asked = (await world.ask("officer-1", question())).json()
    assert (await notify(world)).status_code == 201
    assert await look_again(world) == 1
    (offer,) = [one for one in await world.inbox("duty-1") if one["kind"] == "call_back_to_offer"]
    assert offer["about"]["reference"] == asked["reference"]
    assert "earlier_enquiry" in await kinds(world, "duty-1"), "there is no key worker here yet"


@pytest.mark.rule("ENQ-4")
async def test_a_child_whose_case_is_opened_again_was_asked_about_by_another_name(world: World) -> None:
    """Known before by a name that nobody gave; the case is opened again under the one that was asked for as well."""
    before = otherwise(case=False)
    child = await world.add(before)
    await look_again(world)
    assert (await world.ask("officer-1", question())).json()["outcome"] == "not_known"
    now = known(world)
    opened = replace(now, identity=replace(now.identity, names=(*before.identity.names, *now.identity.names)))
    async with world.database.transaction() as connection:
        await change(world, connection, child, opened)
    assert await look_again(world) == 1
    assert await kinds(world) == ["earlier_enquiry"]
    assert await kinds(world, "duty-1") == ["call_back_to_offer"]


async def test_a_queue_from_before_the_first_enquiry_is_emptied(world: World) -> None:
    await world.add(known(world))
    assert await look_again(world) == 1
    assert await queued(world) == 0
