"""The queries of the tree: what waits, what was put in, what was signed, and the tiles of a tree of any size."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from registry_api.access_log.sealing import SealedEntry
from registry_api.access_log.tiles import WIDTH, Edge, FullTile, Tile, edge_widths, hashes_of
from registry_api.kernel.db import Connection

MOST_IN_A_GROUP: Final = 500
"""Entries that are put into the tree at once; the next group follows directly."""

_LOCK: Final = 4_153_700_227
"""The advisory lock under which one sequencer works at a time."""


class Placed(NamedTuple):
    """An entry in the tree: its id there, and its secret as it is kept, where the reader may have it."""

    entry_id: UUID
    wrapped: bytes | None


async def lock(connection: Connection) -> None:
    """Wait until no other sequencer is at work, until the end of the transaction."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


_TREES = """
SELECT o.id, o.origin, o.begun_at, h.size, h.root, c.size AS signed_size, c.note
FROM (SELECT * FROM log_origin ORDER BY id DESC {most}) o
LEFT JOIN LATERAL (
    SELECT size, root FROM log_head WHERE origin_id = o.id ORDER BY size DESC LIMIT 1
) h ON true
LEFT JOIN LATERAL (
    SELECT size, note FROM log_checkpoint WHERE origin_id = o.id ORDER BY size DESC LIMIT 1
) c ON true
ORDER BY o.id
"""
_STATE, _ALL = _TREES.format(most="LIMIT 1"), _TREES.format(most="")


async def state(connection: Connection) -> Any:
    """Return the tree that is being added to, the last that was begun: its head, and the last that was signed; or None.

    After ``lock`` and in a statement of its own: one that had waited for the lock itself would see what was before.
    """
    return await connection.fetchrow(_STATE)


async def trees(connection: Connection) -> list[Any]:
    """Return every tree that was begun, the oldest first, each as ``state`` returns the last of them."""
    return await connection.fetch(_ALL)


