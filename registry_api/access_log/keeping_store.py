"""The queries of keeping and erasing: what is due, what is held, what was erased, why something was done."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from policies.retention import NAMES_NOBODY
from registry_api.kernel.db import Connection

ERASED: Final = "payload.erased"
"""The kind of the entry that records an erasure; its digest is that of the ids of all that was erased, in order."""

BESIDE: Final = ("log_act", "log_search")
"""Tables of what is kept sealed beside an entry, for as long as it: why something was done, what the log was asked."""

_LOCK: Final = 4_153_700_229
"""The advisory lock under which holds are placed and entries erased: never both at once."""


async def lock(connection: Connection) -> None:
    """Wait until nobody else erases or places a hold, until the end of the transaction."""
    await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")


_WITH_ROW = """
SELECT s.entry_id, s.wrapped, s.expires_on, a.* FROM log_secret s
JOIN log_entry e ON e.id = s.entry_id JOIN access_entry a ON a.id = e.access_entry_id
"""


async def due(connection: Connection, today: date, limit: int) -> list[Any]:
    """Return entries whose month is over, with the rows beside them and what opens them."""
    return await connection.fetch(
        f"{_WITH_ROW} WHERE s.expires_on <= $1 ORDER BY s.expires_on, s.entry_id LIMIT $2", today, limit
    )


async def without_expiry(connection: Connection, limit: int) -> list[Any]:
    """Return entries that were sealed before there were keys of months."""
    return await connection.fetch(
        f"{_WITH_ROW} WHERE s.expires_on IS NULL AND NOT a.kind = ANY($1) LIMIT $2", sorted(NAMES_NOBODY), limit
    )


_HELD = """
SELECT a.id FROM access_entry a WHERE a.id = ANY($1) AND EXISTS (
    SELECT FROM legal_hold h WHERE h.lifted_at IS NULL AND (
        h.reference = a.reference OR EXISTS (
            SELECT FROM access_entry b WHERE (b.id = a.id OR b.reference = a.reference)
              AND (h.child_id = ANY(b.child_ids) OR h.professional_id = b.professional_id)
        )
    )
)
"""


async def held(connection: Connection, entries: Sequence[int]) -> set[int]:
    """Return which of these entries a hold is on: what stands under one reference is held together."""
    return {row["id"] for row in await connection.fetch(_HELD, list(entries))}


async def wrap_anew(connection: Connection, secrets: Sequence[tuple[UUID, bytes, date | None]]) -> None:
    """Put other envelopes in place of those of these entries."""
    ids = [entry_id for entry_id, _, _ in secrets]
    await connection.execute("DELETE FROM log_secret WHERE entry_id = ANY($1)", ids)
    await connection.execute(
        "INSERT INTO log_secret (entry_id, wrapped, expires_on) "
        "SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::date[])",
        ids,
        [wrapped for _, wrapped, _ in secrets],
        [until for _, _, until in secrets],
    )


async def sealed_beside(connection: Connection, table: str, entries: Sequence[int]) -> list[Any]:
    """Return the envelopes of what is kept sealed beside these entries, of one table of ``BESIDE``."""
    return await connection.fetch(
        f"SELECT id, access_entry_id, data_key FROM {table} WHERE access_entry_id = ANY($1)", list(entries)
    )


async def wrap_beside_anew(connection: Connection, table: str, row: UUID, data_key: bytes) -> None:
    """Put another envelope in place of that of what is kept sealed beside an entry."""
    await connection.execute(f"UPDATE {table} SET data_key = $2 WHERE id = $1", row, data_key)


async def note_act(connection: Connection, act: UUID, entry: int, operator: str, data_key: bytes, why: bytes) -> None:
    """Keep why an entry's thing was done, sealed, and on which account of the machine."""
    await connection.execute("INSERT INTO log_act VALUES ($1, $2, $3, $4, $5)", act, entry, operator, data_key, why)


Named = tuple[UUID, int, str | None]
"""An entry that is erased: its id, the number of its row, and its reference as far as that stands open."""


async def note_erased(connection: Connection, entries: Sequence[Named], erasure: int) -> None:
    """Write, for ever, that entries are erased; ``erasure`` is the entry that records it."""
    await connection.execute(
        "INSERT INTO log_erased SELECT *, $4::bigint FROM unnest($1::uuid[], $2::bigint[], $3::text[])",
        [entry_id for entry_id, _, _ in entries],
        [number for _, number, _ in entries],
        [reference for _, _, reference in entries],
        erasure,
    )


async def erase(connection: Connection, entries: Sequence[Named]) -> None:
    """Destroy the secrets and the rows of entries of which it is written that they are erased."""
    ids, numbers = [entry_id for entry_id, _, _ in entries], [number for _, number, _ in entries]
    await connection.execute("DELETE FROM log_secret WHERE entry_id = ANY($1)", ids)
    for table in BESIDE:
        await connection.execute(f"DELETE FROM {table} WHERE access_entry_id = ANY($1)", numbers)
    await connection.execute("DELETE FROM access_entry WHERE id = ANY($1)", numbers)


