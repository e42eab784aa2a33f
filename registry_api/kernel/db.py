"""The database: one pool for each process, reached by ORM session or by the driver's own connection.

SQLModel and Alembic own the schema and everything cool. The hot path takes ``connection()``: the asyncpg connection
inside SQLAlchemy's pool, on which a statement is prepared once and then costs one round trip.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
from sqlalchemy import PoolProxiedConnection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import greenlet_spawn
from sqlmodel.ext.asyncio.session import AsyncSession

from registry_api.kernel.errors import StoreUnavailable

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What a dying server or network looks like from asyncpg: whether a write happened is then unknown."""
_REFUSED = (
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.PostgresSystemError,
    OperationalError,
    InterfaceError,
    PoolExhausted,
)


class Database:
    """The pool of one process, opened lazily and closed with ``close``."""

    def __init__(self, url: str, *, pool_size: int = 16, timeout_seconds: float = 5.0) -> None:
        """Connect to ``url`` (``postgresql+asyncpg://…``) with at most ``pool_size`` connections.

        ``timeout_seconds`` bounds the wait for a connection and each statement: an enquirer is told to telephone
        rather than left waiting.
        """
        self.engine: AsyncEngine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=timeout_seconds,
            connect_args={
                "command_timeout": timeout_seconds,
                "timeout": timeout_seconds,
                # Compiling a plan costs more than any statement of ours, and so does planning anew for each set of
                # values, which PostgreSQL would otherwise do five times on each connection.
                "server_settings": {
                    # What is committed is disclosed (ENQ-2), so it must outlive a crash whatever the server's default.
                    "synchronous_commit": "on",
                    "jit": "off",
                    "plan_cache_mode": "force_generic_plan",
                    "application_name": "registry-api",
                },
            },
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend the driver's own connection, in autocommit: each statement is a transaction.

        Raises StoreUnavailable when the database cannot be reached or the connection is lost on the way; then it is
        unknown whether the last statement took effect, and the pool drops the connection.
        """
        try:
            # The pool's connection itself: SQLAlchemy's own Connection around it costs as much as a round trip.
            pooled, driver = await self._checked_out()
            while driver.is_closed():  # the server went away while it lay in the pool
                await greenlet_spawn(pooled.invalidate)
                pooled, driver = await self._checked_out()
            give_back = pooled.close
            try:
                yield driver
            except (*_LOST, asyncio.CancelledError):
                # A statement may still be running on it: never hand it to the next request.
                give_back = pooled.invalidate
                raise
            finally:
                await greenlet_spawn(give_back)
        except (*_LOST, *_REFUSED) as error:
            raise StoreUnavailable from error

    async def listen(
        self, channel: str, heard: Callable[[str], None], *, begun: Callable[[Connection], Awaitable[None]]
    ) -> None:
        """Keep a connection that hears every NOTIFY on ``channel``, until it is lost or this task is cancelled.

        ``heard`` is given what each says; ``begun`` is called with the connection once nothing is missed any more.
        Raises StoreUnavailable when the connection is lost.
        """
        lost = asyncio.Event()

        def hear(_: object, __: int, ___: str, payload: object) -> None:
            heard(str(payload))

        def lose(_: object) -> None:
            lost.set()

        async with self.connection() as connection:
            connection.add_termination_listener(lose)
            await connection.add_listener(channel, hear)
            await begun(connection)
            await lost.wait()
            raise ConnectionResetError

    async def _checked_out(self) -> tuple[PoolProxiedConnection, Connection]:
        pooled = await self.engine.raw_connection()
        driver = pooled.driver_connection
        assert isinstance(driver, asyncpg.Connection)
        return pooled, driver

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside a transaction, committed at the end or rolled back on any exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Lend an ORM session in a transaction, for what is not hot; committed at the end."""
        try:
            async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (*_LOST, *_REFUSED) as error:
            raise StoreUnavailable from error
        except DBAPIError as error:  # what SQLAlchemy has no class of its own for: the driver's is behind it
            if isinstance(error.orig and error.orig.__cause__, (*_LOST, *_REFUSED)):
                raise StoreUnavailable from error
            raise

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
