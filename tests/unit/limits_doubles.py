"""Doubles for the tests of rate limits: a clock that stands still, and a table that several workers add up in."""

from collections.abc import Sequence

from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.shared_window import Row, SharedWindowStorage, Total

MINUTE = 60 * 1_000_000  # a moment at which a minute begins, in Unix seconds


class Time:
    """A time of day (Unix seconds) and a monotonic clock that pass only when told."""

    def __init__(self) -> None:
        self.now = float(MINUTE)

    def __call__(self) -> float:
        return self.now


class Table:
    """Adds up as the database and Redis do; it can be made to fail."""

    def __init__(self) -> None:
        self.hits: dict[tuple[str, int], int] = {}
        self.fails: str | None = None

    async def add(self, rows: Sequence[Row], now: float) -> list[Total]:
        if self.fails == "not saved":
            raise StoreUnavailable
        answer = []
        for key, start, _seconds, hits in rows:
            if hits:
                self.hits[key, start] = self.hits.get((key, start), 0) + hits
            if (key, start) in self.hits:
                answer.append((key, start, self.hits[key, start]))
        if self.fails == "saved, and then lost":
            raise StoreUnavailable
        return answer


def storage_at(time: Time) -> SharedWindowStorage:
    return SharedWindowStorage(now=time, monotonic=time)


async def synchronise(storage: SharedWindowStorage, table: Table) -> None:
    await storage.synchronise(table)
