"""The queries of indexing anew: which enquiries stand under an earlier version of the tokens, and their new ones."""

from collections.abc import Mapping, Sequence
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
        f"UNION SELECT version FROM enquiry_token WHERE version < {TOKEN_VERSION} "
        f"UNION SELECT token_version FROM risk_person WHERE token_version < {TOKEN_VERSION}"
    )
    return {row["version"] for row in rows}


async def outdated(connection: Connection, limit: int) -> list[Any]:
    """Return some enquiries that stand under an earlier version, sealed."""
    return await connection.fetch(
        "SELECT e.id, e.data_key, e.sealed_record FROM "
        f"(SELECT DISTINCT enquiry_id FROM enquiry_token WHERE version < {TOKEN_VERSION} LIMIT $1) old "
        "JOIN enquiry e ON e.id = old.enquiry_id",
        limit,
    )


async def index(connection: Connection, tokens: Mapping[UUID, Sequence[int]]) -> None:
    """Put these tokens in the place of the earlier ones of these enquiries."""
    pairs = [(token, enquiry) for enquiry, own in tokens.items() for token in own]
    await connection.execute(
        f"DELETE FROM enquiry_token WHERE enquiry_id = ANY($1) AND version < {TOKEN_VERSION}", list(tokens)
    )
    await connection.execute(
        "INSERT INTO enquiry_token (token, enquiry_id, version) "
        f"SELECT *, {TOKEN_VERSION} FROM unnest($1::bigint[], $2::uuid[]) ON CONFLICT DO NOTHING",
        [token for token, _ in pairs],
        [enquiry for _, enquiry in pairs],
    )
