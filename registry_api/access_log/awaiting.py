"""Waiting for an entry to lie under a signed head, in company: whoever waits meanwhile goes with the next group.

One driver for each process runs the sequencer for all who wait there; groups are as large as the moment makes them. A
process without the keys waits for the one that has them.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog

from registry_api.access_log import tree_store
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sequencer import LogRefused, Sequencer
from registry_api.access_log.tree_store import Placed
from registry_api.kernel.clock import Clock
from registry_api.kernel.crypto import KeyProvider
from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings

_IDLE_SECONDS: Final = 0.25
"""How long an entry that nobody waits for lies in the queue at most."""
_LOOK_AGAIN_SECONDS: Final = 0.005
_AFTER_FAILURE_SECONDS: Final = 0.2
_log = structlog.get_logger()


class Awaiting:
    """Those of this process who wait, and what drives the tree on for them."""

    def __init__(self, database: Database, sequencer: Sequencer | None, *, deadline_seconds: float) -> None:
        """``sequencer``: None where another process has the keys. ``deadline_seconds``: how long anybody waits."""
        self._database, self._sequencer, self._deadline = database, sequencer, deadline_seconds
        self._waiting: dict[int, asyncio.Future[Placed]] = {}
        self._wake = asyncio.Event()
        self._begun = False

    @classmethod
    def build(cls, settings: Settings, urls: DatabaseUrls, local: KeyProvider, clock: Clock) -> "Awaiting":
        """Return those who wait in one worker, as the settings say; ``close`` it. Raises KeysUnusable.

        It has a connection of its own: requests wait for the log, which must not wait for them.
        """
        inside = settings.log_sequencer == "inside"
        database, sequencer = Database(urls.sequencer if inside else urls.api, pool_size=1), None
        if inside:
            log_keys = LogKeys.load_or_create(settings.log_keys_file, settings.log_origin)
            sequencer = Sequencer(database=database, local=local, keys=log_keys, clock=clock)
        return cls(database, sequencer, deadline_seconds=settings.log_deadline_seconds)

    async def close(self) -> None:
        """Close the connection; nobody may be waiting any more."""
        await self._database.close()

    async def covered(self, entry: int) -> Placed:
        """Return when the entry, which must be committed, lies under a signed head, with what it is there.

        Raises StoreUnavailable when it does not in time.
        """
        future = self._waiting.setdefault(entry, asyncio.get_running_loop().create_future())
        self._wake.set()
        try:
            async with asyncio.timeout(self._deadline):
                return await asyncio.shield(future)
        except TimeoutError:
            raise StoreUnavailable from None
        finally:
            self._waiting.pop(entry, None)

    async def drive(self, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        """Run for ever: a round whenever somebody waits, and after ``idle_seconds`` for what nobody waits for here."""
        while True:
            try:
                async with asyncio.timeout(idle_seconds):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._round()
            except LogRefused as refused:
                # Whoever waits is turned away at their deadline. It does not mend itself, and is said each time.
                _log.error("log_refused", kind=refused.reason)
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)
            except Exception as error:  # a database that is away comes back, and the rounds must go on
                _log.error("log_not_signed", error=type(error).__name__)
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)

    async def _round(self) -> None:
        waiting = set(self._waiting)
        # The first round signs whatever there is, an empty log as well: there is always a head to be read.
        if self._sequencer is not None and (waiting or not self._begun or await self._anything_waits()):
            done = await self._sequencer.round()
            self._begun = True
            if done.more:
                self._wake.set()
            self._release(done.entries)
            waiting -= done.entries.keys()
        if not waiting:
            return
        # Another process may have put them in, and is the only one to do so where this one has no keys.
        async with self._database.connection() as connection:
            covered = await tree_store.covered(connection, list(waiting))
        self._release(covered)
        if len(covered) < len(waiting):
            self._wake.set()
            if self._sequencer is None:
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)

    async def _anything_waits(self) -> bool:
        async with self._database.connection() as connection:
            return await tree_store.is_waiting(connection)

    def _release(self, entries: Mapping[int, Placed]) -> None:
        for entry, placed in entries.items():
            if (future := self._waiting.get(entry)) and not future.done():
                future.set_result(placed)
