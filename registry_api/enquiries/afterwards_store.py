"""The queries of matching again: children who changed, the enquiries that found nobody, and what was made of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from registry_api.enquiries.rules import NOT_KNOWN_OUTCOMES, Outcome
from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement
from registry_api.matching.bands import Band
from registry_api.matching.tokens import LEAST_SHARE, LEAST_WEIGHT, RETRIEVAL_LIMIT, QueryTokens
from registry_api.register.store import CANDIDATES

_SETTLED_NOBODY = "', '".join(sorted({*NOT_KNOWN_OUTCOMES, Outcome.MORE_INFORMATION_NEEDED}))

_MOST_OF_ONE_TOKEN = 500
"""Enquiries read for one token: what so many share says nothing."""


async def forget_all_if_nobody_waits(connection: Connection) -> None:
    """Empty the queue where neither an enquiry nor a person who may pose a risk waits for anybody.

    Before the first of either, a whole register may stand in it.
    """
    await connection.execute(
        "DELETE FROM child_changed WHERE NOT EXISTS (SELECT FROM enquiry_token) "
        "AND NOT EXISTS (SELECT FROM risk_person)"
    )


async def take(connection: Connection, limit: int) -> list[Any]:
    """Take children off the queue, with their sealed records; no other worker gets the same ones.

    They are back on it when the transaction does not come to its end. Whoever is visible is taken, never whoever
    comes after a mark: changes are not committed in the order in which they were made.
    """
    return await connection.fetch(
        "WITH taken AS (DELETE FROM child_changed WHERE child_id IN "
        "(SELECT child_id FROM child_changed LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING child_id) "
        "SELECT c.id, c.data_key, c.sealed_record FROM taken JOIN child c ON c.id = taken.child_id",
        limit,
    )


async def that_found_nobody(
    connection: Connection, children: Sequence[UUID], queries: Sequence[QueryTokens]
) -> list[Any]:
    """Return the enquiries that found nobody for certain and share enough with one of ``children``.

    ``queries``: for each child, what a question about them looks for. Those that wait for their first answer are left
    to it.
    """
    rows = [
        (child, token, weight)
        for child, query in zip(children, queries, strict=True)
        for token, weight in zip(query.tokens, query.weights, strict=True)
    ]
    return await connection.fetch(
        "SELECT e.id, e.reference, e.data_key, e.sealed_record, e.urgency, a.outcome "
        "FROM (SELECT DISTINCT hit.enquiry_id FROM "
        "(SELECT wanted.child_id, found.enquiry_id, sum(wanted.weight) AS weight "
        "FROM unnest($1::uuid[], $2::bigint[], $3::float8[]) AS wanted(child_id, token, weight) "
        "CROSS JOIN LATERAL (SELECT t.enquiry_id FROM enquiry_token t WHERE t.token = wanted.token "
        f"LIMIT {_MOST_OF_ONE_TOKEN}) found GROUP BY wanted.child_id, found.enquiry_id) hit "
        "WHERE hit.weight >= $4) again "
        "JOIN enquiry e ON e.id = again.enquiry_id JOIN enquiry_answer a ON a.enquiry_id = e.id "
        f"WHERE e.refusal IS NULL AND a.outcome IN ('{_SETTLED_NOBODY}')",
        [child for child, _, _ in rows],
        [token for _, token, _ in rows],
        [weight for _, _, weight in rows],
        LEAST_WEIGHT,
    )


_CANDIDATES = Statement(CANDIDATES)


async def candidates(connection: Connection, query: QueryTokens) -> list[Any]:
    """Return the entries that a question's tokens find now, with their sealed records."""
    return await _CANDIDATES.fetch(
        connection,
        {
            "tokens": query.tokens,
            "weights": query.weights,
            "pads": query.pads,
            "least_weight": LEAST_WEIGHT,
            "least_share": LEAST_SHARE,
            "most_candidates": RETRIEVAL_LIMIT,
        },
    )


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
