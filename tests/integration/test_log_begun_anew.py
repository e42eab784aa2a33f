"""A log that was begun anew: earlier trees are served, exported and checked as before, and nothing falls between."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from builders import BASE_URL, World, question
from integration.log_fetching import verified_over_http
from integration.log_scenes import key_arguments
from integration.log_writers import (
    ORIGIN,
    as_superuser,
    begin_anew,
    exported,
    found,
    log,
    log_keys,
    receipt_file,
    sequenced,
    sequencer,
    verifies,
)

from registry_api.access_log import reading, tree_store, verify
from registry_api.access_log.checkpoint import Checkpoint
from registry_api.access_log.log_keys import Fence, LogKeys
from registry_api.access_log.merkle import consistency_spans
from registry_api.access_log.note import Note
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database
from registry_api.kernel.errors import NotFound, StoreUnavailable

HOLDS = 0
SIZE, UNSIGNED = 300, 2
SECOND, THIRD = "register.test/log/2", "register.test/log/3"


async def unsigned(database: Database, local: LocalKeys, keys: LogKeys, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have entries put into the tree, and the disk of the fence fail before they are signed."""
    entries = await log(database, UNSIGNED)
    with monkeypatch.context() as patched:
        patched.setattr(Fence, "move", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(StoreUnavailable):
            await sequencer(database, local, keys).round()
    return entries


@pytest.fixture
async def old(database: Database, local: LocalKeys, tmp_path: Path) -> LogKeys:
    """The keys of a log with entries under a signed head, a full tile of them and more."""
    await log(database, SIZE)
    keys = log_keys(tmp_path)
    await sequencer(database, local, keys).round()
    return keys


@pytest.fixture
async def tail(
    database: Database, local: LocalKeys, old: LogKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    """The log was begun anew: what stood in the first tree beyond its signed head, and waits for the second."""
    entries = await unsigned(database, local, old, monkeypatch)
    await begin_anew(sequencer(database, local, old), log_keys(tmp_path / "fresh", SECOND))
    return entries


async def test_an_earlier_log_is_served_as_a_log_of_its_own(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log(world.database, SIZE)
    await world.ask("officer-1", question())  # which waits until all of it is signed
    assert (await world.http.get("/log/earlier")).json() == {"earlier": []}
    old = LogKeys.load(world.settings.log_keys_file)
    kept = await receipt_file(world.database, (await sequenced(world.database))[0], tmp_path / "kept")
    fresh = log_keys(tmp_path / "fresh", SECOND)
    local = LocalKeys.load(world.settings.keys_file)
    said = await begin_anew(sequencer(world.database, local, old), fresh)

    (listed,) = (await world.http.get("/log/earlier")).json()["earlier"]
    prefix = f"/log/earlier/{listed['number']}"
    note = await world.http.get(f"{prefix}/checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.text.split("\n")[:3] == [listed["origin"], str(listed["size"]), listed["root"]]
    assert said.startswith(f"{listed['origin']}:{listed['size']}:"), "which the first entry of the new one names"
    for keys, path, name in ((old, prefix, "before"), (fresh, "/log", "now")):
        fetch = ["export", f"{BASE_URL}{path}", str(tmp_path / name), *key_arguments(keys)]
        assert await verified_over_http(world, monkeypatch, fetch) == HOLDS, name
    fetched = tmp_path / "before"
    assert verifies(fetched, old, kept), "a receipt that was handed out before stays provable"
    assert not verifies(tmp_path / "now", fresh, kept)
    proof = tmp_path / "proof"
    proof.write_bytes((await world.http.get(f"{prefix}/proof/{listed['size'] - 1}")).content)
    assert verify.main(["verify-inclusion", str(proof), *key_arguments(old)]) == HOLDS
    steps = (await world.http.get(f"{prefix}/consistency/1/{listed['size']}")).text
    assert len(steps.split()) == len(consistency_spans(1, listed["size"]))
    assert (await world.http.get(f"{prefix}/proof/{listed['size']}")).status_code == 404
    written = await exported(world.database, tmp_path / "written", listed["number"])
    for path in sorted(one.relative_to(written) for one in written.rglob("*") if one.is_file()):
        assert (written / path).read_bytes() == (fetched / path).read_bytes(), path
    for nobodys in (
        f"/log/earlier/{listed['number'] + 1}/checkpoint",
        "/log/earlier/99/tile/0/000",
        f"{prefix}/tile/9/000",
    ):
        assert (await world.http.get(nobodys)).status_code == 404, "the present one is no earlier one"
    assert (await world.http.get(f"{prefix}/checkpoint.witnessed")).status_code == 404
    assert (await world.http.get("/log/earlier/0/checkpoint")).status_code == 422


async def test_of_a_log_that_was_never_signed_there_is_nothing_to_serve(
    database: Database, local: LocalKeys, old: LogKeys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = log_keys(tmp_path / "second", SECOND)
    with monkeypatch.context() as patched:
        patched.setattr(Fence, "move", lambda *_: (_ for _ in ()).throw(OSError))
        with pytest.raises(StoreUnavailable):
            await begin_anew(sequencer(database, local, old), second)
    waiting = await sequenced(database)
    made = sequencer(database, local, second)
    assert await begin_anew(made, log_keys(tmp_path / "third", THIRD)) == SECOND, "no head of it was ever signed"
    await made.round()
    async with database.connection() as connection:
        first, never, _ = await reading.trees(connection)
        assert (first.origin, never.origin, never.signed) == (ORIGIN, SECOND, None)
        for read in (reading.last_checkpoint, reading.witnessed_checkpoint):
            with pytest.raises(NotFound):
                await read(connection, never.id)
        with pytest.raises(NotFound):
            await reading.tile(connection, "0/000.p/1", never.id)
        with pytest.raises(NotFound):
            await reading.export(connection, tmp_path / "log", never.id)
    assert (await sequenced(database))[1:] == waiting, "what it began with stands in the next one"
    checked = await found(database, local)
    assert (checked.is_whole, checked.trees) == (True, 2)


async def test_all_trees_together_have_every_entry_once_under_a_signed_head(
    database: Database, local: LocalKeys, old: LogKeys, tail: list[int], tmp_path: Path
) -> None:
    checked = await found(database, local)
    assert (checked.is_whole, checked.trees) == (True, 2), "what waits is not missing"
    fresh = log_keys(tmp_path / "fresh")
    await sequencer(database, local, fresh).round()
    assert (await sequenced(database))[1:] == tail
    checked = await found(database, local)
    assert (checked.is_whole, checked.entries) == (True, SIZE + 1 + UNSIGNED)
    async with database.connection() as connection:
        before = await reading.number_of(connection, ORIGIN)
        assert await reading.number_of(connection, SECOND) is None
        with pytest.raises(NotFound):
            await reading.number_of(connection, THIRD)
        head = await reading.signed_head(connection, before)
        receipts = await reading.receipts(connection, "E-12345-67890")
        assert len(await tree_store.covered(connection, [1, *tail])) == 1 + UNSIGNED, "whichever tree it is in"
    assert head.head.size == SIZE, "as far as it was signed"
    assert len(receipts) == SIZE + UNSIGNED
    folders = [await exported(database, tmp_path / "before", before), await exported(database, tmp_path / "now")]
    for receipt, folder, keys in ((receipts[0], folders[0], old), (receipts[-1], folders[1], fresh)):
        (given := tmp_path / "receipt").write_bytes(bytes(receipt))
        assert verifies(folder, keys, given)


async def out_of_the_queue(connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM log_pending")


async def altered_leaf(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "UPDATE log_entry SET leaf = replace(encode(leaf, 'escape'), 'inbox', 'outbo')::bytea WHERE access_entry_id = 3"
    )


async def altered_hash(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE log_leaf SET leaf_hash = sha256('forged') WHERE origin_id = 1 AND idx = 2")


async def altered_tile(connection: asyncpg.Connection) -> None:
    await connection.execute("UPDATE log_tile SET root = sha256('forged') WHERE origin_id = 1")


async def cut_off(connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM log_leaf WHERE origin_id = 1 AND idx = 299")


async def covered_by_nobodys_signature(connection: asyncpg.Connection) -> None:
    """Say that the first tree was signed as far as its last entries, so that they need not stand in the next one."""
    await out_of_the_queue(connection)
    size, root = await connection.fetchrow("SELECT size, root FROM log_head WHERE origin_id = 1 ORDER BY size DESC")
    note = await connection.fetchval("SELECT note FROM log_checkpoint WHERE origin_id = 1")
    forged = Note(Checkpoint(ORIGIN, size, root).text, Note.of(note).signatures)
    await connection.execute("INSERT INTO log_checkpoint VALUES (1, $1, $2)", size, bytes(forged))


async def covered_by_a_tree_that_never_was(connection: asyncpg.Connection) -> None:
    """Have them stand in a tree of their own that would have come before."""
    await out_of_the_queue(connection)
    await connection.execute("INSERT INTO log_origin OVERRIDING SYSTEM VALUE VALUES (-1, 'register.test/no', now())")
    await connection.execute(
        "INSERT INTO log_leaf SELECT -1, idx - $1, entry_id, leaf_hash FROM log_leaf WHERE origin_id = 1 AND idx >= $1",
        SIZE,
    )
    edge = await tree_store.edge(connection, -1, UNSIGNED)
    note = await connection.fetchval("SELECT note FROM log_checkpoint WHERE origin_id = 1")
    forged = Note(Checkpoint("register.test/no", UNSIGNED, edge.root()).text, Note.of(note).signatures)
    await connection.execute("INSERT INTO log_checkpoint VALUES (-1, $1, $2)", UNSIGNED, bytes(forged))


async def removed_altogether(connection: asyncpg.Connection) -> None:
    await connection.execute("DELETE FROM log_entry WHERE access_entry_id = 3")
    await connection.execute("DELETE FROM access_entry WHERE id = 3")


ATTACKS: list[tuple[Callable[[asyncpg.Connection], Awaitable[None]], dict[str, object]]] = [
    (out_of_the_queue, {"missing": UNSIGNED}),
    (altered_leaf, {"altered": 1}),
    (altered_hash, {"altered": 1, "tiles": 1, "altered_trees": [ORIGIN]}),
    (altered_tile, {"tiles": 1}),
    (cut_off, {"missing": 1, "altered_trees": [ORIGIN]}),
    (removed_altogether, {"removed": 1}),
    (covered_by_nobodys_signature, {"altered_trees": [ORIGIN]}),
    (covered_by_a_tree_that_never_was, {"altered_trees": ["register.test/no"]}),
]


@pytest.mark.parametrize(("attack", "expected"), ATTACKS, ids=[attack.__name__ for attack, _ in ATTACKS])
async def test_what_is_done_to_an_earlier_tree_is_found(
    database: Database,
    local: LocalKeys,
    tail: list[int],
    attack: Callable[[asyncpg.Connection], Awaitable[None]],
    expected: dict[str, object],
) -> None:
    assert (await found(database, local)).is_whole
    async with as_superuser(database) as connection:
        await attack(connection)
    checked = await found(database, local)
    whole: dict[str, object] = {
        "altered": 0,
        "missing": 0,
        "removed": 0,
        "shredded": 0,
        "tiles": 0,
        "altered_trees": [],
    }
    assert {name: getattr(checked, name) for name in whole} == whole | expected
    assert not checked.is_whole
