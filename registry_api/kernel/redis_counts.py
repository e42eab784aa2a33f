"""Counts added up in Redis, for whoever runs one beside the service: the same promises as the table ``rate_count``.

Nothing waits for Redis but the counting itself: a server that hangs is given up after ``TIMEOUT_SECONDS`` and asked
again a second later, and a count that has long not been shared closes the limits (``kernel.shared_window``). One hash
holds the counts of one window; it expires with it, set in the same transaction, so that nothing can be left behind.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.shared_window import KEPT_SECONDS, Row, Total

TIMEOUT_SECONDS = 2.0
"""Short of the time after which the limits close, so that one lost answer closes nothing."""
_PREFIX = "registry:counts"


class RedisCounts:
    """Adds up in one Redis server (or a primary with its replicas; not a cluster), on one connection."""

    def __init__(self, url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        """Connect, when first used, to ``url``: ``redis://``, ``rediss://`` or ``unix://``.

        ``timeout_seconds`` bounds the connecting and the waiting for an answer, each and together.
        """
        self._timeout = timeout_seconds
        self._redis: Redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),  # the next second is the retry
            client_name="registry-api",
        )

    async def add(self, rows: Sequence[Row], now: float) -> Iterable[Total]:
        """As ``SharedCounts``. Raises StoreUnavailable when Redis is not reached, does not answer or refuses to write:
        a replica, or a server that is full."""
        windows: dict[tuple[int, int], list[tuple[str, int]]] = defaultdict(list)
        for key, start, seconds, hits in rows:
            windows[start, seconds].append((key, hits))
        try:
            async with asyncio.timeout(self._timeout):
                return await self._add(windows, now)
        except (RedisError, OSError, TimeoutError) as error:
            # What was under way on the connection must not be read as the answer to something else.
            await self._redis.connection_pool.disconnect()
            # Not "from error": its text may name the server, and with it whoever logs in there.
            raise StoreUnavailable(type(error).__name__) from None

    async def _add(self, windows: dict[tuple[int, int], list[tuple[str, int]]], now: float) -> list[Total]:
        asked: list[tuple[str, int]] = []
        async with self._redis.pipeline(transaction=True) as pipeline:
            for (start, seconds), counted in windows.items():
                name = f"{_PREFIX}:{seconds}:{start}"
                for key, hits in counted:
                    # Adding none would be a write all the same, and would make a field that nobody has hit.
                    pipeline.hincrby(name, key, hits) if hits else pipeline.hget(name, key)
                    asked.append((key, start))
                pipeline.expire(name, max(1, start + seconds + KEPT_SECONDS - int(now)))
                asked.append(("", start))
            if not asked:
                pipeline.set(f"{_PREFIX}:open", 1, ex=KEPT_SECONDS)  # nothing to say, but could it be said?
                asked.append(("", 0))
            answers: list[Any] = await pipeline.execute()
        return [(*at, int(hits)) for at, hits in zip(asked, answers, strict=True) if at[0] and hits is not None]

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()
