"""The queries of matching again: children who changed, the enquiries that found nobody, and what was made of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from registry_api.enquiries.rules import NOT_KNOWN_OUTCOMES, Outcome
from registry_api.enquiries.store import MOST_OF_ONE_TOKEN
from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement
from registry_api.matching.bands import Band
from registry_api.matching.tokens import LEAST_WEIGHT, QueryTokens
from registry_api.register.postings_store import NUMBER
from registry_api.register.store import CANDIDATES

_SETTLED_NOBODY = "', '".join(sorted({*NOT_KNOWN_OUTCOMES, Outcome.MORE_INFORMATION_NEEDED}))


async def take(connection: Connection, limit: int, left: Collection[UUID]) -> tuple[list[UUID], list[Any]]:
    """Return children of the queue but those in ``left``, and their sealed records; no other worker gets the same ones.

    They stand on it until ``done``. Whoever is visible is taken, never whoever comes after a mark: changes are not
    committed in the order in which they were made. A child who is being changed has no record here.
    """
    taken = await connection.fetch(
        "SELECT child_id FROM child_changed WHERE child_id <> ALL($2::uuid[]) LIMIT $1 FOR UPDATE SKIP LOCKED",
        limit,
        [*left],
    )
    children = [row["child_id"] for row in taken]
    # In a statement of its own, which sees every change that was committed before the child was taken. And whoever
    # changes a child waits for this transaction, which never waits for them.
    rows = await connection.fetch(
        "SELECT id, data_key, sealed_record FROM child WHERE id = ANY($1) FOR KEY SHARE SKIP LOCKED", children
    )
    return children, rows


async def done(connection: Connection, children: Collection[UUID]) -> None:
    """Take children off the queue."""
    await connection.execute("DELETE FROM child_changed WHERE child_id = ANY($1)", [*children])


async def anybody_waits(connection: Connection) -> bool:
    """Return whether any enquiry, or person who may pose a risk, is there to be matched.

    Before the first of either, a whole register may stand on the queue.
    """
    return bool(
        await connection.fetchval("SELECT EXISTS (SELECT FROM enquiry_indexed) OR EXISTS (SELECT FROM risk_person)")
    )


async def that_found_nobody(
    connection: Connection, children: Sequence[UUID], queries: Sequence[QueryTokens]
) -> list[Any]:
    """Return the enquiries that found nobody for certain, or have no answer yet, and share enough with a child.

    ``queries``: for each of ``children``, what a question about them looks for.
    """
    rows = [
        (child, *wanted)
        for child, query in zip(children, queries, strict=True)
        for wanted in zip(query.tokens, query.weights, query.pads, strict=True)
    ]
    return await connection.fetch(
        "SELECT e.id, e.reference, e.received_at, e.data_key, e.sealed_record, e.urgency, a.outcome, again.children "
        "FROM (SELECT hit.number, array_agg(hit.child_id) AS children FROM "
        "(SELECT wanted.child_id, found.number, sum(wanted.weight) AS weight "
        "FROM unnest($1::uuid[], $2::bigint[], $3::float8[], $4::bytea[]) AS wanted(child_id, token, weight, pad) "
        f"CROSS JOIN LATERAL (SELECT {NUMBER} AS number FROM enquiry_token t WHERE t.token = wanted.token "
        f"LIMIT {MOST_OF_ONE_TOKEN}) found GROUP BY wanted.child_id, found.number) hit "
        "WHERE hit.weight >= $5 GROUP BY hit.number) again JOIN enquiry_indexed i ON i.number = again.number "
        "JOIN enquiry e ON e.id = i.enquiry_id LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id "
        f"WHERE e.refusal IS NULL AND (a.outcome IS NULL OR a.outcome IN ('{_SETTLED_NOBODY}'))",
        *([row[column] for row in rows] for column in range(4)),
        LEAST_WEIGHT,
    )


_CANDIDATES = Statement(CANDIDATES)


async def candidates(connection: Connection, query: QueryTokens) -> list[Any]:
    """Return the entries that a question's tokens find now, with their sealed records."""
    return await _CANDIDATES.fetch(connection, query.values)


async def by_reference(connection: Connection, reference: str) -> Any:
    """Return an enquiry that was not refused, sealed, with its outcome and whom it concerned; None without one."""
    return await connection.fetchrow(
        "SELECT e.id, e.data_key, e.sealed_record, e.professional_id, e.taken_by, a.outcome, ARRAY(SELECT DISTINCT "
        "unnest(l.child_ids) FROM access_entry l WHERE l.reference = e.reference) AS child_ids FROM enquiry e "
        "LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id WHERE e.reference = $1 AND e.refusal IS NULL",
        reference,
    )


async def note(connection: Connection, enquiry_id: UUID, child_id: UUID, band: Band, at: datetime) -> bool:
    """Note what an enquiry turned out to be about; False where that much has been noted before."""
    return (
        await connection.fetchval(
            "INSERT INTO matched_again AS known (enquiry_id, child_id, band, at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT (enquiry_id, child_id) DO UPDATE SET band = excluded.band, at = excluded.at "
            f"WHERE known.band = '{Band.POSSIBLE}' AND excluded.band = '{Band.MATCH}' RETURNING true",
            enquiry_id,
            child_id,
            band,
            at,
        )
        is True
    )


async def restricted(connection: Connection, children: Sequence[UUID]) -> frozenset[UUID]:
    """Return which of these children's records are restricted."""
    rows = await connection.fetch("SELECT id FROM child WHERE id = ANY($1) AND restricted", list(children))
    return frozenset(row["id"] for row in rows)
