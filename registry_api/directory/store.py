"""The queries of the directory. The live look-up of an asker is made at every request."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from policies.enquirer import OWN_ROLES, STAFF_ROLES, Agreement, Disclosure, Enquirer, Purpose, Role
from registry_api.kernel.db import Connection

_STANDING = """o.id AS organisation_id,
           o.suspended_at IS NOT NULL AS organisation_suspended, o.own_authority, o.name AS organisation,
           p.suspended_at IS NOT NULL AS professional_suspended, p.role,
           a.id AS agreement_id, a.purposes, a.valid_from, a.valid_to,
           a.suspended_at IS NOT NULL AS agreement_suspended, a.disclosure"""


def standing(client: str, professional: str) -> str:
    """Return a subselect of both standings as they are now, a row for each agreement; none when the client does not
    name one of its organisation's own. ``client`` and ``professional`` are the SQL expressions of their ids."""
    return f"""
    SELECT c.suspended_at IS NOT NULL AS client_suspended, c.scopes, {_STANDING}
    FROM client c
    JOIN organisation o ON o.id = c.organisation_id
    JOIN professional p ON p.id = {professional} AND p.organisation_id = o.id AND NOT p.by_phone
    LEFT JOIN agreement a ON a.organisation_id = o.id
    WHERE c.id = {client}"""


def staff_standing(professional: str) -> str:
    """Return a subselect of the standing of one of the authority's own who has signed in, with their ``staff_subject``,
    a row for each agreement; none for anybody else. ``professional`` is the SQL expression of their id."""
    return f"""
    SELECT false AS client_suspended, '{{}}'::text[] AS scopes, {_STANDING}, p.subject AS staff_subject
    FROM professional p
    JOIN organisation o ON o.id = p.organisation_id AND o.own_authority
    LEFT JOIN agreement a ON a.organisation_id = o.id
    WHERE p.id = {professional} AND NOT p.by_phone"""


_STANDING_ALONE = f"""
SELECT false AS client_suspended, '{{}}'::text[] AS scopes, {_STANDING}
FROM professional p
JOIN organisation o ON o.id = p.organisation_id
LEFT JOIN agreement a ON a.organisation_id = o.id
WHERE p.id = $1
"""


async def standing_of(connection: Connection, professional_id: UUID, client_id: str) -> Enquirer | None:
    """Return somebody as they stand now without a system of their organisation's: who telephones.

    ``client_id`` is what they are recorded with. They have no scope yet.
    """
    return enquirer_of(client_id, professional_id, await connection.fetch(_STANDING_ALONE, professional_id))


def enquirer_of(client_id: str, professional_id: UUID, rows: Sequence[asyncpg.Record]) -> Enquirer | None:
    """Return the asker as rows of ``standing`` tell them, with the scopes of their system, or none without one.

    None when the rows tell of nobody.
    """
    if not rows or rows[0]["organisation_id"] is None:
        return None
    first = rows[0]
    return Enquirer(
        client_id=client_id,
        client_suspended=first["client_suspended"],
        organisation_id=first["organisation_id"],
        organisation_suspended=first["organisation_suspended"],
        own_authority=first["own_authority"],
        professional_id=professional_id,
        professional_suspended=first["professional_suspended"],
        scope=frozenset(first["scopes"]),
        role=Role(first["role"]),
        organisation=first["organisation"],
        agreements=tuple(
            Agreement(
                row["agreement_id"],
                frozenset(map(Purpose, row["purposes"])),
                row["valid_from"],
                row["valid_to"],
                row["agreement_suspended"],
                Disclosure(row["disclosure"]),
            )
            for row in rows
            if row["agreement_id"] is not None
        ),
    )


def presence(person: str) -> str:
    """Return a lateral subselect of ``away``, ``cover`` and ``cover_away`` of one member of staff at ``:now`` (ENQ-11).

    ``person`` is the SQL expression of their id. Who has left counts as away.
    """
    return f"""(
    SELECT p.suspended_at IS NOT NULL OR absence.professional_id IS NOT NULL AS away, absence.covered_by AS cover,
           stand_in.suspended_at IS NOT NULL OR EXISTS (
               SELECT FROM cover b
               WHERE b.professional_id = absence.covered_by AND b.starts_at <= :now AND :now < b.ends_at
           ) AS cover_away
    FROM professional p
    LEFT JOIN LATERAL (
        SELECT a.professional_id, a.covered_by FROM cover a
        WHERE a.professional_id = p.id AND a.starts_at <= :now AND :now < a.ends_at
        ORDER BY a.covered_by IS NULL, a.starts_at DESC, a.id LIMIT 1
    ) absence ON true
    LEFT JOIN professional stand_in ON stand_in.id = absence.covered_by
    WHERE p.id = {person}
)"""


