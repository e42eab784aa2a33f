"""The queries behind ``identity.for_auth``."""

from datetime import datetime

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


async def forget_spent_assertions(connection: Connection, now: datetime) -> None:
    """Drop the assertions that have expired: they are refused for their age."""
    await connection.execute("DELETE FROM spent_assertion WHERE expires_at < $1::timestamptz - interval '1 hour'", now)
