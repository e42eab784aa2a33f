"""The queries of oversight: what is to be looked over, what it is compared with, and the alerts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from registry_api.enquiries.store import MOST_OF_ONE_TOKEN
from registry_api.kernel.db import Connection
from registry_api.kernel.statement import Statement
from registry_api.matching.tokens import LEAST_WEIGHT, QueryTokens
from registry_api.oversight.rules import Usual
from registry_api.register.postings_store import sharing

Whose: TypeAlias = Literal["professional_id", "organisation_id"]

_MOST_COUNTED = 20_000
_MOST_OPENED = 2_000
_MOST_ABOUT_ONE = 300
"""Rows read at most by one query: far beyond any real use, so that nothing can make a round endless."""

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0)


@dataclass(frozen=True, slots=True)
class Place:
    """Between which two enquiries the looking stands: everything up to this one has been looked over."""

    at: datetime
    id: UUID


async def take_turn(connection: Connection) -> Place | None:
    """Return up to where everything has been looked over, or None while another worker is at it.

    The turn ends with the transaction.
    """
    await connection.execute(
        "INSERT INTO looked_over (the_one, last_at, last_id) VALUES (true, $1, $2) ON CONFLICT DO NOTHING", *_BEFORE_ALL
    )
    row = await connection.fetchrow("SELECT last_at, last_id FROM looked_over FOR UPDATE SKIP LOCKED")
    return Place(row["last_at"], row["last_id"]) if row else None


async def come_to(connection: Connection, place: Place) -> None:
    """Note that everything up to ``place`` has been looked over."""
    await connection.execute("UPDATE looked_over SET last_at = $1, last_id = $2", place.at, place.id)


# A call is an enquiry of whoever took it: nothing shows that there was a caller.
_ASKED = """(
SELECT e.id, e.received_at, e.refusal, e.data_key, e.sealed_record,
       coalesce(e.taken_by, e.professional_id) AS professional_id,
       coalesce(taker.organisation_id, e.organisation_id) AS organisation_id
FROM enquiry e LEFT JOIN professional taker ON taker.id = e.taken_by
)"""
_SEEN = f"""
SELECT e.id, e.received_at, e.professional_id, e.organisation_id, e.refusal, e.data_key, e.sealed_record, a.child_id
FROM {_ASKED} e LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id
"""


async def next_enquiries(connection: Connection, after: Place, until: datetime, limit: int) -> list[Any]:
    """Return the oldest enquiries that have not been looked over, refused ones too, with who asked as they are now."""
    return await connection.fetch(
        "SELECT seen.*, o.own_authority, p.role FROM (" + _SEEN + "WHERE e.received_at >= $1 "
        "AND (e.received_at, e.id) > ($1, $2) AND e.received_at <= $3 ORDER BY e.received_at, e.id LIMIT $4) seen "
        "JOIN organisation o ON o.id = seen.organisation_id JOIN professional p ON p.id = seen.professional_id "
        "ORDER BY seen.received_at, seen.id",
        after.at,
        after.id,
        until,
        limit,
    )


async def asked_by(
    connection: Connection, professionals: Collection[UUID], since: datetime, until: datetime
) -> list[Any]:
    """Return what these professionals asked after ``since`` and until ``until``, sealed, the newest first."""
    return await connection.fetch(
        _SEEN + "WHERE e.professional_id = ANY($1) AND e.received_at > $2 AND e.received_at <= $3 "
        "ORDER BY e.received_at DESC LIMIT $4",
        list(professionals),
        since,
        until,
        _MOST_OPENED,
    )


async def times_of(
    connection: Connection, whose: Whose, who: UUID, since: datetime, until: datetime
) -> list[tuple[datetime, UUID]]:
    """Return when a professional or an organisation asked after ``since`` and until ``until``."""
    rows = await connection.fetch(
        f"SELECT received_at, id FROM {_ASKED} e WHERE {whose} = $1 AND received_at > $2 AND received_at <= $3 "
        "ORDER BY received_at DESC LIMIT $4",
        who,
        since,
        until,
        _MOST_COUNTED,
    )
    return [(row["received_at"], row["id"]) for row in rows]


async def usual(connection: Connection, whose: Whose, who: UUID, since: datetime, until: datetime) -> Usual:
    """Return what a professional or an organisation asked from ``since`` on and before ``until``."""
    row = await connection.fetchrow(
        "SELECT count(*) AS enquiries, count(DISTINCT date_trunc('hour', at)) AS hours, "
        "count(DISTINCT date_trunc('day', at)) AS days FROM ("
        f"SELECT received_at AT TIME ZONE 'UTC' AS at FROM {_ASKED} e WHERE {whose} = $1 "
        "AND received_at >= $2 AND received_at < $3 ORDER BY received_at DESC LIMIT $4) asked",
        who,
        since,
        until,
        _MOST_COUNTED,
    )
    assert row is not None
    return Usual(row["enquiries"], row["hours"], row["days"])


# Found as an enquiry finds the earlier ones about its child, but for what it was answered; and by the child itself.
_ABOUT_ONE = Statement(
    f"""
SELECT e.id, e.received_at, e.professional_id, e.organisation_id, e.data_key, e.sealed_record, a.child_id
FROM (
    SELECT i.enquiry_id
    FROM ({sharing("enquiry_token", MOST_OF_ONE_TOKEN)}) hit JOIN enquiry_indexed i ON i.number = hit.number
    WHERE i.enquiry_id <> :enquiry_id
    UNION
    SELECT enquiry_id FROM enquiry_answer WHERE child_id = :child_id::uuid AND enquiry_id <> :enquiry_id
) found
JOIN {_ASKED} e ON e.id = found.enquiry_id
LEFT JOIN enquiry_answer a ON a.enquiry_id = e.id
WHERE e.organisation_id = :organisation_id AND e.refusal IS NULL
  AND e.received_at > :since AND e.received_at <= :until
