"""Runs the migrations over the driver that the service itself uses, in one transaction."""

import asyncio

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from alembic import context
from registry_api.tables import METADATA


def _run(connection: Connection) -> None:
    # SQLModel's AutoString is a plain text column; comparing types would report each of them.
    context.configure(connection=connection, target_metadata=METADATA, compare_type=False)
    with context.begin_transaction():
        context.run_migrations()


async def _migrate(url: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_migrate(context.config.get_main_option("sqlalchemy.url", "")))
