"""Runs the migrations over the driver that the service itself uses, in one transaction.

A database that comes to the newest revision is given the privileges of this release in the same transaction.
"""

import asyncio

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from alembic import context
from registry_api import privileges
from registry_api.tables import METADATA

_ONE_AT_A_TIME = 0x43505250
"""Advisory lock: two processes of one installation may start at once."""


def _run(connection: Connection) -> None:
    # SQLModel's AutoString is a plain text column; comparing types would report each of them.
    context.configure(connection=connection, target_metadata=METADATA, compare_type=False)
    with context.begin_transaction():
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
        context.run_migrations()
        if context.get_context().get_current_revision() == context.get_head_revision():
            _grant(connection)


def _grant(connection: Connection) -> None:
    *made, mark = privileges.statements()
    if not connection.exec_driver_sql(privileges.IS_CURRENT, (mark,)).scalar():
        for statement in (*made, mark):
            connection.exec_driver_sql(statement)


async def _migrate(url: str) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)
        await connection.commit()
    await engine.dispose()


asyncio.run(_migrate(context.config.get_main_option("sqlalchemy.url", "")))
