"""The queries of who looked, each narrowed by what there is an index for: a child, an organisation, a professional."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry_api.kernel.db import Connection

_ENTRY = """
SELECT e.id, e.at, e.kind, e.client_id, e.organisation_id, e.professional_id, e.reference, e.reason, e.particulars,
       e.digest, l.id AS entry_id, asked.particulars AS asked, answered.child_id AS answered_about,
       EXISTS (
           SELECT FROM child c WHERE c.restricted
             AND (c.id = answered.child_id OR (answered.child_id IS NULL AND c.id = ANY(e.child_ids)))
       ) AS of_restricted,
       EXISTS (
           SELECT FROM access_entry h WHERE h.reference = e.reference
             AND h.kind IN ('enquiry.repeated', 'telephone.answered')
       ) AS handed_out
FROM access_entry e
LEFT JOIN log_entry l ON l.access_entry_id = e.id
LEFT JOIN LATERAL (
    SELECT r.particulars FROM access_entry r
    WHERE r.reference = e.reference AND r.kind IN ('enquiry.received', 'enquiry.refused') ORDER BY r.id LIMIT 1
) asked ON true
LEFT JOIN enquiry q ON q.reference = e.reference LEFT JOIN enquiry_answer answered ON answered.enquiry_id = q.id
"""
# By none of what became of the record, of a person at the address, or of a hold, nor by a refusal, did anybody look.
_LOOKED = "e.child_ids @> ARRAY[$1::uuid] AND e.kind NOT SIMILAR TO '(register|person|hold|request).%'"
# An enquiry is received before it is known whom it is about: what stands under the same reference belongs to it.
_CONCERNS = """e.id IN (
    SELECT f.id FROM access_entry f WHERE f.child_ids @> ARRAY[$1::uuid]
    UNION
    SELECT r.id FROM access_entry f JOIN access_entry r ON r.reference = f.reference
    WHERE f.child_ids @> ARRAY[$1::uuid] AND f.kind LIKE 'enquiry.%'
)"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to look for; at least one of the first three is given."""

    child_id: UUID | None
    organisation_id: UUID | None
    professional_id: UUID | None
    since: datetime | None
    until: datetime | None


async def last_entry(connection: Connection) -> int:
    """Return the number of the newest entry, 0 where there is none."""
    return int(await connection.fetchval("SELECT coalesce(max(id), 0) FROM access_entry"))


async def add_search(
    connection: Connection,
    search: UUID,
    *,
    entry: int,
    at: datetime,
    by: UUID,
    up_to: int,
    data_key: bytes,
    sealed: bytes,
) -> None:
    """Keep what was asked of the log."""
    await connection.execute(
        "INSERT INTO log_search (id, access_entry_id, at, professional_id, up_to, data_key, sealed_criteria) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7)",
        search,
        entry,
        at,
        by,
        up_to,
        data_key,
        sealed,
    )


async def search(connection: Connection, search_id: UUID, by: UUID) -> Any:
    """Return a search of somebody's own, or None."""
    return await connection.fetchrow("SELECT * FROM log_search WHERE id = $1 AND professional_id = $2", search_id, by)


async def entries(connection: Connection, wanted: Wanted, *, before: int, limit: int) -> list[Any]:
    """Return the newest entries that are wanted, of those with a smaller number than ``before``."""
    values: list[object] = []
    narrowed = []
    for condition, value in (
        (_CONCERNS, wanted.child_id),  # first: its place is in the condition
        ("e.organisation_id = ${}", wanted.organisation_id),
        ("e.professional_id = ${}", wanted.professional_id),
        ("e.at >= ${}", wanted.since),
        ("e.at <= ${}", wanted.until),
        ("e.id < ${}", before),
    ):
        if value is not None:
            values.append(value)
            narrowed.append(condition.format(len(values)))
    return await connection.fetch(
        f"{_ENTRY} WHERE {' AND '.join(narrowed)} ORDER BY e.id DESC LIMIT {int(limit)}", *values
    )


async def about(connection: Connection, child_id: UUID, limit: int) -> list[Any]:
    """Return the newest entries about a child by which somebody looked."""
    return await connection.fetch(f"{_ENTRY} WHERE {_LOOKED} ORDER BY e.id DESC LIMIT {int(limit)}", child_id)


async def numbers_about(connection: Connection, child_id: UUID, up_to: int) -> list[int]:
    """Return the numbers of all entries about a child by which somebody looked, up to this one, the oldest first."""
    rows = await connection.fetch(
        f"SELECT e.id FROM access_entry e WHERE {_LOOKED} AND e.id <= $2 ORDER BY e.id", child_id, up_to
    )
    return [row["id"] for row in rows]


async def numbered(connection: Connection, numbers: Sequence[int]) -> list[Any]:
    """Return the entries with these numbers, the oldest first."""
    return await connection.fetch(f"{_ENTRY} WHERE e.id = ANY($1::bigint[]) ORDER BY e.id", [*numbers])


async def works_with(connection: Connection, child_id: UUID, professional_id: UUID, now: datetime) -> bool:
    """Return whether somebody is the key worker or team manager of an open case of a child, or stands in for them."""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM child_case c WHERE c.child_id = $1 AND c.closed_on IS NULL AND ("
            "$2 IN (c.key_worker_id, c.team_manager_id) OR EXISTS (SELECT FROM cover v WHERE v.covered_by = $2 "
            "AND v.professional_id IN (c.key_worker_id, c.team_manager_id) AND v.starts_at <= $3 AND v.ends_at > $3)))",
            child_id,
            professional_id,
            now,
        )
    )


async def restricted(connection: Connection, child_id: UUID) -> bool | None:
    """Return whether a child's record is restricted; None where there is no such child."""
    found: bool | None = await connection.fetchval("SELECT restricted FROM child WHERE id = $1", child_id)
    return found
