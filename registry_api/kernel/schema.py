"""Whether a database stands at the schema of this release."""

from typing import Final

from registry_api.kernel.db import Database

EXPECTED: Final = "0009"
"""The newest revision of ``alembic/versions``. Written here so that a worker needs no Alembic, which is 11 MB."""


async def is_current(database: Database) -> bool:
    """Return whether the database stands at ``EXPECTED``. Raises StoreUnavailable."""
    async with database.connection() as connection:
        exists = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        return bool(exists) and await connection.fetchval("SELECT version_num FROM alembic_version") == EXPECTED
