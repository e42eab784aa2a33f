"""The queries of enquiries by telephone: those that are held, and the attempts to call back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from registry_api.kernel.db import Connection

_HELD = """
SELECT e.*, o.name AS organisation, o.office_phone, o.out_of_hours_phone,
       (SELECT count(*) FROM call_back c WHERE c.enquiry_id = e.id AND NOT c.reached) AS attempts
FROM enquiry e JOIN organisation o ON o.id = e.organisation_id
WHERE e.taken_by IS NOT NULL AND e.refusal IS NULL
"""


async def by_reference(connection: Connection, reference: str) -> Any:
    """Return an enquiry that was taken down on the telephone and may be answered, with its stored answer; or None."""
    return await connection.fetchrow(
        f"SELECT held.*, a.sealed_answer FROM ({_HELD} AND e.reference = $1) held "
        "LEFT JOIN enquiry_answer a ON a.enquiry_id = held.id",
        reference,
    )


async def waiting(connection: Connection, limit: int) -> list[Any]:
    """Return the enquiries whose callers have not been reached: immediate ones first, then by how long they wait."""
    return await connection.fetch(
        f"{_HELD} AND NOT EXISTS (SELECT FROM call_back c WHERE c.enquiry_id = e.id AND c.reached) "
        "ORDER BY array_position(ARRAY['immediate', 'urgent', 'routine'], e.urgency), e.received_at, e.id LIMIT $1",
        limit,
    )


async def note_call_back(
    connection: Connection, enquiry_id: UUID, *, at: datetime, by: UUID, called: str, reached: bool
) -> None:
    """Add one attempt to call back."""
    await connection.execute(
        "INSERT INTO call_back (id, enquiry_id, at, called_by, called, reached) "
        "VALUES (gen_random_uuid(), $1, $2, $3, $4, $5)",
        enquiry_id,
        at,
        by,
        called,
        reached,
    )
