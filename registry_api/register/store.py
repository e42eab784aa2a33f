"""The queries of the register: who might be meant, how a child stands, who lives at an address.

The hot ones are parts or single statements, prepared once on the driver's connection.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from registry_api.directory.store import presence
from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement
from registry_api.register.postings_store import NUMBER, weightiest

_POSTINGS = 1500
"""The most entries read for one token: a name that so many share says nothing."""

CANDIDATES = f"""
SELECT c.id, c.data_key, c.sealed_record
FROM ({weightiest("child_token", _POSTINGS)}) found
JOIN child c ON c.number = found.number
WHERE found.weight >= :least_share * found.best
"""
"""A part: the entries that share tokens with the question, by their summed weight. See ``matching.tokens``."""

# Everything that an answer and its routing need, for whoever was or may have been asked about and for every child on a
# plan at the address, in one round trip.
STANDING = f"""
WITH neighbour AS (
    SELECT DISTINCT c.id AS child_id
    FROM unnest(:address_tokens::bigint[], :pads::bytea[]) AS wanted(token, pad)
    JOIN address_token t ON t.token = wanted.token
    JOIN child c ON c.number = {NUMBER}
    WHERE EXISTS (SELECT FROM plan p WHERE p.child_id = c.id AND p.ended_on IS NULL)
    LIMIT 200
), wanted AS (
    SELECT unnest(:child_ids::uuid[]) AS child_id
    UNION
    SELECT child_id FROM neighbour
)
SELECT c.id, c.data_key, c.sealed_record, c.restricted, c.missing_since, c.looked_after,
       p.id AS plan_id, p.kind AS plan_kind, p.categories, p.started_on, p.sealed_other_key_worker,
       o.name AS responsible_name, o.office_phone AS responsible_office_phone,
       o.out_of_hours_phone AS responsible_out_of_hours_phone,
       past.ended_on AS plan_ended_on,
       k.opened_on, k.closed_on, k.key_worker_id, k.team_manager_id,
       kw.away AS key_worker_away, kw.cover AS key_worker_cover, kw.cover_away AS key_worker_cover_away,
       tm.away AS team_manager_away, tm.cover AS team_manager_cover, tm.cover_away AS team_manager_cover_away
FROM wanted w
JOIN child c ON c.id = w.child_id
LEFT JOIN plan p ON p.child_id = c.id AND p.ended_on IS NULL
LEFT JOIN organisation o ON o.id = p.responsible_organisation_id
LEFT JOIN LATERAL (SELECT max(ended_on) AS ended_on FROM plan WHERE child_id = c.id) past ON true
LEFT JOIN LATERAL (
    SELECT * FROM child_case WHERE child_id = c.id ORDER BY closed_on IS NULL DESC, opened_on DESC, id LIMIT 1
) k ON true
LEFT JOIN LATERAL {presence("k.key_worker_id")} kw ON true
LEFT JOIN LATERAL {presence("k.team_manager_id")} tm ON true
"""
_STANDING = Statement(STANDING)


async def standing(connection: Connection, *, child_ids: Collection[UUID], now: datetime) -> list[Any]:
    """Return how these children stand."""
    values = {"child_ids": [*child_ids], "address_tokens": [], "pads": [], "now": now}
    return await _STANDING.fetch(connection, values)


async def records(connection: Connection, ids: Collection[UUID]) -> list[Any]:
    """Return the sealed normalised records of these children."""
    return await connection.fetch("SELECT id, data_key, sealed_record FROM child WHERE id = ANY($1)", [*ids])


async def last_load(connection: Connection) -> datetime | None:
    """Return when the authority's own system was last taken in, or None when it never was.

    A transfer brings one child in and says nothing of how fresh the others are.
    """
    loaded: datetime | None = await connection.fetchval(
        "SELECT max(loaded_at) FROM register_load WHERE source = 'import'"
    )
    return loaded


async def by_source(connection: Connection, tags: Collection[bytes]) -> list[Any]:
    """Return the children known by these tags: ``id``, ``data_key``, source, and whether a temporary entry stands."""
    return await connection.fetch(
        "SELECT c.id, c.data_key, c.source_tag, c.source_digest, EXISTS ("
        "    SELECT FROM plan p WHERE p.child_id = c.id AND p.ended_on IS NULL AND p.kind = 'temporary'"
        ") AS temporary FROM child c WHERE c.source_tag = ANY($1)",
        [*tags],
    )


async def lock(connection: Connection, ids: Collection[UUID]) -> None:
    """Let nobody else change these children until the transaction ends; they can still be read and referred to."""
    await connection.execute("SELECT FROM child WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", [*ids])


async def unclaimed(connection: Connection) -> list[Any]:
    """Return the children whom no record of the authority's own system stands for, locked as by ``lock``.

    They came by a transfer, whose reference is all that is read of it: what a report may show.
    """
    return await connection.fetch(
        "SELECT c.id, c.data_key, c.sealed_record, coalesce(("
        "    SELECT t.reference FROM transfer_case t WHERE t.child_id = c.id ORDER BY t.received_at LIMIT 1"
        "), '') AS transfer FROM child c WHERE c.source_tag IS NULL ORDER BY c.id FOR NO KEY UPDATE OF c"
    )
