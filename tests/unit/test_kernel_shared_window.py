"""Counting in windows that workers share: nothing lost, nothing set back, every minute its own."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits_doubles import MINUTE, Table, Time, storage_at, synchronise

from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.shared_window import Row, SharedWindowStorage, Total


async def test_nobody_can_set_the_shared_count_back() -> None:
    storage = storage_at(Time())
    with pytest.raises(NotImplementedError):
        storage.reset()
    with pytest.raises(NotImplementedError):
        storage.clear("key")


async def test_a_crashed_server_s_empty_table_gives_nobody_a_fresh_start() -> None:
    time, table = Time(), Table()
    storage = storage_at(time)
    await synchronise(storage, table)
    storage.incr("key", 60, 9)
    await synchronise(storage, table)
    table.hits.clear()
    await synchronise(storage, table)
    assert storage.get("key") == 9


async def test_what_was_hit_while_the_statement_ran_is_sent_with_the_next() -> None:
    time, table = Time(), Table()
    storage = storage_at(time)
    await synchronise(storage, table)
    storage.incr("key", 60)

    class Busy(Table):
        async def add(self, rows: Sequence[Row], now: float) -> list[Total]:
            storage.incr("key", 60, 2)
            return await table.add(rows, now)

    await synchronise(storage, Busy())
    assert (storage.get("key"), table.hits) == (3, {("key", MINUTE): 1})
    await synchronise(storage, table)
    assert (storage.get("key"), table.hits) == (3, {("key", MINUTE): 3})


async def test_a_minute_that_ends_while_the_statement_runs_leaves_the_next_one_alone() -> None:
    time, table = Time(), Table()
    storage = storage_at(time)
    time.now += 58
    await synchronise(storage, table)
    storage.incr("key", 60, 9)

    class Slow(Table):
        async def add(self, rows: Sequence[Row], now: float) -> list[Total]:
            answer = await super().add(rows, now)
            time.now += 3
            storage.incr("key", 60)
            return answer

    await synchronise(storage, Slow())
    assert storage.get("key") == 1
    await synchronise(storage, table)
    assert table.hits["key", MINUTE + 60] == 1


def test_closed_at_first_however_lately_the_machine_was_started() -> None:
    assert not SharedWindowStorage(monotonic=lambda: 0.0).check()


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hit"), st.integers(0, 2), st.sampled_from("ab"), st.integers(1, 5)),
        st.tuples(st.just("synchronise"), st.integers(0, 2), st.just(""), st.just(0)),
        st.tuples(st.just("not saved"), st.integers(0, 2), st.just(""), st.just(0)),
    ),
    max_size=40,
)


@given(steps=_STEPS)
async def test_workers_agree_on_the_sum_of_their_hits(steps: list[tuple[str, int, str, int]]) -> None:
    time, table = Time(), Table()
    workers = [storage_at(time) for _ in range(3)]
    for worker in workers:
        await synchronise(worker, table)
    hits = {"a": 0, "b": 0}
    own: dict[tuple[int, str], int] = {}
    for step, index, key, amount in steps:
        worker = workers[index]
        before = {name: worker.get(name) for name in hits}
        if step == "hit":
            hits[key] += amount
            own[index, key] = own.get((index, key), 0) + amount
            assert worker.incr(key, 60, amount) == before[key] + amount
        elif step == "synchronise":
            await synchronise(worker, table)
        else:
            table.fails = step
            with pytest.raises(StoreUnavailable):
                await synchronise(worker, table)
            table.fails = None
        for name, count in before.items():
            assert max(count, own.get((index, name), 0)) <= worker.get(name) <= hits[name]
    for _ in range(2):
        for worker in workers:
            await synchronise(worker, table)
    assert {key: sum(n for (name, _), n in table.hits.items() if name == key) for key in hits} == hits
    for (index, key), _ in own.items():
        assert workers[index].get(key) == hits[key]


@given(amounts=st.lists(st.integers(1, 9), min_size=1, max_size=8), failure=st.integers(0, 7))
async def test_a_hit_that_may_have_been_saved_is_never_lost(amounts: list[int], failure: int) -> None:
    time, table = Time(), Table()
    storage = storage_at(time)
    await synchronise(storage, table)
    for number, amount in enumerate(amounts):
        storage.incr("key", 60, amount)
        table.fails = "saved, and then lost" if number == failure else None
        try:
            await synchronise(storage, table)
        except StoreUnavailable:
            assert number == failure
        assert storage.get("key") >= sum(amounts[: number + 1])
    table.fails = None
    await synchronise(storage, table)
    assert storage.get("key") == table.hits["key", MINUTE] >= sum(amounts)


@given(pauses=st.lists(st.integers(0, 100), min_size=1, max_size=20), seconds=st.sampled_from([1, 60, 3600]))
async def test_a_window_is_its_clock_s_own(pauses: list[int], seconds: int) -> None:
    time, table = Time(), Table()
    storage = storage_at(time)
    expected: dict[int, int] = {}
    for pause in pauses:
        time.now += pause
        await synchronise(storage, table)
        start = int(time.now) // seconds * seconds
        expected[start] = expected.get(start, 0) + 1
        assert storage.incr("key", seconds) == storage.get("key") == expected[start]
        assert storage.get_expiry("key") == start + seconds
        assert 1 <= storage.seconds_left("key") <= seconds


async def test_two_synchronisations_at_once_send_every_hit_once() -> None:
    time, table = Time(), Table()
    storage = storage_at(time)
    await synchronise(storage, table)
    storage.incr("key", 60, 3)

    class Slow(Table):
        async def add(self, rows: Sequence[Row], now: float) -> list[Total]:
            await asyncio.sleep(0)
            return await table.add(rows, now)

    await asyncio.gather(*(synchronise(storage, Slow()) for _ in range(3)))
    assert (storage.get("key"), table.hits) == (3, {("key", MINUTE): 3})


async def test_whoever_watches_learns_what_others_count_and_forgets_what_is_nothing() -> None:
    time, table = Time(), Table()
    one, other = storage_at(time), storage_at(time)
    for storage in (one, other):
        await synchronise(storage, table)
    assert [other.watch(key, 3600) for key in ("key", "nothing")] == [None, None]
    one.incr("key", 3600, 2)
    await synchronise(one, table)
    await synchronise(other, table)
    assert [other.watch(key, 3600) for key in ("key", "nothing")] == [2, 0]
    time.now += 61
    await synchronise(other, table)
    assert [other.watch(key, 3600) for key in ("key", "nothing")] == [2, None]
