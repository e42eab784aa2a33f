"""Whether this process can answer enquiries, asked of the database once a second at the most.

Anybody may ask, as often as they like: a flood of questions must not take the connections that enquiries need.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from registry_api.kernel import installation, schema
from registry_api.kernel.crypto import KeyProvider
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import StoreUnavailable

FRESH_SECONDS = 1.0
"""For how long an answer of the database stands for those who ask meanwhile."""


class Readiness:
    """Call it to learn whether the database is reached, at this release's schema, and filled under our keys, and
    whether the log answers: while it is not signed, nobody is told anything."""

    def __init__(
        self,
        database: Database,
        keys: KeyProvider,
        *,
        log_answers: Callable[[Connection], Awaitable[bool]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask ``database``, and ``log_answers`` over it; ``monotonic`` is a clock in seconds."""
        self._database, self._keys, self._log_answers, self._monotonic = database, keys, log_answers, monotonic
        self._asking = asyncio.Lock()
        self._ready, self._fresh_until = False, float("-inf")

    async def __call__(self) -> bool:
        """Return whether it is ready, as of a second ago at the most. Those who ask at once share one answer."""
        async with self._asking:
            if self._monotonic() >= self._fresh_until:
                self._ready = await self._ask()
                self._fresh_until = self._monotonic() + FRESH_SECONDS
        return self._ready

    async def _ask(self) -> bool:
        try:
            if not await schema.is_current(self._database):
                return False
            async with self._database.connection() as connection:
                return await installation.fits(connection, self._keys) and await self._log_answers(connection)
        except StoreUnavailable:
            return False
