"""The counters behind ``kernel.limits``: one count for all workers and machines, closed when it cannot be kept.

Counting is done in memory. Once a second each worker adds its new hits to the table ``rate_count`` and learns the
total, so a limit can be overrun by what other workers admit within that second, and no row is contended for in the
transaction of an enquiry. Windows are fixed and aligned to the clock (machines are expected to keep time by NTP).
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from limits.storage import Storage

from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable

SYNCHRONISE_SECONDS = 1.0
CLOSED_AFTER_SECONDS = 5.0
_FORGET_SECONDS = 60

_logger = logging.getLogger(__name__)

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


@dataclass(slots=True)
class _Window:
    """The hits of one key since ``start`` (Unix seconds): those the table told of, and ours that it has yet to hear."""

    start: int
    seconds: int
    shared: int = 0
    unsent: int = 0


class SharedWindowStorage(Storage):
    """Counts hits in fixed windows, in memory, and adds them up with every other worker through ``rate_count``.

    Closed until first synchronised, and again once ``CLOSED_AFTER_SECONDS`` have passed since it last was: a limit
    that nobody can count is not a limit. May be hit from any thread.
    """

    STORAGE_SCHEME = None

    def __init__(
        self, *, now: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the time of day from ``now`` (Unix seconds) and the age of the totals from ``monotonic`` (seconds)."""
        super().__init__()
        self._now = now
        self._monotonic = monotonic
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()
        self._synchronised_at = -math.inf
        self._forgotten_at = -math.inf

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Nothing that ``limits`` should catch: what goes wrong here must reach the caller."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add ``amount`` hits to the current window of ``expiry`` seconds; return its count as far as known here.

        Raises StoreUnavailable when the storage is closed.
        """
        self._require_open()
        start = int(self._now()) // expiry * expiry
        with self._lock:
            window = self._windows.get(key)
            if window is None or window.start != start:
                # Hits of an earlier window that were not sent yet are dropped with it: they no longer limit anyone.
                window = self._windows[key] = _Window(start, expiry)
            window.unsent += amount
            return window.shared + window.unsent

    def get(self, key: str) -> int:
        """Return the count of the current window. Raises StoreUnavailable when the storage is closed."""
        self._require_open()
        with self._lock:
            window = self._windows.get(key)
            return window.shared + window.unsent if window and self._now() < window.start + window.seconds else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window of ``key`` ends, in Unix seconds; now, if it has none."""
        window = self._windows.get(key)
        return window.start + window.seconds if window else self._now()

    def seconds_left(self, key: str) -> int:
        """Return the whole seconds, at least one, after which the count of ``key`` begins anew."""
        return max(1, math.ceil(self.get_expiry(key) - self._now()))

    def check(self) -> bool:
        """Return whether the totals are fresh enough to count on."""
        return self._monotonic() - self._synchronised_at <= CLOSED_AFTER_SECONDS

    def reset(self) -> None:
        """Refuse: nobody may set the counts of the other workers back."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Refuse, as ``reset`` does."""
        raise NotImplementedError

    def _require_open(self) -> None:
        if not self.check():
            raise StoreUnavailable

    async def synchronise(self, database: Database) -> None:
        """Add our new hits to the table and learn the totals. Raises StoreUnavailable, or what asyncpg raises.

        After an error it is unknown whether the hits were added; they are sent again, since counting a hit twice is
        the safe mistake.
        """
        asked_at = self._monotonic()
        sent = self._current_windows()
        async with database.connection() as connection:
            self._settle(sent, await connection.fetch(_ADD, *_columns(sent)))
            self._synchronised_at = asked_at
            if asked_at - self._forgotten_at >= _FORGET_SECONDS:
                # A window is kept a while past its end, for machines whose clocks are behind ours.
                await connection.execute(_FORGET, int(self._now()) - _FORGET_SECONDS)
                self._forgotten_at = asked_at

    async def synchronise_forever(self, database: Database) -> None:
        """Synchronise every second until cancelled. A failure is logged once, and closes the storage if it lasts."""
        failing = False
        while True:
            try:
                await self.synchronise(database)
                failing = False
            except Exception as error:  # whatever it was, the next second may be better; until then the storage closes
                if not failing:
                    _logger.warning("rate limits are not being shared: %s", type(error).__name__)
                failing = True
            await asyncio.sleep(SYNCHRONISE_SECONDS)

    def _current_windows(self) -> list[tuple[str, int, int, int]]:
        """Drop the windows that have ended; return (key, start, seconds, unsent hits) of the others."""
        now = self._now()
        with self._lock:
            self._windows = {key: w for key, w in self._windows.items() if now < w.start + w.seconds}
            return [(key, w.start, w.seconds, w.unsent) for key, w in self._windows.items()]

    def _settle(self, sent: list[tuple[str, int, int, int]], totals: Sequence[asyncpg.Record]) -> None:
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
                    # Never less than known: a crash of the server empties an unlogged table.
                    window.shared = max(window.shared, total)


def _columns(rows: list[tuple[str, int, int, int]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
