"""The count that workers share through ``rate_count``, on a real PostgreSQL."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import pytest

from registry_api.kernel import shared_window
from registry_api.kernel.db import Database
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.shared_window import CLOSED_AFTER_SECONDS, SharedWindowStorage, SqlCounts

MINUTE = 60 * 1_000_000  # a moment at which a minute begins, in Unix seconds


class Time:
    """A clock that passes only when told."""

    def __init__(self) -> None:
        self.now = float(MINUTE)

    def __call__(self) -> float:
        return self.now


async def opened(database: Database, now: Time) -> SharedWindowStorage:
    storage = SharedWindowStorage(now=now, monotonic=now)
    await storage.synchronise(SqlCounts(database))
    return storage


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await holds():  # noqa: ASYNC110 - what is waited for happens in the database
            await asyncio.sleep(0.01)


async def rows(database: Database) -> list[tuple[str, int, int, int]]:
    async with database.connection() as connection:
        found = await connection.fetch("SELECT key, window_start, window_seconds, hits FROM rate_count ORDER BY 1, 2")
    return [tuple(row) for row in found]


async def test_two_workers_add_up(database: Database) -> None:
    now = Time()
    one, other = await opened(database, now), await opened(database, now)
    one.incr("key", 60, 3)
    other.incr("key", 60, 4)
    assert (one.get("key"), other.get("key")) == (3, 4)
    await one.synchronise(SqlCounts(database))
    await other.synchronise(SqlCounts(database))
    assert (one.get("key"), other.get("key")) == (3, 7)
    await one.synchronise(SqlCounts(database))  # has nothing new to say, and still learns
    assert one.get("key") == 7
    assert await rows(database) == [("key", MINUTE, 60, 7)]


async def test_workers_that_count_the_same_callers_at_the_same_time_lose_nothing(database: Database) -> None:
    now = Time()
    workers = [await opened(database, now) for _ in range(4)]
    keys = [f"key {number:02}" for number in range(50)]
    for round_ in range(5):
        for index, worker in enumerate(workers):
            for key in reversed(keys) if index % 2 else keys:
                worker.incr(key, 60)
        if round_ < 4:
            await asyncio.gather(*(worker.synchronise(SqlCounts(database)) for worker in workers))
    for _ in range(2):
        await asyncio.gather(*(worker.synchronise(SqlCounts(database)) for worker in workers))
    assert {worker.get(key) for worker in workers for key in keys} == {20}
    assert await rows(database) == [(key, MINUTE, 60, 20) for key in keys]


async def test_a_worker_that_comes_later_knows_what_was_counted_after_its_first_second(database: Database) -> None:
    now = Time()
    early = await opened(database, now)
    early.incr("key", 60, 9)
    await early.synchronise(SqlCounts(database))
    late = await opened(database, now)
    assert late.incr("key", 60) == 1
    await late.synchronise(SqlCounts(database))
    assert late.get("key") == 10


async def test_ended_windows_are_forgotten(database: Database) -> None:
    now = Time()
    storage = await opened(database, now)
    storage.incr("old", 60)
    await storage.synchronise(SqlCounts(database))
    now.now += 119  # ended, but a machine whose clock is behind may still count in it
    await storage.synchronise(SqlCounts(database))
    assert [key for key, *_ in await rows(database)] == ["old"]
    now.now += 60
    await storage.synchronise(SqlCounts(database))
    storage.incr("new", 60)
    await storage.synchronise(SqlCounts(database))
    assert [key for key, *_ in await rows(database)] == ["new"]


async def test_the_table_is_unlogged(database: Database) -> None:
    async with database.connection() as connection:
        kind = await connection.fetchval("SELECT relpersistence FROM pg_class WHERE relname = 'rate_count'")
    assert kind == b"u"


async def test_a_store_out_of_reach_closes_the_limits_and_its_return_opens_them(database: Database) -> None:
    now = Time()
    storage = await opened(database, now)
    down = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    storage.incr("key", 60)
    now.now += CLOSED_AFTER_SECONDS
    with pytest.raises(StoreUnavailable):
        await storage.synchronise(SqlCounts(down))
    assert storage.incr("key", 60) == 2
    now.now += 0.1
    with pytest.raises(StoreUnavailable):
        storage.incr("key", 60)
    with pytest.raises(StoreUnavailable):
        storage.get("key")
    await storage.synchronise(SqlCounts(database))
    assert storage.get("key") == 2
    assert [hits for *_, hits in await rows(database)] == [2]


async def test_the_background_task_shares_outlives_failures_and_says_so_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shared_window, "SYNCHRONISE_SECONDS", 0.01)
    storage = SharedWindowStorage(now=Time(), monotonic=time.monotonic)
    watching = SharedWindowStorage(now=Time(), monotonic=time.monotonic)
    await watching.synchronise(SqlCounts(database))
    watching.incr("key", 60)

    async def seen(hits: int) -> bool:
        await watching.synchronise(SqlCounts(database))
        return watching.get("key") == hits

    async def execute(statement: str) -> None:
        async with database.connection() as connection:
            await connection.execute(statement)

    async def failed() -> bool:
        return "UndefinedTableError" in caplog.text

    async def open_() -> bool:
        return storage.check()

    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(storage.synchronise_forever(SqlCounts(database)))
        await eventually(open_)
        storage.incr("key", 60)
        await eventually(lambda: seen(2))
        await execute("ALTER TABLE rate_count RENAME TO rate_count_away")
        await eventually(failed)
        storage.incr("key", 60)
        await asyncio.sleep(0.1)
        await execute("ALTER TABLE rate_count_away RENAME TO rate_count")
        await eventually(lambda: seen(3))
        assert caplog.text.count("not being shared") == 1
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
