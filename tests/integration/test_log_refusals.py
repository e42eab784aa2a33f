"""What is not signed: a database that was put back, another history, a log whose fence is gone; and how to go on."""

from pathlib import Path

import asyncpg
import pytest
from integration.log_writers import (
    AT,
    add,
    as_superuser,
    begin_anew,
    exported,
    found,
    log,
    log_keys,
    sequenced,
    sequencer,
    verifies,
)

from registry_api.access_log import tree_store
from registry_api.access_log.log_keys import Fence
from registry_api.access_log.reading import openings
from registry_api.access_log.sequencer import (
    FENCE_BEHIND,
    FENCE_MISSING,
    FORKED,
    OTHER_ORIGIN,
    ROLLED_BACK,
    TREE_ALTERED,
    LogRefused,
)
from registry_api.kernel.crypto import LocalKeys, Vault
from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable


@pytest.fixture
async def signed(database: Database, local: LocalKeys, tmp_path: Path) -> tuple[Path, list[int]]:
    """The folder of the keys of a log with entries under a signed head, and their numbers."""
    entries = await log(database, 5)
    await sequencer(database, local, log_keys(tmp_path)).round()
    return tmp_path, entries


async def refused(database: Database, local: LocalKeys, folder: Path) -> str:
    """Return why a sequencer that has just started refuses; nothing is signed then."""
    async with database.connection() as connection:
        before = await connection.fetchval("SELECT count(*) FROM log_checkpoint")
    with pytest.raises(LogRefused) as raised:
        await sequencer(database, local, log_keys(folder)).round()
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM log_checkpoint") == before
    return raised.value.reason


async def _put_back(connection: asyncpg.Connection, size: int = 3) -> None:
    """Make the database what a backup of some time ago holds, its checkpoint included."""
    note = await connection.fetchval("SELECT note FROM log_checkpoint ORDER BY size DESC LIMIT 1")
    root = await connection.fetchval("SELECT leaf_hash FROM log_leaf WHERE idx = 0")
    await connection.execute("DELETE FROM log_leaf WHERE idx >= $1", size)
    await connection.execute("DELETE FROM log_head")
    await connection.execute("DELETE FROM log_checkpoint")
    await connection.execute("INSERT INTO log_head VALUES (1, $1, $2)", size, root)
    await connection.execute("INSERT INTO log_checkpoint VALUES (1, $1, $2)", size, note)


async def test_a_database_that_was_put_back_is_not_signed(
    database: Database, local: LocalKeys, signed: tuple[Path, list[int]]
) -> None:
    async with as_superuser(database) as connection:
        await _put_back(connection)
    assert await refused(database, local, signed[0]) == ROLLED_BACK
    async with as_superuser(database) as connection:
        for table in ("log_leaf", "log_head", "log_checkpoint", "log_entry"):
            await connection.execute(f"DELETE FROM {table}")
        await connection.execute("ALTER TABLE log_origin DISABLE TRIGGER USER")
        await connection.execute("DELETE FROM log_origin")
    assert await refused(database, local, signed[0]) == ROLLED_BACK


@pytest.mark.parametrize("more", [0, 4])
async def test_another_history_is_not_signed(
    database: Database, local: LocalKeys, signed: tuple[Path, list[int]], more: int
) -> None:
    """A tree rebuilt by the database's administrator with one entry changed, everything in it consistent."""
    folder, _ = signed
    async with as_superuser(database) as connection:
        await connection.execute("DELETE FROM log_pending")
        await connection.execute("DELETE FROM log_head")
        await connection.execute("DELETE FROM log_checkpoint")
        await connection.execute("UPDATE log_leaf SET leaf_hash = sha256('forged') WHERE idx = 2")
        edge = await tree_store.edge(connection, 1, 5)
        await connection.execute("INSERT INTO log_head VALUES (1, 5, $1)", edge.root())
    await log(database, more)
    assert await refused(database, local, folder) == FORKED


async def test_a_growth_that_does_not_begin_with_what_was_signed_is_not_signed(
    database: Database, local: LocalKeys, signed: tuple[Path, list[int]]
) -> None:
    folder, _ = signed
    async with as_superuser(database) as connection:
        await connection.execute("UPDATE log_leaf SET leaf_hash = sha256('forged') WHERE idx = 2")
        await connection.execute(
            "INSERT INTO log_leaf SELECT 1, 4 + n, gen_random_uuid(), sha256('more') FROM generate_series(1, 4) n"
        )
        edge = await tree_store.edge(connection, 1, 9)
        await connection.execute("INSERT INTO log_head VALUES (1, 9, $1)", edge.root())
    assert await refused(database, local, folder) == FORKED


async def test_a_leaf_altered_in_the_store_stops_the_next_group(
    database: Database, local: LocalKeys, signed: tuple[Path, list[int]]
) -> None:
    folder, _ = signed
    async with as_superuser(database) as connection:
        await connection.execute("UPDATE log_leaf SET leaf_hash = sha256('forged') WHERE idx = 2")
    await log(database, 1)
    assert await refused(database, local, folder) == TREE_ALTERED


async def test_without_its_fence_a_log_is_not_signed(
    database: Database, local: LocalKeys, signed: tuple[Path, list[int]]
) -> None:
    fence = log_keys(signed[0]).fence
    earlier = fence.path.read_bytes()
    await log(database, 1)
    await sequencer(database, local, log_keys(signed[0])).round()
    fence.path.write_bytes(earlier)
    assert await refused(database, local, signed[0]) == FENCE_BEHIND
    fence.path.unlink()
    assert await refused(database, local, signed[0]) == FENCE_MISSING


