"""The queries of erasing enquiries: which of them are still open, and everything that goes with them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from registry_api.kernel.db import Connection

_STILL_OPEN = """
SELECT e.reference FROM enquiry e WHERE e.reference = ANY($1) AND (
    EXISTS (SELECT FROM notification n WHERE n.enquiry_id = e.id AND n.acknowledged_at IS NULL)
    OR EXISTS (
        SELECT FROM consideration_enquiry ce JOIN consideration c ON c.id = ce.consideration_id
        WHERE ce.enquiry_id = e.id AND c.decided_at IS NULL
    )
)
"""


async def still_open(connection: Connection, references: Sequence[str]) -> set[str]:
    """Return which enquiries have a notification that nobody picked up, or a consideration that is not decided."""
    return {row["reference"] for row in await connection.fetch(_STILL_OPEN, list(references))}


_GONE = (
    "DELETE FROM matched_again WHERE enquiry_id = ANY($1)",
    "DELETE FROM call_back WHERE enquiry_id = ANY($1)",
    "DELETE FROM notification WHERE enquiry_id = ANY($1)",
    "DELETE FROM consideration_enquiry WHERE enquiry_id = ANY($1)",
    "DELETE FROM enquiry_answer WHERE enquiry_id = ANY($1)",
    "DELETE FROM enquiry WHERE id = ANY($1)",
)


async def out_of_index(connection: Connection, references: Sequence[str]) -> list[Any]:
    """Have enquiries stand in the index no longer; return them sealed, and how they stood.

    Whoever is indexing one of them anew is waited for: it is returned as it stands then.
    """
    return await connection.fetch(
        "DELETE FROM enquiry_indexed i USING enquiry e WHERE e.reference = ANY($1) AND i.enquiry_id = e.id "
        "RETURNING e.id, e.data_key, e.sealed_record, i.number, i.version",
        list(references),
    )


async def erase(connection: Connection, references: Sequence[str], entries: Sequence[int]) -> None:
    """Delete enquiries with what was looked for, answered, notified and considered because of them, and the looks into
    the register against any of these entries of the log.

    A consideration goes with the last enquiry that it was about.
    """
    ids = [row["id"] for row in await connection.fetch("SELECT id FROM enquiry WHERE reference = ANY($1)", references)]
    considered = [
        row["consideration_id"]
        for row in await connection.fetch(
            "SELECT DISTINCT consideration_id FROM consideration_enquiry WHERE enquiry_id = ANY($1)", ids
        )
    ]
    # By their entries, for which there is an index: of looks into the register there are as many as of enquiries.
    await connection.execute(
        "DELETE FROM register_opened o USING access_entry a WHERE a.reference = ANY($1) AND o.access_entry_id = a.id",
        references,
    )
    await connection.execute("DELETE FROM register_opened WHERE access_entry_id = ANY($1)", entries)
    for statement in _GONE:
        await connection.execute(statement, ids)
    await connection.execute(
        "WITH gone AS (DELETE FROM consideration c WHERE id = ANY($1) "
        "AND NOT EXISTS (SELECT FROM consideration_enquiry ce WHERE ce.consideration_id = c.id) RETURNING id) "
        "DELETE FROM notification n USING gone WHERE n.consideration_id = gone.id",
        considered,
    )


async def data_keys(connection: Connection, references: Sequence[str]) -> list[Any]:
    """Return the wrapped data keys of enquiries."""
    return await connection.fetch("SELECT id, reference, data_key FROM enquiry WHERE reference = ANY($1)", references)


async def replace_data_key(connection: Connection, enquiry_id: UUID, data_key: bytes) -> None:
    """Put another envelope in place of an enquiry's data key."""
    await connection.execute("UPDATE enquiry SET data_key = $2 WHERE id = $1", enquiry_id, data_key)


async def is_wrapped_by(connection: Connection, kid: bytes) -> bool:
    """Return whether a data key is wrapped under the key with this id."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM enquiry WHERE substring(data_key FROM 3 FOR 2) = $1)", kid
        )
    )
