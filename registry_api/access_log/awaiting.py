"""Waiting for an entry to lie under a signed head, in company: whoever waits meanwhile goes with the next group.

One driver for each process runs the sequencer for all who wait there; groups are as large as the moment makes them. A
process without the keys tells the one that has them that somebody waits, and is told by it of each signed head.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import structlog

from policies.profile import load_profile
from registry_api.access_log import signals_store, tree_store
from registry_api.access_log.log_keys import LogKeys
from registry_api.access_log.sequencer import LogRefused, Sequencer
from registry_api.access_log.tree_store import Placed
from registry_api.kernel.clock import Clock, utc_now
from registry_api.kernel.crypto import KeyProvider
from registry_api.kernel.db import Connection, Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.roles import DatabaseUrls
from registry_api.kernel.settings import Settings

_IDLE_SECONDS: Final = 0.25
"""How long an entry that nobody waits for lies in the queue at most; and how long a process that was not told of a
signed head, because the connection was lost, goes without looking."""
_AFTER_FAILURE_SECONDS: Final = 0.2
_REFUSED_SECONDS: Final = 5.0
"""For how long a word of another process stands that it does not sign; it repeats it more often."""
_log = structlog.get_logger()


class Awaiting:
    """Those of this process who wait, and what drives the tree on for them."""

    def __init__(
        self,
        database: Database,
        sequencer: Sequencer | None,
        *,
        deadline_seconds: float,
        for_others: bool = False,
        clock: Clock = utc_now,
    ) -> None:
        """Wait over ``database``, of which a process that signs for others, or has others sign, needs two connections.

        Args:
            database: connections of its own: requests wait for the log, which must not wait for them.
            sequencer: None where another process has the keys.
            deadline_seconds: how long anybody waits.
            for_others: this process signs for those that have no keys.
            clock: by which entries carry their time.
        """
        self._database, self._sequencer, self._deadline = database, sequencer, deadline_seconds
        self._for_others, self._clock = for_others, clock
        self._waiting: dict[int, asyncio.Future[Placed]] = {}
        self._told: set[int] = set()
        """Those for whom the process that signs was told that somebody waits."""
        self._wake = asyncio.Event()
        self._begun = False
        self._refused_until = float("-inf")

    @classmethod
    def build(cls, settings: Settings, urls: DatabaseUrls, local: KeyProvider, clock: Clock) -> "Awaiting":
        """Return those who wait in one worker, as the settings say; ``close`` it. Raises KeysUnusable."""
        inside = settings.log_sequencer == "inside"
        database, sequencer = Database(urls.sequencer if inside else urls.api, pool_size=1 if inside else 2), None
        if inside:
            log_keys = LogKeys.load_or_create(settings.log_keys_file, settings.log_origin)
            retention = load_profile(settings.profile).retention
            sequencer = Sequencer(database=database, local=local, keys=log_keys, clock=clock, retention=retention)
        return cls(database, sequencer, deadline_seconds=settings.log_deadline_seconds, clock=clock)

    async def close(self) -> None:
        """Close the connections; nobody may be waiting any more."""
        await self._database.close()

    async def covered(self, entry: int) -> Placed:
        """Return when the entry, which must be committed, lies under a signed head, with what it is there.

        Hold no connection meanwhile that others need. Raises StoreUnavailable when it does not in time.
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

    async def answers(self, connection: Connection) -> bool:
        """Return whether whoever waited now would be answered: the log is signed, and by somebody who is at work.

        ``connection``: of the caller's. Raises StoreUnavailable through it.
        """
        if asyncio.get_running_loop().time() < self._refused_until:
            return False
        since = self._clock() - timedelta(seconds=self._deadline + 1)
        row = await signals_store.standing(connection, since)
        return not (row["behind"] or (self._sequencer is None and row["nobody_at_work"]))

    async def drive(self, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        """Run for ever: a round whenever somebody waits, and after ``idle_seconds`` for what nobody waits for here."""
        async with asyncio.TaskGroup() as tasks:
            if self._for_others:
                tasks.create_task(self._listen(signals_store.WAITING))
            elif self._sequencer is None:
                tasks.create_task(self._listen(signals_store.SIGNED))
            await self._go_round(idle_seconds)

    async def _go_round(self, idle_seconds: float) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(idle_seconds):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._round()
            except LogRefused as refused:
                # Whoever waits is turned away at their deadline. It does not mend itself, and is said each time.
                _log.error("log_refused", kind=refused.reason)
                await self._say_refused(refused.reason)
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)
            except Exception as error:  # a database that is away comes back, and the rounds must go on
                _log.error("log_not_signed", error=type(error).__name__)
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)

    async def _listen(self, channel: str) -> None:
        """Be woken by another process, for ever, and through every loss of the connection."""

        async def begun(connection: Connection) -> None:
            if self._for_others:
                await signals_store.be_at_work(connection)
            self._wake.set()  # for what was said before anybody listened

        while True:
            try:
                await self._database.listen(channel, self._hear, begun=begun)
            except Exception as error:  # whatever it was, it must not take the rounds with it, which look by themselves
                _log.error("log_not_listened_to", error=type(error).__name__)
                await asyncio.sleep(_AFTER_FAILURE_SECONDS)

    def _hear(self, what: str) -> None:
        self._note_refused(refused=bool(what))
        self._wake.set()

    def _note_refused(self, *, refused: bool) -> None:
        lasts = _REFUSED_SECONDS if refused else float("-inf")
        self._refused_until = asyncio.get_running_loop().time() + lasts

    async def _say_refused(self, reason: str) -> None:
        self._note_refused(refused=True)
        if self._for_others:
            with contextlib.suppress(StoreUnavailable):
                async with self._database.connection() as connection:
                    await signals_store.tell(connection, signals_store.SIGNED, reason)

    async def _round(self) -> None:
        waiting = set(self._waiting)
        # The first round signs whatever there is, an empty log as well: there is always a head to be read. While the
        # log is refused, every round tries again.
        refused = self._refused_until > float("-inf")
        if self._sequencer is not None and (waiting or refused or not self._begun or await self._anything_waits()):
            done = await self._sequencer.round()
            self._begun = True
            self._note_refused(refused=False)
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
            waiting.difference_update(covered)
            if self._sequencer is None and not waiting <= self._told:
                await signals_store.tell(connection, signals_store.WAITING)
        self._told = waiting
        if waiting and self._sequencer is not None:
            self._wake.set()

    async def _anything_waits(self) -> bool:
        async with self._database.connection() as connection:
            return await tree_store.is_waiting(connection)

    def _release(self, entries: Mapping[int, Placed]) -> None:
        for entry, placed in entries.items():
            if (future := self._waiting.get(entry)) and not future.done():
                future.set_result(placed)