async def test_keys_of_another_log_do_not_sign_this_one(
    database: Database, local: LocalKeys, signed: tuple[Path, list[int]], tmp_path: Path
) -> None:
    log_keys(tmp_path / "elsewhere", "another.test/log")
    assert await refused(database, local, tmp_path / "elsewhere") == OTHER_ORIGIN


async def test_a_log_is_begun_anew_and_says_so(
    database: Database, local: LocalKeys, signed: tuple[Path, list[int]], tmp_path: Path
) -> None:
    folder, entries = signed
    old = log_keys(folder)
    last = old.fence.read()
    assert last is not None
    async with as_superuser(database) as connection:
        await _put_back(connection)
    waiting = await log(database, 2)
    fresh = log_keys(tmp_path / "fresh", "register.test/log/2")
    made = sequencer(database, local, old)
    said = await begin_anew(made, fresh)
    assert said == f"{last.origin}:5:{last.root.hex()}"
    await made.round()
    first, *others = await sequenced(database)
    assert others == waiting
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "SELECT a.kind, a.reference, s.expires_on FROM access_entry a JOIN log_entry e ON e.access_entry_id = a.id "
            "JOIN log_secret s ON s.entry_id = e.id WHERE a.id = $1",
            first,
        )
    assert (row["kind"], row["reference"]) == ("log.begun_anew", said)
    assert row["expires_on"] is not None, "for it says who did it; what it says of the old log is open for ever"
    folder = await exported(database, tmp_path / "log")
    assert said.encode() in (folder / "tile/entries/000.p/3").read_bytes(), "for everybody to read"
    assert verifies(folder, fresh)
    with pytest.raises(LogRefused):
        await sequencer(database, local, old).round()
    async with database.connection() as connection:
        kept = await connection.fetchval("SELECT reference FROM access_entry WHERE id = $1", entries[0])
        opened = await openings(connection, Vault(local), kept, ["kind"])
        entry_id = await connection.fetchval("SELECT id FROM log_entry WHERE access_entry_id = $1", entries[0])
    assert str(entry_id) in {one["id"] for one in opened}, "what stands in the old tree still opens"


async def test_what_was_put_in_and_never_signed_goes_into_the_new_tree(
    database: Database,
    local: LocalKeys,
    signed: tuple[Path, list[int]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unsigned = await log(database, 2)
    made = sequencer(database, local, log_keys(signed[0]))
    with monkeypatch.context() as patched:
        patched.setattr(Fence, "move", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(StoreUnavailable):
            await made.round()
    await begin_anew(made, log_keys(tmp_path / "fresh", "register.test/log/2"))
    await made.round()
    assert (await sequenced(database))[1:] == unsigned


async def test_where_the_fence_is_gone_the_new_tree_names_the_head_that_the_database_has(
    database: Database, local: LocalKeys, signed: tuple[Path, list[int]], tmp_path: Path
) -> None:
    old = log_keys(signed[0])
    last = old.fence.read()
    assert last is not None
    old.fence.path.unlink()
    said = await begin_anew(sequencer(database, local, old), log_keys(tmp_path / "fresh", "register.test/log/2"))
    assert said == f"{last.origin}:5:{last.root.hex()}"
    assert (await found(database, local)).is_whole


ADDED_TO = ("log_origin", "log_entry", "log_payload", "log_leaf", "log_tile", "log_head", "log_checkpoint")
TAKEN_FROM = ("log_secret", "log_pending")


@pytest.mark.parametrize("role", ["origin", "replica"])
@pytest.mark.parametrize("table", [*ADDED_TO, *TAKEN_FROM])
async def test_the_tree_is_not_changed_by_accident(
    database: Database, local: LocalKeys, tmp_path: Path, table: str, role: str
) -> None:
    await log(database, 257)
    await sequencer(database, local, log_keys(tmp_path)).round()
    await log(database, 1)
    changes = [f"UPDATE {table} SET {{0}} = {{0}}", f"TRUNCATE {table}"]
    async with database.connection() as connection:
        kept = await connection.fetch(
            f"SELECT * FROM {table} ORDER BY 1, 2" if table != "log_pending" else "TABLE log_pending"
        )
        assert kept
        column = list(kept[0].keys())[-1]
        await connection.execute(f"SET session_replication_role = {role}")
        try:
            for change in [*changes, *([f"DELETE FROM {table}"] if table in ADDED_TO else [])]:
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only ever added"):
                    await connection.execute(change.format(column))
        finally:
            await connection.execute("RESET session_replication_role")
        assert await connection.fetchval(f"SELECT count(*) FROM {table}") == len(kept)


@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_whatever_is_added_is_queued(database: Database, role: str) -> None:
    """Also by a session that replays somebody else's changes, for which ordinary triggers do not run."""
    async with database.connection() as connection:
        await connection.execute(f"SET session_replication_role = {role}")
        try:
            added = await add(connection, 2)
            await connection.execute("INSERT INTO access_entry (at, kind) VALUES ($1, 'a.kind'), ($1, 'a.kind')", AT)
        finally:
            await connection.execute("RESET session_replication_role")
        queued = [row[0] for row in await connection.fetch("SELECT access_entry_id FROM log_pending ORDER BY 1")]
    assert queued[:2] == added
    assert len(queued) == 4
