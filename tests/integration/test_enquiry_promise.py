"""The promise of ENQ-2, by breaking it: each write fails, once unsaved and once saved, and nothing is disclosed.

What follows a failure is proved with it: a retry under the same key is the same enquiry, answered once and told once.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
import pytest
from builders import World, entry, question, said

from registry_api.enquiries import found, store
from registry_api.kernel.db import Connection
from registry_api.register.entry import PlanKind

pytestmark = pytest.mark.rule("ENQ-2")
KEY = "one-and-the-same-key"

Write = Callable[[Connection, Mapping[str, Any]], Awaitable[Any]]
WRITES = ("receive", "answer")
ERRORS = (
    asyncpg.ConnectionDoesNotExistError("gone"),
    asyncpg.InterfaceError("closed"),
    ConnectionResetError(),
    TimeoutError(),
    asyncpg.DiskFullError("full"),
    asyncpg.AdminShutdownError("stopped"),
    asyncpg.ReadOnlySQLTransactionError("standby"),
    asyncpg.RaiseError("a trigger"),
)


async def _terminate(connection: Connection) -> None:
    """Have the server end this very connection, as an administrator or a failing server would."""
    await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def _broken(write: Write, fail: Callable[[Connection], Awaitable[None]], *, saved: bool) -> Write:
    async def broken(connection: Connection, values: Mapping[str, Any]) -> Any:
        if saved:
            await write(connection, values)
        await fail(connection)
        raise AssertionError("the failure did not happen")

    return broken


def _raises(error: Exception) -> Callable[[Connection], Awaitable[None]]:
    async def fail(_: Connection) -> None:
        raise error

    return fail


async def _count(world: World, sql: str) -> int:
    async with world.database.connection() as connection:
        return int(await connection.fetchval(sql))


async def _known_child(world: World) -> None:
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))


def _nothing_disclosed(answer: Any) -> None:
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == {"type", "title", "status", "detail", "request_id"}
    assert answer.json()["type"] == "urn:registry:problem:not-recorded"
    assert "Kw-1" not in answer.text


async def _answered_once(world: World) -> None:
    """Retry twice; one enquiry with one answer must come of it all, and everybody be told once."""
    first = await world.ask("officer-1", question(), key=KEY)
    again = await world.ask("officer-1", question(), key=KEY)
    assert first.status_code == again.status_code == 200, first.text
    assert said(first) == said(again)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json()["outcome"] == "on_plan"
    assert await _count(world, "SELECT count(*) FROM enquiry") == 1
    assert await _count(world, "SELECT count(*) FROM enquiry_answer") == 1
    assert await _count(world, "SELECT count(*) FROM consideration") == 0
    (told,) = await world.inbox("kw-1")
    assert told["about"]["reference"] == first.json()["reference"]
    assert len(await world.log("enquiry.received")) == len(await world.log("enquiry.answered")) == 1


@pytest.mark.parametrize("error", [*ERRORS, None], ids=lambda error: type(error).__name__ if error else "terminated")
@pytest.mark.parametrize("saved", [False, True], ids=["not saved", "saved"])
@pytest.mark.parametrize("write", WRITES)
async def test_a_write_that_is_not_confirmed_discloses_nothing_and_a_retry_mends_it(
    world: World, monkeypatch: pytest.MonkeyPatch, write: str, saved: bool, error: Exception | None
) -> None:
    await _known_child(world)
    with monkeypatch.context() as broken:
        fail = _raises(error) if error else _terminate
        broken.setattr(store, write, _broken(getattr(store, write), fail, saved=saved))
        _nothing_disclosed(await world.ask("officer-1", question(), key=KEY))
    if not (write == "answer" and saved):
        assert await world.inbox("kw-1") == []
    await _answered_once(world)


@pytest.mark.parametrize("saved", [False, True], ids=["not saved", "saved"])
async def test_a_child_who_is_not_known_is_no_second_enquiry_after_a_failure(
    world: World, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(store, "answer", _broken(store.answer, _terminate, saved=saved))
        _nothing_disclosed(await world.ask("officer-1", question(), key=KEY))
    answer = await world.ask("officer-1", question(), key=KEY)
    assert answer.json()["outcome"] == "not_known"
    assert "your_earlier_enquiries" not in answer.json()
    assert await world.considerations() == []


@pytest.mark.parametrize(
    "table", ["enquiry", "enquiry_token", "enquiry_indexed", "enquiry_answer", "notification", "access_entry"]
)
async def test_a_table_that_takes_nothing_stops_the_answer(world: World, table: str) -> None:
    await _known_child(world)
    await world.token("officer-1", "enquiry")
    async with world.database.connection() as connection:
        await connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'Kw-1 %', NEW; END $$"
        )
        await connection.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    _nothing_disclosed(await world.ask("officer-1", question(), key=KEY))
    begun = table in {"enquiry_answer", "notification"}
    assert await _count(world, "SELECT count(*) FROM enquiry") == begun
    assert await _count(world, "SELECT count(*) FROM enquiry_answer") == 0
    assert await _count(world, "SELECT count(*) FROM notification") == 0
    assert await _count(world, "SELECT count(*) FROM access_entry WHERE kind LIKE 'enquiry.%'") == begun
    async with world.database.connection() as connection:
        await connection.execute(f"DROP TRIGGER refuse ON {table}")
    await _answered_once(world)


async def test_a_consideration_that_cannot_be_written_stops_the_answer(world: World) -> None:
    await world.ask("nurse-1", question())
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE consideration ADD CONSTRAINT none CHECK (false)")
    _nothing_disclosed(await world.ask("officer-1", question(), key=KEY))
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE consideration DROP CONSTRAINT none")
    assert (await world.ask("officer-1", question(), key=KEY)).json()["outcome"] == "not_known_second_enquiry"
    (consideration,) = await world.considerations()
    assert len(consideration["enquiries"]) == 2


@pytest.mark.parametrize("saved", [False, True], ids=["not saved", "saved"])
async def test_the_register_is_never_read_when_the_enquiry_was_not_recorded(
    world: World, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    await _known_child(world)

    async def read(*_: Any, **__: Any) -> Any:
        raise AssertionError("the register was read")

    monkeypatch.setattr(found, "find", read)
    monkeypatch.setattr(store, "receive", _broken(store.receive, _terminate, saved=saved))
    _nothing_disclosed(await world.ask("officer-1", question()))


async def test_the_enquiry_stands_committed_when_the_register_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _known_child(world)
    seen: list[int] = []
    find = found.find

    async def watched(*given: Any, **named: Any) -> Any:
        # Another connection sees only what has been committed.
        seen.append(await _count(world, "SELECT count(*) FROM enquiry"))
        seen.append(await _count(world, "SELECT count(*) FROM access_entry WHERE kind = 'enquiry.received'"))
        return await find(*given, **named)

    monkeypatch.setattr(found, "find", watched)
    assert (await world.ask("officer-1", question())).status_code == 200
    assert seen == [1, 1]


async def test_the_answer_stands_committed_when_it_is_sent(world: World) -> None:
    await _known_child(world)
    committed: list[tuple[int, int]] = []
    app = world.app

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                answers = await _count(world, "SELECT count(*) FROM enquiry_answer")
                committed.append((answers, await _count(world, "SELECT count(*) FROM notification")))
            await send(message)

        await app(scope, receive, sending)

    await world.token("officer-1", "enquiry")
    world.http._transport.app = watched  # type: ignore[attr-defined]
    assert (await world.ask("officer-1", question())).status_code == 200
    assert committed == [(1, 1)]


@pytest.mark.rule("ENQ-3")
async def test_a_refusal_that_cannot_be_recorded_is_no_refusal_but_a_failure(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "receive", _broken(store.receive, _terminate, saved=False))
    _nothing_disclosed(await world.ask("nurse-1", question(), reason="missing_child"))


async def test_a_repeat_that_cannot_be_recorded_is_not_answered(world: World) -> None:
    await _known_child(world)
    assert (await world.ask("officer-1", question(), key=KEY)).status_code == 200
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE access_entry ADD CONSTRAINT none CHECK (false) NOT VALID")
    _nothing_disclosed(await world.ask("officer-1", question(), key=KEY))
