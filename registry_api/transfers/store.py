"""The queries of transfers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from registry_api.directory.store import presence
from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement
from registry_api.register.store import CANDIDATES

_CASE = Statement(
    """
INSERT INTO transfer_case (id, reference, received_at, client_id, professional_id, originating_organisation_id,
                           idempotency_key, request_digest, child_id, placed_as, moved_on, conference_due,
                           calendar_version, data_key, sealed_notice)
VALUES (:id, :reference, :received_at, :client_id, :professional_id, :originating_organisation_id, :idempotency_key,
        :request_digest, :child_id, :placed_as, :moved_on, :conference_due, :calendar_version, :data_key,
        :sealed_notice)
"""
)
_CANDIDATES = Statement(CANDIDATES)
_FOLLOW_UP = Statement(
    f"""
SELECT k.key_worker_id, k.team_manager_id,
       kw.away AS key_worker_away, kw.cover AS key_worker_cover, kw.cover_away AS key_worker_cover_away,
       tm.away AS team_manager_away, tm.cover AS team_manager_cover, tm.cover_away AS team_manager_cover_away
FROM child_case k
LEFT JOIN LATERAL {presence("k.key_worker_id")} kw ON true
LEFT JOIN LATERAL {presence("k.team_manager_id")} tm ON true
WHERE k.child_id = :child_id AND k.closed_on IS NULL
ORDER BY k.opened_on DESC, k.id LIMIT 1
"""
)

LOCK_TIMEOUT = "2s"
"""An import holds its children for as long as it runs; whoever notifies a move meanwhile can try again."""


async def add_case(connection: Connection, values: Mapping[str, Any]) -> None:
    """Add a transfer case. Raises asyncpg.UniqueViolationError when its idempotency key stands already."""
    await _CASE.fetch(connection, values)


async def candidates(connection: Connection, values: Mapping[str, Any]) -> list[Any]:
    """Return the entries that might be the child who moved."""
    return await _CANDIDATES.fetch(connection, values)


async def lock_children(connection: Connection, ids: Sequence[UUID]) -> list[Any]:
    """Return the rows of children in this order, locked until the transaction ends, with their active plan's kind."""
    return await connection.fetch(
        "SELECT c.*, p.kind AS plan_kind FROM child c LEFT JOIN plan p ON p.child_id = c.id AND p.ended_on IS NULL "
        "WHERE c.id = ANY($1) ORDER BY array_position($1, c.id) FOR UPDATE OF c",
        list(ids),
    )


async def wait_for_turn(connection: Connection) -> None:
    """Let one move be placed at a time, everywhere: two systems that notify a child together must not make two entries.

    Raises asyncpg.LockNotAvailableError when a lock is not to be had within ``LOCK_TIMEOUT``, here or later in the
    transaction.
    """
    await connection.execute(
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SELECT pg_advisory_xact_lock(hashtext('transfer in'))"
    )


async def follow_up(connection: Connection, child_id: UUID, now: datetime) -> Any:
    """Return the key worker and team manager of the child's open case, and whether they are there; or None."""
    return await _FOLLOW_UP.fetchrow(connection, {"child_id": child_id, "now": now})


async def by_idempotency_key(connection: Connection, client_id: str, key: str) -> Any:
    """Return the case that first came with this key."""
    return await connection.fetchrow(
        "SELECT * FROM transfer_case WHERE client_id = $1 AND idempotency_key = $2", client_id, key
    )


async def notified_by(connection: Connection, ids: Sequence[UUID], originating: UUID) -> list[UUID]:
    """Return those of the children whom this authority has notified and whose temporary entry still stands."""
    rows = await connection.fetch(
        "SELECT id FROM child c WHERE id = ANY($1) AND EXISTS (SELECT FROM plan p WHERE p.child_id = c.id "
        "AND p.ended_on IS NULL AND p.kind = 'temporary' AND p.responsible_organisation_id = $2) "
        "AND EXISTS (SELECT FROM transfer_case t WHERE t.child_id = c.id AND t.originating_organisation_id = $2)",
        list(ids),
        originating,
    )
    return [row["id"] for row in rows]


async def open_case(connection: Connection, child_id: UUID, originating: UUID) -> Any:
    """Return the latest case by which an authority notified this child and whose temporary entry still stands."""
    return await connection.fetchrow(
        "SELECT t.* FROM transfer_case t JOIN plan p ON p.child_id = t.child_id AND p.ended_on IS NULL "
        "AND p.kind = 'temporary' AND p.responsible_organisation_id = t.originating_organisation_id "
        "WHERE t.child_id = $1 AND t.originating_organisation_id = $2 ORDER BY t.received_at DESC, t.id LIMIT 1",
        child_id,
        originating,
    )


async def by_reference(connection: Connection, reference: str) -> Any:
    """Return the case of that reference, locked until the transaction ends."""
    return await connection.fetchrow("SELECT * FROM transfer_case WHERE reference = $1 FOR UPDATE", reference)


async def cases(connection: Connection, ids: Sequence[UUID]) -> list[Any]:
    """Return these cases with the name of the originating authority."""
    return await connection.fetch(
        "SELECT t.*, o.name AS originating_name FROM transfer_case t "
        "JOIN organisation o ON o.id = t.originating_organisation_id WHERE t.id = ANY($1)",
        list(ids),
    )


async def staff(connection: Connection, subject: str, roles: Sequence[str]) -> UUID | None:
    """Return a member of the own authority's staff by its identifier of them, if they hold one of the roles."""
    found: UUID | None = await connection.fetchval(
        "SELECT p.id FROM professional p JOIN organisation o ON o.id = p.organisation_id "
        "WHERE o.own_authority AND p.subject = $1 AND p.role = ANY($2) AND p.suspended_at IS NULL",
        subject,
        list(roles),
    )
    return found


async def allocate(
    connection: Connection, child_id: UUID, *, key_worker: UUID, team_manager: UUID | None, opened_on: date
) -> None:
    """Give the child's open case its key worker, opening a case where there is none."""
    status = await connection.execute(
        "UPDATE child_case SET key_worker_id = $2, team_manager_id = coalesce($3, team_manager_id) "
        "WHERE child_id = $1 AND closed_on IS NULL",
        child_id,
        key_worker,
        team_manager,
    )
    if status == "UPDATE 0":
        await connection.execute(
            "INSERT INTO child_case (id, child_id, opened_on, key_worker_id, team_manager_id) "
            "VALUES ($1, $2, $3, $4, $5)",
            uuid4(),
            child_id,
            opened_on,
            key_worker,
            team_manager,
        )