async def has_begun(connection: Connection, name: str) -> bool:
    """Return whether there is, or was, a tree of that name."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM log_origin WHERE origin = $1)", name))


async def begin(connection: Connection, name: str, at: datetime) -> int:
    """Begin a tree. Raises asyncpg.UniqueViolationError when there was one of that name."""
    id_: int = await connection.fetchval(
        "INSERT INTO log_origin (origin, begun_at) VALUES ($1, $2) RETURNING id", name, at
    )
    return id_


# What is visible is taken, and never all up to a number: numbers are given out before they are committed, and whoever
# remembers the last one seen passes over those that come later (tests/integration/test_log_sequencer.py). Each row is
# looked up by itself: the planner, which cannot know how few wait, would rather read the whole log for them.
_TAKE = f"""
WITH taken AS (
    DELETE FROM log_pending WHERE access_entry_id IN (
        SELECT access_entry_id FROM log_pending ORDER BY access_entry_id LIMIT {MOST_IN_A_GROUP}
    )
    RETURNING access_entry_id
)
SELECT e.*, l.id AS entry_id, l.leaf FROM taken
CROSS JOIN LATERAL (SELECT * FROM access_entry WHERE id = taken.access_entry_id LIMIT 1) e
LEFT JOIN log_entry l ON l.access_entry_id = e.id
ORDER BY e.id
"""


async def take_pending(connection: Connection) -> list[Any]:
    """Take entries out of the queue. Those that were in an earlier tree have their leaf already."""
    return await connection.fetch(_TAKE)


_GROW = """
WITH entry AS (
    INSERT INTO log_entry (id, access_entry_id, leaf) SELECT * FROM unnest($10::uuid[], $11::bigint[], $12::bytea[])
), payload AS (
    INSERT INTO log_payload (entry_id, sealed) SELECT * FROM unnest($10::uuid[], $13::bytea[])
), secret AS (
    INSERT INTO log_secret (entry_id, wrapped, expires_on) SELECT * FROM unnest($10::uuid[], $14::bytea[], $15::date[])
), leaf AS (
    INSERT INTO log_leaf (origin_id, idx, entry_id, leaf_hash)
    SELECT $1::smallint, $2::bigint + place - 1, id, hash
    FROM unnest($3::uuid[], $4::bytea[]) WITH ORDINALITY AS new(id, hash, place)
), tile AS (
    INSERT INTO log_tile (origin_id, level, number, hashes, root)
    SELECT $1::smallint, * FROM unnest($5::smallint[], $6::bigint[], $7::bytea[], $8::bytea[])
)
INSERT INTO log_head (origin_id, size, root) VALUES ($1::smallint, $2::bigint + cardinality($3::uuid[]), $9)
"""


async def grow(
    connection: Connection,
    origin_id: int,
    first: int,
    leaves: Sequence[tuple[UUID, bytes]],
    full: Sequence[FullTile],
    root: bytes,
    entries: Sequence[SealedEntry],
) -> None:
    """Store leaves from index ``first`` on, the tiles that they filled, the head that they make, and new entries."""
    await connection.execute(
        _GROW,
        origin_id,
        first,
        [entry_id for entry_id, _ in leaves],
        [hash_ for _, hash_ in leaves],
        [tile.level for tile, _, _ in full],
        [tile.number for tile, _, _ in full],
        [hashes for _, hashes, _ in full],
        [root_ for _, _, root_ in full],
        root,
        [entry.id for entry in entries],
        [entry.access_entry_id for entry in entries],
        [entry.leaf for entry in entries],
        [entry.sealed for entry in entries],
        [entry.wrapped for entry in entries],
        [entry.expires_on for entry in entries],
    )


async def edge(connection: Connection, origin_id: int, size: int) -> Edge:
    """Return the right-hand edge of a tree. Raises ValueError when the stored hashes are not as many as it has."""
    places = [Tile(level, size >> 8 * (level + 1)) for level, _ in enumerate(edge_widths(size))]
    found = await tiles(connection, origin_id, places, size)
    return Edge(size, [hashes_of(found.get(place, b"")) for place in places])


_FULL_TILES = """
SELECT level, number, hashes, root FROM log_tile JOIN unnest($2::smallint[], $3::bigint[]) AS wanted(level, number)
USING (level, number) WHERE origin_id = $1
"""


async def full_tiles(connection: Connection, origin_id: int, wanted: Sequence[Tile]) -> list[FullTile]:
    """Return the full tiles of a tree that are stored of these."""
    rows = await connection.fetch(_FULL_TILES, origin_id, [t.level for t in wanted], [t.number for t in wanted])
    return [FullTile(Tile(row["level"], row["number"]), row["hashes"], row["root"]) for row in rows]


# A partial tile is made of what it will be full of: leaves, or the roots of the full tiles below.
_TILES = f"""
SELECT level, number, hashes FROM unnest($2::smallint[], $3::bigint[], $4::bigint[]) AS wanted(level, number, width)
CROSS JOIN LATERAL (
    SELECT t.hashes FROM log_tile t
    WHERE wanted.width = {WIDTH} AND t.origin_id = $1 AND t.level = wanted.level AND t.number = wanted.number
    UNION ALL
    SELECT string_agg(l.leaf_hash, '' ORDER BY l.idx) FROM log_leaf l
    WHERE wanted.width < {WIDTH} AND wanted.level = 0 AND l.origin_id = $1
      AND l.idx >= wanted.number * {WIDTH} AND l.idx < wanted.number * {WIDTH} + wanted.width
    HAVING count(*) = wanted.width
    UNION ALL
    SELECT string_agg(t.root, '' ORDER BY t.number) FROM log_tile t
    WHERE wanted.width < {WIDTH} AND wanted.level > 0 AND t.origin_id = $1 AND t.level = wanted.level - 1
      AND t.number >= wanted.number * {WIDTH} AND t.number < wanted.number * {WIDTH} + wanted.width
    HAVING count(*) = wanted.width
) stored
"""


async def tiles(connection: Connection, origin_id: int, wanted: Iterable[Tile], size: int) -> Mapping[Tile, bytes]:
    """Return tiles of a tree at a size, full or partial. One that is not stored whole is left out."""
    places = [(*tile, width) for tile in set(wanted) if (width := tile.width(size))]
    columns = [list(column) for column in zip(*places, strict=True)] or [[], [], []]
    rows = await connection.fetch(_TILES, origin_id, *columns)
    return {Tile(row["level"], row["number"]): row["hashes"] for row in rows}


async def add_checkpoint(connection: Connection, origin_id: int, size: int, note: bytes, tell: str) -> None:
    """Store a signed head; say so on the channel ``tell`` once it is committed."""
    await connection.execute(
        "WITH added AS (INSERT INTO log_checkpoint VALUES ($1, $2, $3)) SELECT pg_notify($4, '')",
        origin_id,
        size,
        note,
        tell,
    )


# Named one by one, for that is how the index of the leaves is ordered.
_OF_ANY_TREE = "l.origin_id = ANY(ARRAY(SELECT id FROM log_origin))"
_IS_SIGNED = "l.idx < (SELECT max(size) FROM log_checkpoint c WHERE c.origin_id = l.origin_id)"
_COVERED = f"""
SELECT e.access_entry_id, e.id, s.wrapped FROM log_entry e JOIN log_leaf l ON l.entry_id = e.id
LEFT JOIN log_secret s ON s.entry_id = e.id
WHERE e.access_entry_id = ANY($1::bigint[]) AND {_OF_ANY_TREE} AND {_IS_SIGNED}
"""


async def covered(connection: Connection, entries: Sequence[int]) -> dict[int, Placed]:
    """Return which of these entries lie under a signed head, be it of an earlier tree, and what they are there."""
    rows = await connection.fetch(_COVERED, list(entries))
    return {row["access_entry_id"]: Placed(row["id"], row["wrapped"]) for row in rows}


async def placed(connection: Connection, origin_id: int, reference: str) -> list[Any]:
    """Return the entries under a reference with where they stand in a tree, the oldest first."""
    return await connection.fetch(
        "SELECT e.leaf, l.idx FROM access_entry a JOIN log_entry e ON e.access_entry_id = a.id "
        "JOIN log_leaf l ON l.entry_id = e.id AND l.origin_id = $1 WHERE a.reference = $2 ORDER BY l.idx",
        origin_id,
        reference,
    )


_PLACE = f"""
SELECT tree.*, entry.leaf, entry.idx FROM ({_STATE}) tree CROSS JOIN LATERAL (
    SELECT e.leaf, l.idx FROM log_entry e JOIN log_leaf l ON l.entry_id = e.id AND l.origin_id = tree.id
    WHERE e.access_entry_id = $1
) entry
"""


async def place(connection: Connection, access_entry_id: int) -> Any:
    """Return an entry with where it stands in the tree that is being added to, beside its ``state``; or None."""
    return await connection.fetchrow(_PLACE, access_entry_id)


async def leaves(connection: Connection, origin_id: int, first: int, end: int) -> list[bytes]:
    """Return the entries of a tree from an index on, at most up to another."""
    rows = await connection.fetch(
        "SELECT e.leaf FROM log_leaf l JOIN log_entry e ON e.id = l.entry_id "
        "WHERE l.origin_id = $1 AND l.idx >= $2 AND l.idx < $3 ORDER BY l.idx",
        origin_id,
        first,
        end,
    )
    return [row["leaf"] for row in rows]


async def requeue_unsigned(connection: Connection, origin_id: int, signed: int) -> None:
    """Queue anew what stands in a tree that nobody will sign any more, beyond what was signed."""
    await connection.execute(
        "INSERT INTO log_pending SELECT e.access_entry_id FROM log_leaf l JOIN log_entry e ON e.id = l.entry_id "
        "WHERE l.origin_id = $1 AND l.idx >= $2 ON CONFLICT DO NOTHING",
        origin_id,
        signed,
    )


async def take(connection: Connection, access_entry_id: int) -> Any:
    """Take one entry out of the queue, past all others."""
    await connection.execute("DELETE FROM log_pending WHERE access_entry_id = $1", access_entry_id)
    return await connection.fetchrow("SELECT * FROM access_entry WHERE id = $1", access_entry_id)


async def may_grow(connection: Connection) -> bool:
    """Return whether the login of this connection may add to the tree."""
    return bool(await connection.fetchval("SELECT has_table_privilege('log_leaf', 'INSERT')"))


async def is_waiting(connection: Connection) -> bool:
    """Return whether anything is queued."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM log_pending)"))
