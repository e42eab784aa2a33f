"""The queries of indexing anew: what stands under an earlier version of the tokens, and which enquiries stand alone."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from registry_api.kernel.db import Connection
from registry_api.matching.token_keys import TOKEN_VERSION

_ONE_WORKER = 0x43505249
"""Advisory lock: several workers would do the same work."""


async def take_turn(connection: Connection) -> bool:
    """Return whether this worker is the one to index anew; the turn ends with the transaction."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _ONE_WORKER))


async def versions(connection: Connection) -> set[int]:
    """Return the earlier versions under which a child or an enquiry still stands."""
    rows = await connection.fetch(
        f"SELECT token_version AS version FROM child WHERE token_version < {TOKEN_VERSION} "
        f"UNION SELECT version FROM enquiry_indexed WHERE version < {TOKEN_VERSION} "
        f"UNION SELECT token_version FROM risk_person WHERE token_version < {TOKEN_VERSION}"
    )
    return {row["version"] for row in rows}


async def to_index(connection: Connection, limit: int) -> list[Any]:
    """Return some enquiries that stand under an earlier version or were written alone, sealed, and how they stand.

    The earlier versions first. Nobody erases them before the transaction ends.
    """
    return await connection.fetch(
        "SELECT e.id, e.data_key, e.sealed_record, i.number, i.version FROM enquiry_indexed i "
        f"JOIN enquiry e ON e.id = i.enquiry_id WHERE i.alone OR i.version < {TOKEN_VERSION} "
        "ORDER BY i.version LIMIT $1 FOR UPDATE OF i SKIP LOCKED",
        limit,
    )


async def indexed(connection: Connection, numbers: Mapping[UUID, int]) -> None:
    """Note that these enquiries stand under the version of today by these numbers, and among each other."""
    await connection.execute(
        f"UPDATE enquiry_indexed i SET number = new.number, version = {TOKEN_VERSION}, alone = false "
        "FROM unnest($1::uuid[], $2::bigint[]) AS new (id, number) WHERE i.enquiry_id = new.id",
        [*numbers],
        [*numbers.values()],
    )
