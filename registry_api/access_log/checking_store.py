"""The queries of the full check: every row with what the trees have of it, every leaf, every full tile."""

from collections.abc import Sequence
from typing import Any, Final

from registry_api.access_log import tree_store
from registry_api.access_log.tiles import FullTile
from registry_api.kernel.db import Connection

# An entry may stand in several trees: one that nobody had signed goes into the next. The trees come as values, so that
# each is looked into by the index of its leaves. From where on entries are looked for is said twice: merged, they would
# be read from the first one on for every page.
_ROWS: Final = """
SELECT a.*, e.id AS entry_id, e.leaf, s.wrapped, p.access_entry_id IS NOT NULL AS waits, placed.hashes,
       coalesce(placed.stands, false) AS stands
FROM access_entry a
LEFT JOIN log_entry e ON e.access_entry_id = a.id AND e.access_entry_id > $3
LEFT JOIN LATERAL (
    SELECT array_agg(l.leaf_hash) AS hashes, bool_or(t.covers IS NULL OR l.idx < t.covers) AS stands
    FROM unnest($1::smallint[], $2::bigint[]) AS t(id, covers)
    JOIN log_leaf l ON l.origin_id = t.id AND l.entry_id = e.id
) placed ON true
LEFT JOIN log_secret s ON s.entry_id = e.id
LEFT JOIN log_pending p ON p.access_entry_id = a.id
WHERE a.id > $3 ORDER BY a.id LIMIT $4
"""


async def rows(connection: Connection, covers: Sequence[tuple[int, int | None]], after: int, limit: int) -> list[Any]:
    """Return rows of the log after a number, each with what the trees have of it.

    ``covers``: the trees, each with up to where an entry counts as standing in it; None for all of it.
    """
    return await connection.fetch(_ROWS, [tree for tree, _ in covers], [up_to for _, up_to in covers], after, limit)


_LOST: Final = """
SELECT (
    SELECT count(*) FROM log_entry e WHERE NOT EXISTS (SELECT FROM access_entry a WHERE a.id = e.access_entry_id)
      AND NOT EXISTS (SELECT FROM log_erased x WHERE x.entry_id = e.id)
) + (
    SELECT count(DISTINCT l.entry_id) FROM log_leaf l WHERE NOT EXISTS (SELECT FROM log_entry e WHERE e.id = l.entry_id)
)
"""


async def lost(connection: Connection) -> int:
    """Return how many entries of the trees have lost the row that they were made of, and were not erased, or are gone
    themselves, with nothing but their hash left."""
    return int(await connection.fetchval(_LOST))


async def first(connection: Connection, origin_id: int) -> bytes | None:
    """Return the entry with which a tree begins; or None."""
    leaf: bytes | None = await connection.fetchval(
        "SELECT e.leaf FROM log_leaf l JOIN log_entry e ON e.id = l.entry_id WHERE l.origin_id = $1 AND l.idx = 0",
        origin_id,
    )
    return leaf


async def leaf_hashes(connection: Connection, origin_id: int, first: int, end: int) -> list[bytes]:
    """Return the leaf hashes of a tree from an index on, at most up to another."""
    found = await connection.fetch(
        "SELECT leaf_hash FROM log_leaf WHERE origin_id = $1 AND idx >= $2 AND idx < $3 ORDER BY idx",
        origin_id,
        first,
        end,
    )
    return [row["leaf_hash"] for row in found]


async def differing_tiles(connection: Connection, origin_id: int, computed: Sequence[FullTile]) -> int:
    """Return how many of these full tiles are stored otherwise, or are not stored."""
    stored = await tree_store.full_tiles(connection, origin_id, [each.tile for each in computed])
    return len(set(computed) - set(stored))
