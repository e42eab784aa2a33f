"""The log signed by a process of its own: workers are told of each head, and of a log that is refused."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from builders import World, question, running_world
from integration.log_writers import log_keys, sequencer

from registry_api import housekeeping
from registry_api.access_log import awaiting, tree_store
from registry_api.access_log.awaiting import Awaiting
from registry_api.access_log.tree_store import Placed
from registry_api.enquiries import store
from registry_api.kernel.crypto import LocalKeys
from registry_api.kernel.db import Database

SEPARATE = {"log_sequencer": "separate", "log_deadline_seconds": 3}


@asynccontextmanager
async def signing(world: World, url: str, folder: Path) -> AsyncIterator[Awaiting]:
    """Sign the log of a world as another process would."""
    database = Database(url, pool_size=2)
    made = sequencer(database, LocalKeys.load(world.settings.keys_file), log_keys(folder))
    other = Awaiting(database, made, deadline_seconds=3, for_others=True, clock=world.clock)
    driver = asyncio.create_task(other.drive())
    try:
        yield other
    finally:
        driver.cancel()
        await asyncio.gather(driver, return_exceptions=True)
        await database.close()


async def until_ready(world: World, status: int) -> None:
    end = time.monotonic() + 30
    while (await world.http.get("/readyz")).status_code != status:
        assert time.monotonic() < end, "never so"
        await asyncio.sleep(0.1)


async def test_a_worker_without_keys_is_told_of_each_head_and_does_not_look_for_it(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody looks by themselves within the time of this test: who is not told waits for ever.
    monkeypatch.setattr(awaiting.Awaiting.drive, "__kwdefaults__", {"idle_seconds": 1_000})
    looked: list[object] = []
    covered = tree_store.covered

    async def counted(*arguments: object) -> list[int]:
        looked.append(arguments)
        return await covered(*arguments)

    monkeypatch.setattr(tree_store, "covered", counted)
    async with running_world(database_url, tmp_path / "state", **SEPARATE) as world:
        assert not world.settings.log_keys_file.exists(), "the worker has no keys"
        async with signing(world, database_url, tmp_path / "elsewhere"):
            await until_ready(world, 200)
            for number in range(3):
                assert (await world.ask("officer-1", question(f"Quillon{chr(97 + number)}"))).status_code == 200
    assert 3 * 2 * 2 <= len(looked) <= 3 * 2 * 4, "once when somebody waits, and once for each head"


async def test_while_the_log_is_refused_or_nobody_signs_it_no_worker_is_ready(
    database_url: str, tmp_path: Path
) -> None:
    async with running_world(database_url, tmp_path / "state", **SEPARATE) as world:
        await until_ready(world, 503)  # nobody signs
        async with signing(world, database_url, tmp_path / "elsewhere"):
            await until_ready(world, 200)
            assert (await world.ask("officer-1", question())).status_code == 200
            fence = log_keys(tmp_path / "elsewhere").fence
            whole = fence.path.read_bytes()
            fence.path.write_text(json.dumps({**json.loads(whole), "size": 1_000}))
            assert (await world.ask("nurse-1", question())).status_code == 503
            await until_ready(world, 503)
            await asyncio.sleep(1)
            await until_ready(world, 503)  # and it stays so
            fence.path.write_bytes(whole)
            await until_ready(world, 200)
            assert (await world.ask("nurse-1", question())).status_code == 200
        await until_ready(world, 503)


async def test_a_worker_that_signs_itself_is_not_ready_while_it_refuses(database_url: str, tmp_path: Path) -> None:
    async with running_world(database_url, tmp_path / "state", log_deadline_seconds=1) as world:
        assert (await world.ask("nurse-1", question())).status_code == 200
        await until_ready(world, 200)
        fence = log_keys(tmp_path / "state").fence
        whole = fence.path.read_bytes()
        fence.path.write_text(json.dumps({**json.loads(whole), "size": 1_000}))
        assert (await world.ask("officer-1", question())).status_code == 503
        await until_ready(world, 503)
        fence.path.write_bytes(whole)
        await until_ready(world, 200)


async def test_a_connection_that_is_lost_is_made_again(database_url: str, tmp_path: Path) -> None:
    async with running_world(database_url, tmp_path / "state", **SEPARATE) as world:
        async with signing(world, database_url, tmp_path / "elsewhere"):
            assert (await world.ask("officer-1", question())).status_code == 200
            async with world.database.connection() as connection:
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE (query LIKE 'LISTEN%' OR query LIKE '%pg_advisory_lock_shared%') AND pid <> pg_backend_pid()"
                )
            await until_ready(world, 200)
            assert (await world.ask("officer-1", question())).status_code == 200


@pytest.mark.rule("ENQ-10")
async def test_what_was_never_answered_is_finished_without_a_connection_held_for_the_log(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Housekeeping has one connection, and counts by it: while it waits for the log, others need that connection."""
    async with running_world(database_url, tmp_path / "state", log_deadline_seconds=20) as world:

        async def refused(*_: object) -> None:
            raise TimeoutError

        with monkeypatch.context() as patched:
            patched.setattr(store, "answer", refused)
            assert (await world.ask("officer-1", question())).status_code == 503
        world.clock.advance(seconds=61)
        house = Database(database_url, pool_size=1, timeout_seconds=2)
        held, free = asyncio.Event(), asyncio.Event()

        covered = world.app.state.enquiries._covered

        async def waits(entry: int) -> Placed:
            held.set()
            await free.wait()
            return await covered(entry)

        monkeypatch.setattr(world.app.state.enquiries, "_covered", waits)
        finishing = asyncio.create_task(world.app.state.enquiries.finish_unanswered(house))
        await held.wait()
        assert await housekeeping.refresh(house, world.app.state.enquiries._authority), "it is not kept waiting"
        free.set()
        await finishing
        await house.close()
        assert len(await world.log("enquiry.finished_unsent")) == 1