async def last_erasure(connection: Connection) -> int | None:
    """Return the number of the entry that records the last erasure; or None."""
    number: int | None = await connection.fetchval("SELECT max(erasure) FROM log_erased")
    return number


async def is_wrapped_by(connection: Connection, kid: bytes) -> bool:
    """Return whether anything of the log is still wrapped under the key with this id."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM log_secret WHERE substring(wrapped FROM 3 FOR 2) = $1)"
            + "".join(
                f" OR EXISTS (SELECT FROM {table} WHERE substring(data_key FROM 3 FOR 2) = $1)" for table in BESIDE
            ),
            kid,
        )
    )


async def erased_under(connection: Connection, reference: str) -> list[Any]:
    """Return what was erased under a reference: the ids of entries, and when."""
    return await connection.fetch(
        "SELECT x.entry_id, a.at FROM log_erased x JOIN access_entry a ON a.id = x.erasure "
        "WHERE x.reference = $1 ORDER BY x.access_entry_id",
        reference,
    )


async def erasures(connection: Connection) -> list[Any]:
    """Return every erasure: its entry's number, the digest in it, and the ids that are said to have been erased."""
    return await connection.fetch(
        "SELECT x.erasure, a.kind, a.digest, array_agg(x.entry_id ORDER BY x.entry_id) AS entry_ids FROM log_erased x "
        "LEFT JOIN access_entry a ON a.id = x.erasure GROUP BY x.erasure, a.kind, a.digest"
    )


async def place_hold(
    connection: Connection,
    hold: UUID,
    *,
    child_id: UUID | None,
    reference: str | None,
    professional_id: UUID | None,
    at: datetime,
    entry: int,
) -> None:
    """Add a hold on exactly one of the three. Raises asyncpg.CheckViolationError."""
    await connection.execute(
        "INSERT INTO legal_hold (id, child_id, reference, professional_id, placed_at, placed_entry) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        hold,
        child_id,
        reference,
        professional_id,
        at,
        entry,
    )


async def standing_hold(connection: Connection, hold: UUID) -> Any:
    """Return a hold that stands, and let nobody else lift it meanwhile; or None."""
    return await connection.fetchrow("SELECT * FROM legal_hold WHERE id = $1 AND lifted_at IS NULL FOR UPDATE", hold)


async def lift_hold(connection: Connection, hold: UUID, at: datetime, entry: int) -> None:
    """Have a hold stand no longer."""
    await connection.execute("UPDATE legal_hold SET lifted_at = $2, lifted_entry = $3 WHERE id = $1", hold, at, entry)


async def standing_holds(connection: Connection) -> list[Any]:
    """Return the holds that stand, the oldest first, each with who placed it and why, sealed."""
    return await connection.fetch(
        "SELECT h.*, a.professional_id AS placed_by, t.id AS act, t.operator, t.data_key, t.sealed_why "
        "FROM legal_hold h LEFT JOIN access_entry a ON a.id = h.placed_entry "
        "LEFT JOIN log_act t ON t.access_entry_id = h.placed_entry WHERE h.lifted_at IS NULL ORDER BY h.placed_at"
    )


async def sealed_under(connection: Connection, reference: str) -> list[Any]:
    """Return what opens the entries under a reference, the oldest first, whichever tree they stand in."""
    return await connection.fetch(
        "SELECT e.id AS entry_id, p.sealed, s.wrapped FROM access_entry a JOIN log_entry e ON e.access_entry_id = a.id "
        "JOIN log_payload p ON p.entry_id = e.id LEFT JOIN log_secret s ON s.entry_id = e.id "
        "WHERE a.reference = $1 ORDER BY a.id",
        reference,
    )


async def acts_under(connection: Connection, reference: str) -> list[Any]:
    """Return why things were done at the machine itself under a reference, sealed, and on which accounts."""
    return await connection.fetch(
        "SELECT e.id AS entry_id, t.id AS act, t.operator, t.data_key, t.sealed_why FROM access_entry a "
        "JOIN log_act t ON t.access_entry_id = a.id JOIN log_entry e ON e.access_entry_id = a.id "
        "WHERE a.reference = $1 ORDER BY a.id",
        reference,
    )


async def authors(connection: Connection, reference: str) -> set[UUID]:
    """Return the professionals whose entries stand under a reference, and who took the enquiry down for a caller."""
    rows = await connection.fetch(
        "SELECT professional_id, particulars::jsonb ->> 'taken_by' AS taken_by FROM access_entry WHERE reference = $1",
        reference,
    )
    found = {row["professional_id"] for row in rows} | {UUID(row["taken_by"]) for row in rows if row["taken_by"]}
    return found - {None}
