"""The counters behind ``kernel.limits``: one count for all workers and machines, closed when it cannot be kept.

Counting is done in memory. Once a second each worker adds its new hits to what all of them share – the table
``rate_count``, or Redis (``kernel.redis_counts``) – and learns the total. So no request ever waits for that store; a
limit can be overrun by what other workers admit within that second; and no row is contended for in the transaction of
an enquiry. Windows are fixed and aligned to the clock (machines are expected to keep time by NTP).
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeAlias

from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.windows import WindowStorage

SYNCHRONISE_SECONDS = 1.0
CLOSED_AFTER_SECONDS = 5.0
KEPT_SECONDS = 60
"""How long a window is kept past its end, for machines whose clocks are behind ours."""

_logger = logging.getLogger(__name__)

Row: TypeAlias = tuple[str, int, int, int]
"""A key, when its window began (Unix seconds), how many seconds it lasts, and the hits to add; none: only to learn."""
Total: TypeAlias = tuple[str, int, int]
"""A key, when its window began, and its hits by all workers."""


class SharedCounts(Protocol):
    """Where workers add up what each has counted."""

    async def add(self, rows: Sequence[Row], now: float) -> Iterable[Total]:
        """Add hits, forget what has long ended at ``now`` (Unix seconds), and return the totals of the same windows.

        Those of which nothing is known may be left out. After an error it is unknown whether the hits were added.
        Raises StoreUnavailable, or what the store's own driver raises.
        """


_ADD = """
    WITH mine AS (
        SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::int[])
            AS window_hits (key, window_start, window_seconds, hits)
    ), added AS (
        INSERT INTO rate_count (key, window_start, window_seconds, hits)
        SELECT * FROM mine WHERE hits > 0 ORDER BY key, window_start
        ON CONFLICT (key, window_start) DO UPDATE SET hits = rate_count.hits + excluded.hits
        RETURNING key, window_start, hits
    )
    SELECT key, window_start, hits FROM added
    UNION ALL
    SELECT key, window_start, total.hits FROM rate_count total JOIN mine USING (key, window_start) WHERE mine.hits = 0
"""
"""Rows are taken in one order by every worker, so that two of them cannot deadlock."""

_FORGET = """
    DELETE FROM rate_count WHERE (key, window_start) IN (
        SELECT key, window_start FROM rate_count WHERE window_start + window_seconds <= $1 FOR UPDATE SKIP LOCKED)
"""


class SqlCounts:
    """Adds up in the table ``rate_count``."""

    def __init__(self, database: Database) -> None:
        """``database``: with a connection that no request can take from the counting."""
        self._database = database
        self._forgotten_at = -math.inf

    async def add(self, rows: Sequence[Row], now: float) -> Iterable[Total]:
        """As ``SharedCounts``."""
        async with self._database.connection() as connection:
            totals = await connection.fetch(_ADD, *_columns(rows))
            if abs(now - self._forgotten_at) >= KEPT_SECONDS:
                await connection.execute(_FORGET, int(now) - KEPT_SECONDS)
                self._forgotten_at = now
        return [(row["key"], row["window_start"], row["hits"]) for row in totals]


class SharedWindowStorage(WindowStorage):
    """Counts hits in memory, and adds them up with every other worker.

    Closed until first synchronised, and again once ``CLOSED_AFTER_SECONDS`` have passed since it last was: a limit
    that nobody can count is not a limit.
    """

    STORAGE_SCHEME = None

    def __init__(
        self, *, now: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the time of day from ``now`` (Unix seconds) and the age of the totals from ``monotonic`` (seconds)."""
        super().__init__(now=now)
        self._monotonic = monotonic
        self._synchronised_at = -math.inf
        self._one_at_a_time = asyncio.Lock()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """As of a WindowStorage. Raises StoreUnavailable when the storage is closed."""
        self._require_open()
        return super().incr(key, expiry, amount)

    def watch(self, key: str, expiry: int) -> int | None:
        """As of a WindowStorage. Raises StoreUnavailable when the storage is closed."""
        self._require_open()
        return super().watch(key, expiry)

    def get(self, key: str) -> int:
        """As of a WindowStorage. Raises StoreUnavailable when the storage is closed."""
        self._require_open()
        return super().get(key)

    def check(self) -> bool:
        """Return whether the totals are fresh enough to count on."""
        return self._monotonic() - self._synchronised_at <= CLOSED_AFTER_SECONDS

    def _require_open(self) -> None:
        if not self.check():
            raise StoreUnavailable

    async def synchronise(self, counts: SharedCounts) -> None:
        """Add our new hits to ``counts`` and learn the totals. Raises what ``SharedCounts.add`` raises.

        After an error it is unknown whether the hits were added; they are sent again, since counting a hit twice is
        the safe mistake.
        """
        async with self._one_at_a_time:  # two at once would each send, and take off, the same hits
            asked_at = self._monotonic()
            sent = self._current_windows()
            self._settle(sent, await counts.add(sent, self.now()))
            self._synchronised_at = asked_at

    async def synchronise_forever(self, counts: SharedCounts) -> None:
        """Synchronise every second until cancelled. A failure is logged once, and closes the storage if it lasts."""
        failing = False
        while True:
            try:
                await self.synchronise(counts)
                failing = False
            except Exception as error:  # whatever it was, the next second may be better; until then the storage closes
                if not failing:
                    _logger.warning("rate limits are not being shared: %s", type(error).__name__)
                failing = True
            await asyncio.sleep(SYNCHRONISE_SECONDS)

    def _current_windows(self) -> list[Row]:
        """Drop the windows that have ended; return the others with the hits that were not sent yet."""
        with self._lock:
            self._forget(self.now())
            return [(key, w.start, w.seconds, w.unsent) for key, w in self._windows.items()]

    def _settle(self, sent: Sequence[Row], totals: Iterable[Total]) -> None:
        """Take what was sent off what is unsent (more may have come meanwhile), and note the totals."""
        with self._lock:
            for key, start, _, hits in sent:
                window = self._windows.get(key)
                if window and window.start == start:
                    window.unsent -= hits
                    window.shared += hits
            for key, start, total in totals:
                window = self._windows.get(key)
                if window and window.start == start:
                    # Never less than known: a store may lose its memory, as an unlogged table does in a crash.
                    window.shared = max(window.shared, total)


def _columns(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