ORDER BY e.received_at DESC LIMIT {_MOST_ABOUT_ONE}
"""
)


async def perhaps_about_one(
    connection: Connection, enquiry: Mapping[str, Any], tokens: QueryTokens, since: datetime
) -> list[Any]:
    """Return earlier enquiries of the same organisation that may be about the same child, sealed."""
    values = {
        "tokens": tokens.tokens,
        "weights": tokens.weights,
        "pads": tokens.pads,
        "least_weight": LEAST_WEIGHT,
        "enquiry_id": enquiry["id"],
        "child_id": enquiry["child_id"],
        "organisation_id": enquiry["organisation_id"],
        "since": since,
        "until": enquiry["received_at"],
    }
    return await _ABOUT_ONE.fetch(connection, values)


async def alerts_about(
    connection: Connection, professionals: Collection[UUID], organisations: Collection[UUID], since: datetime
) -> list[dict[str, Any]]:
    """Return the alerts about these that are open or were decided after ``since``, locked until the transaction ends.

    An alert that was decided before holds no enquiry from after ``since``.
    """
    rows = await connection.fetch(
        "SELECT id, kind, professional_id, organisation_id, enquiry_ids, decided_at FROM alert "
        "WHERE (professional_id = ANY($1) OR (professional_id IS NULL AND organisation_id = ANY($2))) "
        "AND (decided_at IS NULL OR decided_at >= $3) ORDER BY id FOR UPDATE",
        list(professionals),
        list(organisations),
        since,
    )
    return [dict(row) for row in rows]


async def raise_alert(connection: Connection, values: Sequence[Any]) -> bool:
    """Add an alert; return whether it is new. ``values``: id, occurrence, when, kind, whose, enquiries, owner."""
    row = await connection.fetchrow(
        "INSERT INTO alert (id, occurrence, raised_at, kind, professional_id, organisation_id, enquiry_ids, "
        "owner_role, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1) ON CONFLICT DO NOTHING RETURNING id",
        *values,
    )
    return row is not None


async def add_to_alert(connection: Connection, alert: UUID, enquiries: Collection[UUID]) -> None:
    """Have an open alert be about these enquiries, and so be of a new version: nobody decides on fewer."""
    await connection.execute(
        "UPDATE alert SET enquiry_ids = $2, version = version + 1 WHERE id = $1", alert, list(enquiries)
    )


_ALERT = """
SELECT a.*, o.name AS organisation, behind.how_many, behind.since, behind.until
FROM alert a JOIN organisation o ON o.id = a.organisation_id
CROSS JOIN LATERAL (
    SELECT count(*) AS how_many, min(e.received_at) AS since, max(e.received_at) AS until
    FROM enquiry e WHERE e.id = ANY(a.enquiry_ids)
) behind
"""


async def alerts(
    connection: Connection,
    owner: str | None,
    reader: UUID,
    *,
    open_only: bool,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[dict[str, Any]]:
    """Return the newest alerts of one owner, or of all, without those about the reader."""
    rows = await connection.fetch(
        _ALERT + "WHERE ($1::text IS NULL OR a.owner_role = $1) AND a.professional_id IS DISTINCT FROM $2 "
        "AND (NOT $3 OR a.decided_at IS NULL) "
        "AND ($4::timestamptz IS NULL OR (a.raised_at, a.id) < ($4, $5::uuid)) "
        "ORDER BY a.raised_at DESC, a.id DESC LIMIT $6",
        owner,
        reader,
        open_only,
        before[0] if before else None,
        before[1] if before else None,
        limit,
    )
    return [dict(row) for row in rows]


async def lock_alert(connection: Connection, alert: UUID) -> None:
    """Keep an alert as it is until the transaction ends."""
    await connection.execute("SELECT FROM alert WHERE id = $1 FOR UPDATE", alert)


async def alert(connection: Connection, alert: UUID) -> dict[str, Any] | None:
    """Return one alert."""
    row = await connection.fetchrow(_ALERT + "WHERE a.id = $1", alert)
    return dict(row) if row else None


async def enquiries_behind(connection: Connection, alerts: Sequence[UUID], most: int) -> list[Any]:
    """Return the newest enquiries behind each of these alerts: which, when and by whom, nothing of what was asked."""
    return await connection.fetch(
        "SELECT a.id AS alert_id, e.reference, e.received_at, e.professional_id FROM alert a CROSS JOIN LATERAL ("
        "SELECT reference, received_at, professional_id FROM enquiry WHERE id = ANY(a.enquiry_ids) "
        "ORDER BY received_at DESC, id LIMIT $2) e WHERE a.id = ANY($1) ORDER BY e.received_at, e.reference",
        list(alerts),
        most,
    )


async def decide(
    connection: Connection,
    alert: UUID,
    *,
    decision: str,
    by: UUID,
    at: datetime,
    data_key: bytes,
    sealed_reason: bytes,
) -> None:
    """Record the decision on an alert."""
    await connection.execute(
        "UPDATE alert SET decision = $2, decided_by = $3, decided_at = $4, data_key = $5, sealed_reason = $6, "
        "version = version + 1 WHERE id = $1",
        alert,
        decision,
        by,
        at,
        data_key,
        sealed_reason,
    )
