"""Doubles for the tests of rate limits: a clock that stands still, and a table that several workers add up in."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.shared_window import SharedWindowStorage

MINUTE = 60 * 1_000_000  # a moment at which a minute begins, in Unix seconds


class Time:
    """A time of day (Unix seconds) and a monotonic clock that pass only when told."""

    def __init__(self) -> None:
        self.now = float(MINUTE)

    def __call__(self) -> float:
        return self.now


class Table:
    """Stands in for the database and does what the one statement does to ``rate_count``; it can be made to fail."""

    def __init__(self) -> None:
        self.hits: dict[tuple[str, int], int] = {}
        self.fails: str | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator["Table"]:
        yield self

    async def fetch(self, _: str, *columns: Sequence[Any]) -> list[tuple[str, int, int]]:
        if self.fails == "not saved":
            raise StoreUnavailable
        answer = []
        for key, start, _seconds, hits in zip(*columns, strict=True):
            if hits:
                self.hits[key, start] = self.hits.get((key, start), 0) + hits
            if (key, start) in self.hits:
                answer.append((key, start, self.hits[key, start]))
        if self.fails == "saved, and then lost":
            raise StoreUnavailable
        return answer

    async def execute(self, _: str, ended_before: int) -> None:
        self.hits = {window: hits for window, hits in self.hits.items() if window[1] + 60 > ended_before}


def storage_at(time: Time) -> SharedWindowStorage:
    return SharedWindowStorage(now=time, monotonic=time)


async def synchronise(storage: SharedWindowStorage, table: Table) -> None:
    await storage.synchronise(cast(Database, table))
