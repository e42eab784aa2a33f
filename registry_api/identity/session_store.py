"""The queries behind ``identity.sessions``."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from auth.staff.protocols import USE_NOTED, Attempt, KnownSession, SessionRow
from policies.enquirer import CONSOLE, OWN_ROLES, Assurance
from registry_api.directory import store as directory
from registry_api.kernel.db import Connection

_ATTEMPT = (
    "state_digest, browser_digest, nonce, code_verifier, return_to, session_digest, step_up, started_at, expires_at"
)
_SESSION = (
    "digest, professional_id, issuer, subject, sid, assurance, authenticated_at, stepped_up_at, started_at, "
    "last_used_at, expires_at, ended_at"
)


async def begin(connection: Connection, attempt: Attempt) -> None:
    """Keep an attempt."""
    await connection.execute(
        f"INSERT INTO sign_in_attempt ({_ATTEMPT}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        attempt.state_digest,
        attempt.browser_digest,
        attempt.nonce,
        attempt.code_verifier,
        attempt.return_to,
        attempt.session_digest,
        attempt.step_up,
        attempt.started_at,
        attempt.expires_at,
    )


async def take(connection: Connection, state_digest: bytes, browser_digest: bytes, now: datetime) -> Attempt | None:
    """Remove and return an unexpired attempt. Atomic: of concurrent calls one gets it."""
    row = await connection.fetchrow(
        "DELETE FROM sign_in_attempt WHERE state_digest = $1 AND browser_digest = $2 AND expires_at > $3 "
        f"RETURNING {_ATTEMPT}",
        state_digest,
        browser_digest,
        now,
    )
    return Attempt(**dict(row)) if row else None


async def hand_on(connection: Connection, attempt: Attempt, digest: bytes) -> None:
    """Have the other attempts of a browser know the session that it got by ``attempt``."""
    await connection.execute(
        "UPDATE sign_in_attempt SET session_digest = $2 WHERE browser_digest = $1 AND (NOT step_up OR $3) "
        "AND session_digest IS NOT DISTINCT FROM $4",
        attempt.browser_digest,
        digest,
        attempt.step_up,
        attempt.session_digest,
    )


async def staff(connection: Connection, subject: str) -> asyncpg.Record | None:
    """Return ``id`` and ``active`` of the authority's own professional of that name."""
    return await connection.fetchrow(
        "SELECT p.id, p.suspended_at IS NULL AND o.suspended_at IS NULL AS active FROM professional p "
        "JOIN organisation o ON o.id = p.organisation_id "
        "WHERE o.own_authority AND p.subject = $1 AND p.role = ANY($2) AND NOT p.by_phone",
        subject,
        sorted(OWN_ROLES),
    )


async def enrolled_staff(connection: Connection) -> list[tuple[str, str]]:
    """Return name and role of each of the authority's own who may sign in."""
    rows = await connection.fetch(
        "SELECT p.subject, p.role FROM professional p JOIN organisation o ON o.id = p.organisation_id "
        "WHERE o.own_authority AND p.suspended_at IS NULL AND p.role = ANY($1) AND NOT p.by_phone "
        "ORDER BY p.role, p.subject LIMIT 200",
        sorted(OWN_ROLES),
    )
    return [(row["subject"], row["role"]) for row in rows]


async def insert(connection: Connection, row: SessionRow) -> None:
    """Keep a new session."""
    await connection.execute(
        f"INSERT INTO staff_session ({_SESSION}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        row.digest,
        row.professional_id,
        row.issuer,
        row.subject,
        row.sid,
        int(row.assurance),
        row.authenticated_at,
        row.stepped_up_at,
        row.started_at,
        row.last_used_at,
        row.expires_at,
        row.ended_at,
    )


async def end(
    connection: Connection, now: datetime, *, digest: bytes | None, handle: bytes | None, professional_id: UUID | None
) -> list[UUID]:
    """End the open sessions that fit all that is given; return whose they were."""
    rows = await connection.fetch(
        "UPDATE staff_session SET ended_at = $1 WHERE ended_at IS NULL AND expires_at > $1 "
        "AND digest = coalesce($2, digest) AND substring(digest for 16) = coalesce($3, substring(digest for 16)) "
        "AND professional_id = coalesce($4, professional_id) RETURNING professional_id",
        now,
        digest,
        handle,
        professional_id,
    )
    return [row["professional_id"] for row in rows]


async def end_by_provider(
    connection: Connection, now: datetime, issuer: str, subject: str | None, sid: str | None
) -> list[UUID]:
    """End the open sessions of a provider's subject, session or both; return whose they were."""
    rows = await connection.fetch(
        "UPDATE staff_session SET ended_at = $1 WHERE ended_at IS NULL AND expires_at > $1 AND issuer = $2 "
        "AND ($3::text IS NULL OR subject = $3) "
        "AND ($4::text IS NULL OR sid = $4 OR (sid IS NULL AND $3::text IS NOT NULL)) RETURNING professional_id",
        now,
        issuer,
        subject,
        sid,
    )
    return [row["professional_id"] for row in rows]


# The use is noted and the session and its owner's standing are read in one statement; what is read is as it was before.
_STANDING = directory.staff_standing("s.professional_id")
_READ = f"""
SELECT {", ".join(f"s.{column.strip()}" for column in _SESSION.split(","))}, standing.*
FROM staff_session s LEFT JOIN LATERAL ({_STANDING}) AS standing ON true WHERE s.digest = $1
"""
_USE = f"""
WITH noted AS (
    UPDATE staff_session SET last_used_at = $2::timestamptz
    WHERE digest = $1 AND ended_at IS NULL AND expires_at > $2 AND last_used_at >= $3
    AND last_used_at <= $2::timestamptz - $4::interval
) {_READ}
"""


async def session(connection: Connection, digest: bytes) -> KnownSession | None:
    """Return a session with its owner's standing."""
    return _known(await connection.fetch(_READ, digest))


async def use(connection: Connection, digest: bytes, now: datetime, idle_since: datetime) -> KnownSession | None:
    """Return a session with its owner's standing, and note the use unless one has been noted just before."""
    return _known(await connection.fetch(_USE, digest, now, idle_since, USE_NOTED))


async def sessions_of(
    connection: Connection, professional_id: UUID, now: datetime, idle_since: datetime
) -> list[SessionRow]:
    """Return somebody's open sessions, the latest first."""
    rows = await connection.fetch(
        f"SELECT {_SESSION} FROM staff_session WHERE professional_id = $1 AND ended_at IS NULL AND expires_at > $2 "
        "AND last_used_at >= $3 ORDER BY started_at DESC, digest",
        professional_id,
        now,
        idle_since,
    )
    return [_row(row) for row in rows]


def _known(rows: Sequence[asyncpg.Record]) -> KnownSession | None:
    # Nobody's any more, once its owner's role or organisation is not of the authority's own.
    if not rows or (enquirer := directory.enquirer_of(CONSOLE, rows[0]["professional_id"], rows)) is None:
        return None
    return KnownSession(_row(rows[0]), enquirer, rows[0]["staff_subject"])


def _row(row: asyncpg.Record) -> SessionRow:
    values = {name.strip(): row[name.strip()] for name in _SESSION.split(",")}
    return SessionRow(**{**values, "assurance": Assurance(values["assurance"])})