_CLIENT = (
    "SELECT c.id, c.organisation_id, c.jwks, c.scopes, c.suspended_at IS NULL AS active, o.code AS organisation_code "
    "FROM client c JOIN organisation o ON o.id = c.organisation_id WHERE c.id = $1"
)


async def client(connection: Connection, client_id: str) -> dict[str, Any] | None:
    """Return a client with its public keys and its organisation's code, suspended or not."""
    row = await connection.fetchrow(_CLIENT, client_id)
    return dict(row) if row else None


async def professional(connection: Connection, organisation_id: UUID, subject: str) -> dict[str, Any] | None:
    """Return the professional whom an organisation has enrolled as ``subject``, suspended or not."""
    row = await connection.fetchrow(
        "SELECT id, role, suspended_at IS NULL AS active FROM professional "
        "WHERE organisation_id = $1 AND subject = $2 AND NOT by_phone",
        organisation_id,
        subject,
    )
    return dict(row) if row else None


async def organisation(connection: Connection, code: str) -> dict[str, Any] | None:
    """Return an organisation by its code."""
    row = await connection.fetchrow("SELECT * FROM organisation WHERE code = $1", code)
    return dict(row) if row else None


async def own_authority(connection: Connection) -> dict[str, Any] | None:
    """Return the authority whose register this is."""
    row = await connection.fetchrow("SELECT * FROM organisation WHERE own_authority ORDER BY code LIMIT 1")
    return dict(row) if row else None


async def not_enrolled(connection: Connection, codes: Collection[str]) -> list[str]:
    """Return those of the codes by which no organisation is known."""
    rows = await connection.fetch(
        "SELECT code FROM unnest($1::text[]) AS code EXCEPT SELECT code FROM organisation ORDER BY code", list(codes)
    )
    return [row["code"] for row in rows]


async def own_staff(connection: Connection) -> dict[str, UUID]:
    """Return the ids of the authority's own staff who have not been suspended, by the authority's identifiers."""
    rows = await connection.fetch(
        "SELECT p.subject, p.id FROM professional p JOIN organisation o ON o.id = p.organisation_id "
        "WHERE o.own_authority AND p.suspended_at IS NULL AND NOT p.by_phone AND p.role = ANY($1)",
        list(STAFF_ROLES),
    )
    return {row["subject"]: row["id"] for row in rows}


async def own_member(connection: Connection, subject: str) -> tuple[UUID, UUID] | None:
    """Return the ids of one of the authority's own staff, who has not been suspended, and of the authority."""
    row = await connection.fetchrow(
        "SELECT p.id, p.organisation_id FROM professional p JOIN organisation o ON o.id = p.organisation_id "
        "WHERE o.own_authority AND p.subject = $1 AND p.suspended_at IS NULL AND NOT p.by_phone AND p.role = ANY($2)",
        subject,
        list(OWN_ROLES),
    )
    return (row["id"], row["organisation_id"]) if row else None


async def other_authorities(connection: Connection) -> dict[str, UUID]:
    """Return the ids of the other authorities by their codes."""
    rows = await connection.fetch("SELECT code, id FROM organisation WHERE kind = 'authority' AND NOT own_authority")
    return {row["code"]: row["id"] for row in rows}


async def police_contacts(connection: Connection) -> list[tuple[str, str]]:
    """Return the name and the round-the-clock number of each police organisation (ENQ-12)."""
    rows = await connection.fetch(
        "SELECT name, coalesce(nullif(out_of_hours_phone, ''), office_phone) AS phone FROM organisation "
        "WHERE kind = 'police' AND suspended_at IS NULL ORDER BY name"
    )
    return [(row["name"], row["phone"]) for row in rows]


async def people(connection: Connection, ids: list[UUID]) -> list[dict[str, Any]]:
    """Return the sealed rows of these professionals with their organisation's name."""
    rows = await connection.fetch(
        "SELECT p.id, p.role, p.data_key, p.sealed, o.name AS organisation FROM professional p "
        "JOIN organisation o ON o.id = p.organisation_id WHERE p.id = ANY($1)",
        ids,
    )
    return [dict(row) for row in rows]
