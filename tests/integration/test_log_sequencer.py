"""Every committed entry comes into the tree once, whatever happens on the way, and only a tree that grew is signed."""

import asyncio
import random
import threading
from pathlib import Path

import asyncpg
import pytest
from integration.log_writers import (
    AT,
    add,
    as_superuser,
    exported,
    log,
    log_keys,
    receipt_file,
    sequenced,
    sequencer,
    verifies,
)

from registry_api.access_log import tree_store, verify
from registry_api.access_log.checking import check
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.log_keys import Fence
from registry_api.access_log.reading import openings
from registry_api.access_log.sealing import subject_master
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.kernel.errors import NotFound, StoreUnavailable


async def test_entries_come_into_the_tree_and_their_receipts_hold(
    database: Database, local: LocalKeys, tmp_path: Path
) -> None:
    keys = log_keys(tmp_path)
    made = sequencer(database, local, keys)
    entries: list[int] = []
    for number in (0, 1, 2, 300, 5):
        entries += await log(database, number)
        await made.round()
    assert await sequenced(database) == entries
    folder = await exported(database, tmp_path / "log")
    for entry in (entries[0], entries[255], entries[-1]):
        kept = await receipt_file(database, entry, tmp_path / f"{entry}.tlog-proof")
        arguments = [argument for key in keys.public() for argument in ("--log-key", key)]
        assert verify.main(["verify-inclusion", str(kept), *arguments]) == 0
        assert verifies(folder, keys, kept)


async def test_what_an_entry_holds_opens_and_its_leaf_does_not_tell(
    database: Database, local: LocalKeys, tmp_path: Path
) -> None:
    keys = log_keys(tmp_path)
    (entry,) = await log(database, 1)
    await sequencer(database, local, keys).round()
    kept = await receipt_file(database, entry, tmp_path / "receipt")
    async with database.connection() as connection:
        (opened,) = await openings(connection, Vault(local), "E-12345-67890", ["reason"])
        assert opened["fields"].keys() == {"reason"}
        assert opened["fields"]["reason"]["value"] == "known"
        leaf = await connection.fetchval("SELECT leaf FROM log_entry")
        assert b"police" not in leaf
        assert b"known" not in leaf
        await connection.execute("DELETE FROM log_secret")
        assert await openings(connection, Vault(local), "E-12345-67890", []) == [], "the secret is gone, and it with it"
        with pytest.raises(NotFound):
            await openings(connection, Vault(local), "E-00000-00000", [])
    assert verifies(await exported(database, tmp_path / "log"), keys, kept), "and the tree stands as it stood"


async def test_numbers_committed_out_of_order_are_not_passed_over(
    database: Database, local: LocalKeys, tmp_path: Path
) -> None:
    """A sequencer that remembers the last number seen loses whatever was given a lower one and is committed later."""
    made = sequencer(database, local, log_keys(tmp_path))
    async with database.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        late = await add(slow)
        early = await log(database, 2)
        assert late[0] < early[0]
        await made.round()
        assert await sequenced(database) == early
        await transaction.commit()
    await made.round()
    assert await sequenced(database) == [*early, *late]


async def test_what_was_rolled_back_is_in_no_tree(database: Database, local: LocalKeys, tmp_path: Path) -> None:
    made = sequencer(database, local, log_keys(tmp_path))
    async with database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await add(connection, 3)
        await transaction.rollback()
    kept = await log(database, 1)
    await made.round()
    assert await sequenced(database) == kept


@pytest.mark.rule("ENQ-2")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "Not a code"),
        ("particulars", "no JSON"),
        ("particulars", "[1]"),
        ("particulars", '{"who": 7}'),
        ("particulars", '{"Not a code": "7"}'),
    ],
)
async def test_a_row_that_is_none_of_ours_keeps_nobody_from_being_answered(
    database: Database, local: LocalKeys, tmp_path: Path, column: str, value: str
) -> None:
    """Whoever has the login that answers enquiries could have added one, for good."""
    keys, row = log_keys(tmp_path), {"kind": "inbox.read", column: value}
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO access_entry (at, kind, particulars) VALUES (now(), $1, $2)",
            row["kind"],
            row.get("particulars"),
        )
    (entry,) = await log(database, 1)
    await sequencer(database, local, keys).round()
    assert entry in await sequenced(database)
    assert verifies(await exported(database, tmp_path / "log"), keys)
    async with database.connection() as connection:
        assert (await check(connection, Vault(local), subject_master(local))).is_whole
    async with as_superuser(database) as connection:
        await connection.execute("UPDATE access_entry SET client_id = 'another' WHERE id <> $1", entry)
        assert (await check(connection, Vault(local), subject_master(local))).altered == 1


