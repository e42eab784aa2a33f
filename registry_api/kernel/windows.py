"""Hits counted in fixed windows in the memory of one process, as ``limits`` wants a storage.

A window is aligned to the clock and forgotten once it has ended. ``kernel.shared_window`` adds what makes the counts
those of all processes; by itself this is for what has to be answered whether or not anything else can be reached.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from limits.storage import Storage

_FORGET_SECONDS = 60


@dataclass(slots=True)
class Window:
    """The hits of one key since ``start`` (Unix seconds): those of others, and ours that they have yet to hear of.

    ``watched_at``: when it was last asked about without a hit.
    """

    start: int
    seconds: int
    shared: int = 0
    unsent: int = 0
    watched_at: float = -math.inf

    @property
    def hits(self) -> int:
        """All of them, as far as known here."""
        return self.shared + self.unsent


class WindowStorage(Storage):
    """Counts hits in fixed windows. May be hit from any thread."""

    STORAGE_SCHEME = None

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        """Take the time of day from ``now`` (Unix seconds)."""
        super().__init__()
        self.now = now
        self._windows: dict[str, Window] = {}
        self._lock = threading.Lock()
        self._forgotten_at = -math.inf

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """Nothing that ``limits`` should catch: what goes wrong here must reach the caller."""
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add ``amount`` hits to the current window of ``expiry`` seconds; return its count as far as known here."""
        with self._lock:
            window, _ = self._current(key, expiry)
            window.unsent += amount
            return window.hits

    def watch(self, key: str, expiry: int) -> int | None:
        """Return the count of the current window of ``expiry`` seconds, and learn what others count in it from now on.

        None: it has not been watched until now, so that it is not known yet whether others have counted.
        """
        with self._lock:
            window, new = self._current(key, expiry)
            window.watched_at = self.now()
            return None if new else window.hits

    def get(self, key: str) -> int:
        """Return the count of the current window."""
        with self._lock:
            window = self._windows.get(key)
            return window.hits if window and self.now() < window.start + window.seconds else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window of ``key`` ends, in Unix seconds; now, if it has none."""
        window = self._windows.get(key)
        return window.start + window.seconds if window else self.now()

    def seconds_left(self, key: str) -> int:
        """Return the whole seconds, at least one, after which the count of ``key`` begins anew."""
        return max(1, math.ceil(self.get_expiry(key) - self.now()))

    def check(self) -> bool:
        """Return whether it can be counted on."""
        return True

    def reset(self) -> None:
        """Refuse: nobody may set counts back."""
        raise NotImplementedError

    def clear(self, key: str) -> None:
        """Refuse, as ``reset`` does."""
        raise NotImplementedError

    def _current(self, key: str, expiry: int) -> tuple[Window, bool]:
        """Return the current window of a key, and whether it is new. The lock is held."""
        now = self.now()
        start = int(now) // expiry * expiry
        if abs(now - self._forgotten_at) >= _FORGET_SECONDS:
            self._forget(now)
        window = self._windows.get(key)
        if window is not None and window.start == start:
            return window, False
        # Hits of an earlier window that were not sent yet are dropped with it: they no longer limit anyone.
        window = self._windows[key] = Window(start, expiry)
        return window, True

    def _forget(self, now: float) -> None:
        """Drop the windows that have ended, and those that hold nothing and were not asked about for a minute. The
        lock is held."""
        self._windows = {
            key: window
            for key, window in self._windows.items()
            if now < window.start + window.seconds and (window.hits or now - window.watched_at < _FORGET_SECONDS)
        }
        self._forgotten_at = now
