"""Attacks by the database's administrator, and what catches each: the table of docs/access-log.md, row by row."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from integration.log_writers import add, as_superuser, exported, found, log, log_keys, receipt_file, sequencer, verifies

from registry_api.access_log import tree_store
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.reading import tile
from registry_api.access_log.sequencer import LogRefused
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database

SIZE = 6
Attack = Callable[[asyncpg.Connection], Awaitable[object]]


async def _rebuild(connection: asyncpg.Connection) -> None:
    """Make the tree anew over whatever its leaves are now, so that all of it fits together."""
    rows = await connection.fetch(
        "SELECT l.idx, sha256('\\x00'::bytea || e.leaf) AS hash FROM log_leaf l "
        "JOIN log_entry e ON e.id = l.entry_id ORDER BY l.idx"
    )
    for row in rows:
        await connection.execute("UPDATE log_leaf SET leaf_hash = $2 WHERE idx = $1", row["idx"], row["hash"])
    await connection.execute("DELETE FROM log_head")
    edge = await tree_store.edge(connection, 1, len(rows))
    await connection.execute("INSERT INTO log_head VALUES (1, $1, $2)", len(rows), edge.root())


async def altered_row(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE access_entry SET client_id = 'somebody-else' WHERE id = 3")


async def removed_altogether(connection: asyncpg.Connection) -> None:
    await removed_row(connection)
    await connection.execute("DELETE FROM log_entry WHERE access_entry_id = 3")


async def removed_row(connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM access_entry WHERE id = 3")


async def taken_from_the_queue(connection: asyncpg.Connection) -> None:
    await connection.execute("INSERT INTO access_entry (at, kind) VALUES (now(), 'inbox.read')")
    await connection.execute("DELETE FROM log_pending")


async def altered_leaf(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "UPDATE log_entry SET leaf = replace(encode(leaf, 'escape'), 'inbox', 'outbo')::bytea WHERE access_entry_id = 3"
    )


async def altered_hash(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE log_leaf SET leaf_hash = sha256('forged') WHERE idx = 2")


async def swapped(connection: asyncpg.Connection) -> None:
    one, other = await connection.fetch("SELECT entry_id, leaf_hash FROM log_leaf WHERE idx IN (1, 2) ORDER BY idx")
    await connection.execute("DELETE FROM log_leaf WHERE idx IN (1, 2)")
    for idx, row in ((1, other), (2, one)):
        await connection.execute("INSERT INTO log_leaf VALUES (1, $1, $2, $3)", idx, row["entry_id"], row["leaf_hash"])


async def cut_off(connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM log_leaf WHERE idx >= 4")
    await connection.execute("DELETE FROM log_entry WHERE access_entry_id > 4")
    await connection.execute("DELETE FROM access_entry WHERE id > 4")
    await connection.execute("DELETE FROM log_checkpoint")
    await _rebuild(connection)


async def rewritten(connection: asyncpg.Connection) -> None:
    await altered_leaf(connection)
    await connection.execute("DELETE FROM log_checkpoint")
    await _rebuild(connection)


# attack: does the sequencer refuse, does the check from inside find it, does the verifier without and with a checkpoint
# from outside. A tree whose checkpoint was deleted with it has none that could be exported: the sequencer comes first.
ATTACKS: list[tuple[Attack, bool, bool, bool, bool]] = [
    (altered_row, False, True, False, False),
    (removed_row, False, True, False, False),
    (removed_altogether, False, True, True, True),
    (taken_from_the_queue, False, True, False, False),
    (altered_leaf, False, True, True, True),
    (altered_hash, True, True, False, False),
    (swapped, True, True, True, True),
]
GONE: list[Attack] = [cut_off, rewritten]


@pytest.fixture
async def keys(database: Database, local: LocalKeys, tmp_path: Path) -> LogKeys:
    """The keys of a log with entries under a signed head."""
    await log(database, SIZE)
    made = log_keys(tmp_path)
    await sequencer(database, local, made).round()
    return made


async def _is_refused(database: Database, local: LocalKeys, keys: LogKeys) -> bool:
    await log(database, 1)
    try:
        await sequencer(database, local, keys).round()
    except LogRefused:
        return True
    return False


async def test_a_log_that_nobody_touched_is_whole(database: Database, local: LocalKeys, keys: LogKeys) -> None:
    checked = await found(database, local)
    assert (checked.entries, checked.is_whole) == (SIZE, True)
    await log(database, 1)
    assert (await found(database, local)).is_whole, "what waits is not missing"


@pytest.mark.parametrize(
    ("attack", "refused", "inside", "alone", "outside"), ATTACKS, ids=[attack.__name__ for attack, *_ in ATTACKS]
)
async def test_what_catches_an_attack(
    database: Database,
    local: LocalKeys,
    keys: LogKeys,
    tmp_path: Path,
    attack: Attack,
    refused: bool,
    inside: bool,
    alone: bool,
    outside: bool,
) -> None:
    kept = await receipt_file(database, 1, tmp_path / "kept")
    async with as_superuser(database) as connection:
        await attack(connection)
    assert (await found(database, local)).is_whole is not inside
    folder = await exported(database, tmp_path / "log")
    assert verifies(folder, keys) is not alone
    assert verifies(folder, keys, kept) is not outside
    assert await _is_refused(database, local, keys) is refused


@pytest.mark.parametrize("column", ["hashes", "root"])
async def test_a_full_tile_that_was_altered_is_found_inside(
    database: Database, local: LocalKeys, keys: LogKeys, tmp_path: Path, column: str
) -> None:
    """Receipts are made of it, and over HTTP it is what others check: an export makes its tiles of the entries."""
    async with database.connection() as connection:
        await add(connection, 256 - SIZE + 1)
    await sequencer(database, local, keys).round()
    assert (await found(database, local)).is_whole
    async with as_superuser(database) as connection:
        whole = await tree_tile(connection)
        await connection.execute(f"UPDATE log_tile SET {column} = sha256('forged') || substr({column}, 33)")
        altered = await tree_tile(connection)
    checked = await found(database, local)
    assert (checked.tiles, checked.is_whole) == (1, False)
    assert (whole != altered) is (column == "hashes"), "what is served differs, which a verifier over HTTP finds"
    assert verifies(await exported(database, tmp_path / "log"), keys)


async def tree_tile(connection: asyncpg.Connection) -> bytes:
    return await tile(connection, "0/000")


@pytest.mark.parametrize("attack", GONE, ids=lambda attack: attack.__name__)
async def test_history_rewritten_is_refused_by_the_fence_and_without_it_comes_out_only_outside(
    database: Database, local: LocalKeys, keys: LogKeys, tmp_path: Path, attack: Attack
) -> None:
    kept = await receipt_file(database, 1, tmp_path / "kept")
    async with as_superuser(database) as connection:
        await attack(connection)
    assert await _is_refused(database, local, keys)
    keys.fence.path.unlink()  # and with the keys in hand the rest follows
    assert not await _is_refused(database, local, keys)
    folder = await exported(database, tmp_path / "log")
    assert verifies(folder, keys), "nothing in it can show it"
    assert not verifies(folder, keys, kept)


async def test_a_fence_that_is_gone_is_refused_while_a_checkpoint_stands(
    database: Database, local: LocalKeys, keys: LogKeys
) -> None:
    whole = json.loads(keys.fence.path.read_text())
    keys.fence.path.unlink()
    assert await _is_refused(database, local, keys)
    assert whole["size"] == SIZE