@pytest.mark.parametrize("at", ["9999-12-31", "infinity", "-infinity", "1066-10-14"])
async def test_no_entry_is_of_a_time_with_which_nobody_can_reckon(database: Database, at: str) -> None:
    async with database.connection() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO access_entry (at, kind) VALUES ($1::text::timestamptz, 'inbox.read')", at
            )


async def test_more_than_a_group_takes_several_rounds(database: Database, local: LocalKeys, tmp_path: Path) -> None:
    made = sequencer(database, local, log_keys(tmp_path))
    async with database.connection() as connection:
        await connection.execute(
            "INSERT INTO access_entry (at, kind) SELECT $1, 'inbox.read' FROM generate_series(1, $2::integer)",
            AT,
            tree_store.MOST_IN_A_GROUP + 1,
        )
    assert (await made.round()).more
    assert not (await made.round()).more
    assert len(await sequenced(database)) == tree_store.MOST_IN_A_GROUP + 1


@pytest.mark.parametrize("where", ["move", "sign"])
async def test_a_crash_after_the_tree_is_committed_is_made_good(
    database: Database, local: LocalKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    keys = log_keys(tmp_path)
    await sequencer(database, local, keys).round()
    entries = await log(database, 3)

    def fails(*_: object) -> None:
        raise OSError

    with monkeypatch.context() as patched:
        # Before the fence is moved, and after it: signed in neither case.
        patched.setattr(Fence, "move", fails) if where == "move" else patched.setattr(
            tree_store, "add_checkpoint", fails
        )
        with pytest.raises(StoreUnavailable):
            await sequencer(database, local, keys).round()
    async with database.connection() as connection:
        assert await tree_store.covered(connection, entries) == {}
        assert (await tree_store.state(connection))["size"] == 3
    await sequencer(database, local, keys).round()
    async with database.connection() as connection:
        assert list(await tree_store.covered(connection, entries)) == entries
    assert verifies(await exported(database, tmp_path / "log"), keys)


async def test_a_sequencer_that_lost_its_lock_takes_no_fence_back(
    database: Database, database_url: str, local: LocalKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is killed while its disk is slow: another signs more meanwhile, and then it comes to write."""
    keys, slow = log_keys(tmp_path), Database(database_url, pool_size=1)
    await sequencer(database, local, keys).round()
    loop, begun, may_go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    move = Fence.move

    def slowly(fence: Fence, head: Checkpoint) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert may_go_on.wait(30)
        move(fence, head)

    first = await log(database, 1)
    with monkeypatch.context() as patched:
        patched.setattr(Fence, "move", slowly)
        late = asyncio.create_task(sequencer(slow, local, keys).round())
        await begun.wait()
    async with database.connection() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
    second = await log(database, 1)
    await sequencer(database, local, keys).round()
    may_go_on.set()
    with pytest.raises(StoreUnavailable):
        await late
    signed = keys.fence.read()
    assert signed is not None
    assert signed.size == 2
    await log(database, 1)
    await sequencer(database, local, keys).round()
    assert (await sequenced(database))[:2] == first + second
    await slow.close()


async def test_writers_and_sequencers_that_are_killed_lose_nothing_and_repeat_nothing(
    database_url: str, local: LocalKeys, tmp_path: Path
) -> None:
    """Writers with delays and rollbacks, two sequencers, and connections that are killed under all of them."""
    chance, keys = random.Random(4), log_keys(tmp_path)
    writing, ruling = Database(database_url, pool_size=6), Database(database_url, pool_size=1)
    committed: list[int] = []
    done = asyncio.Event()

    async def write() -> None:
        for _ in range(25):
            try:
                async with writing.transaction() as connection:
                    added = await add(connection, chance.randrange(1, 4))
                    await asyncio.sleep(chance.random() / 100)
                    if chance.random() < 0.2:
                        raise ZeroDivisionError
                committed.extend(added)
            except ZeroDivisionError:
                pass

    async def sequence() -> None:
        database = Database(database_url, pool_size=1)
        made = sequencer(database, local, keys)
        while not done.is_set():
            try:
                await made.round()
            except (StoreUnavailable, asyncpg.PostgresError):
                made = sequencer(database, local, keys)
            await asyncio.sleep(0)
        await database.close()

    async def kill() -> None:
        while not done.is_set():
            await asyncio.sleep(0.05)
            async with ruling.connection() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted LIMIT 1"
                )

    others = [asyncio.create_task(work) for work in (sequence(), sequence(), kill())]
    await asyncio.gather(*(write() for _ in range(6)))
    done.set()
    await asyncio.gather(*others)
    last = Database(database_url, pool_size=1)
    while (await sequencer(last, local, keys).round()).more:
        pass
    found = await sequenced(last)
    assert len(found) == len(set(found))
    assert set(found) == set(committed), "all that was committed, and nothing that was rolled back"
    assert verifies(await exported(last, tmp_path / "log"), keys)
    for database in (writing, ruling, last):
        await database.close()
