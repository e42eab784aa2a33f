"""The queries behind ``identity.for_auth``."""

from datetime import datetime
from uuid import UUID

import asyncpg

from auth.protocols import Presented, Spending, UsedProof
from registry_api.directory import store as directory
from registry_api.kernel.db import Connection


async def spend_assertion(connection: Connection, issuer: str, jti: str, expires_at: datetime) -> bool:
    """Record that an assertion was used; return whether this was the first time. Atomic over all workers."""
    status = await connection.execute(
        "INSERT INTO spent_assertion (issuer, jti, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        issuer,
        jti,
        expires_at,
    )
    return status == "INSERT 0 1"


# One statement, as every request makes it: the proof is used up, and its outcome, the token's and the two standings are
# read. Where nothing is remembered from before the proof's nonce, nothing is spent.
_SPEND = """
WITH memory AS (
    SELECT FROM proof_memory WHERE since <= $2::timestamptz
), spent AS (
    INSERT INTO spent_proof (digest, expires_at) SELECT $1::bytea, $3::timestamptz FROM memory
    ON CONFLICT DO NOTHING RETURNING true
)
SELECT EXISTS (SELECT FROM memory) AS remembered, EXISTS (SELECT FROM spent) AS first
"""
_PRESENT = f"""
{_SPEND.strip()}, EXISTS (SELECT FROM revoked_token WHERE jti = $4) AS revoked, standing.*
FROM (SELECT) AS always LEFT JOIN ({directory.standing("$5", "$6")}) AS standing ON true
"""


async def spend_proof(connection: Connection, proof: UsedProof) -> Spending:
    """Use up a proof. Atomic over all workers."""
    row = await connection.fetchrow(_SPEND, proof.digest, proof.nonce_at, proof.remember_until)
    assert row is not None
    return _spending(row)


async def present(
    connection: Connection, client_id: str, professional_id: UUID, token_id: str, proof: UsedProof | None
) -> Presented:
    """Use up a proof, if there is one, and return what is known of it, of the token and of both that it names."""
    use = (proof.digest, proof.nonce_at, proof.remember_until) if proof else (None, None, None)
    rows = await connection.fetch(_PRESENT, *use, token_id, client_id, professional_id)
    return Presented(
        enquirer=directory.enquirer_of(client_id, professional_id, rows),
        revoked=rows[0]["revoked"],
        proof=_spending(rows[0]) if proof else None,
    )


def _spending(row: asyncpg.Record) -> Spending:
    if not row["remembered"]:
        return Spending.UNKNOWN
    return Spending.FIRST if row["first"] else Spending.AGAIN


async def proofs_since(connection: Connection, latest: datetime) -> datetime:
    """Return from when on used proofs are remembered: from ``latest``, where nothing is remembered at all.

    What was noted by a clock that ran ahead is put right: all that was used since it was noted is remembered.
    """
    since: datetime = await connection.fetchval(
        "INSERT INTO proof_memory (the_one, since) VALUES (true, $1) "
        "ON CONFLICT (the_one) DO UPDATE SET since = least(proof_memory.since, $1) RETURNING since",
        latest,
    )
    return since


async def revoke(connection: Connection, token_id: str, expires_at: datetime) -> bool:
    """Keep a token as revoked; return whether it was not before."""
    status = await connection.execute(
        "INSERT INTO revoked_token (jti, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", token_id, expires_at
    )
    return status == "INSERT 0 1"


_FORGET = (
    "DELETE FROM spent_assertion WHERE expires_at < $1::timestamptz - interval '1 hour'",
    "DELETE FROM spent_proof WHERE expires_at < $1",
    "DELETE FROM revoked_token WHERE expires_at < $1::timestamptz - interval '1 hour'",
    "DELETE FROM sign_in_attempt WHERE expires_at < $1",
    "DELETE FROM staff_session WHERE expires_at < $1",
)


async def forget_expired(connection: Connection, now: datetime) -> None:
    """Drop what has expired, of every kind: it is refused for its age, or for not being known."""
    for forget in _FORGET:
        await connection.execute(forget, now)
