"""The queries of what stands outside: what was mailed and stamped on which day, and what witnesses signed."""

from datetime import date, datetime
from typing import Any, Final

from registry_api.kernel.db import Connection

_LOCK: Final = 4_153_700_230
"""The advisory lock under which one process at a time gives checkpoints out."""


async def try_lock(connection: Connection) -> bool:
    """Return whether nobody else is at it, until the end of the transaction."""
    return bool(await connection.fetchval(f"SELECT pg_try_advisory_xact_lock({_LOCK})"))


async def given(connection: Connection, origin_id: int, kind: str, day: date) -> set[str]:
    """Return the places to which a checkpoint was given on a day."""
    rows = await connection.fetch(
        "SELECT place FROM log_anchor WHERE origin_id = $1 AND kind = $2 AND day = $3", origin_id, kind, day
    )
    return {row["place"] for row in rows}


async def add(
    connection: Connection,
    origin_id: int,
    kind: str,
    place: str,
    at: datetime,
    size: int,
    note: bytes,
    token: bytes | None,
) -> None:
    """Keep what was given out."""
    await connection.execute(
        "INSERT INTO log_anchor (origin_id, kind, place, day, at, size, note, token) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        origin_id,
        kind,
        place,
        at.date(),
        at,
        size,
        note,
        token,
    )


async def stamped(connection: Connection, origin_id: int) -> list[Any]:
    """Return what an authority put a time-stamp on, the oldest first."""
    return await connection.fetch(
        "SELECT day, place, note, token FROM log_anchor WHERE origin_id = $1 AND token IS NOT NULL ORDER BY day, place",
        origin_id,
    )


async def witnessed_size(connection: Connection, origin_id: int, witness: str) -> int | None:
    """Return the size of the last head that a witness signed; or None."""
    size: int | None = await connection.fetchval(
        "SELECT max(size) FROM log_cosignature WHERE origin_id = $1 AND witness = $2", origin_id, witness
    )
    return size


async def add_cosignature(
    connection: Connection, origin_id: int, size: int, witness: str, at: datetime, lines: bytes
) -> None:
    """Keep what a witness signed of a head; the first of two at once stands."""
    await connection.execute(
        "INSERT INTO log_cosignature (origin_id, size, witness, at, lines) VALUES ($1, $2, $3, $4, $5) "
        "ON CONFLICT DO NOTHING",
        origin_id,
        size,
        witness,
        at,
        lines,
    )


async def cosignatures(connection: Connection, origin_id: int, size: int) -> bytes:
    """Return all that witnesses signed of a head, as lines to stand under it."""
    rows = await connection.fetch(
        "SELECT lines FROM log_cosignature WHERE origin_id = $1 AND size = $2 ORDER BY witness", origin_id, size
    )
    return b"".join(row["lines"] for row in rows)


async def last_witnessed(connection: Connection, origin_id: int) -> Any:
    """Return the last head of which witnesses signed anything: its size and its note; or None."""
    return await connection.fetchrow(
        "SELECT c.size, c.note FROM log_checkpoint c WHERE c.origin_id = $1 AND c.size = "
        "(SELECT max(size) FROM log_cosignature WHERE origin_id = $1)",
        origin_id,
    )


async def last_given(connection: Connection, origin_id: int) -> dict[tuple[str, str], datetime]:
    """Return when each place was last given a checkpoint, by kind and place; a witness's place is its key."""
    rows = await connection.fetch(
        "SELECT kind, place, max(at) AS at FROM log_anchor WHERE origin_id = $1 GROUP BY kind, place "
        "UNION ALL SELECT 'witness', witness, max(at) FROM log_cosignature WHERE origin_id = $1 GROUP BY witness",
        origin_id,
    )
    return {(row["kind"], row["place"]): row["at"] for row in rows}
