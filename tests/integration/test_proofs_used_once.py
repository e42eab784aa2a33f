"""A proof counts once, for all workers together and through a crash (RFC 9449 section 11.1), on a real PostgreSQL."""

import asyncio
import os
import secrets
import signal
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from builders import BASE_URL, World, question

from auth.protocols import Spending, UsedProof
from registry_api import housekeeping, main
from registry_api.identity.for_auth import StoredIdentity
from registry_api.kernel import migrations
from registry_api.kernel.db import Database
from registry_api.kernel.postgres import EmbeddedPostgres

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
INBOX = "/api/v1/notifications"


def made(at: datetime = NOW) -> UsedProof:
    return UsedProof(secrets.token_bytes(32), at, at + timedelta(minutes=2))


def identity(database: Database, now: datetime = NOW) -> StoredIdentity:
    return StoredIdentity(database, lambda: now)


async def spend_with_token(identity: StoredIdentity, proof: UsedProof) -> Spending | None:
    return (await identity.present("nobody", uuid4(), "a token", proof)).proof


async def test_of_any_number_of_uses_in_several_workers_exactly_one_is_the_first(database_url: str) -> None:
    async with AsyncExitStack() as closing:
        workers = []
        for _ in range(3):
            database = Database(database_url, pool_size=4)
            closing.push_async_callback(database.close)
            workers.append(identity(database, NOW - timedelta(minutes=1)))
        await workers[0].proofs_since()
        for _ in range(10):
            proof = made()
            uses = [worker.spend_proof(proof) for worker in workers for _ in range(3)]
            uses += [spend_with_token(worker, proof) for worker in workers for _ in range(3)]
            said = await asyncio.gather(*uses)
            assert said.count(Spending.FIRST) == 1
            assert said.count(Spending.AGAIN) == len(said) - 1


async def test_where_nothing_is_remembered_only_what_is_made_later_counts(database: Database) -> None:
    store = identity(database)
    old = made()
    assert await store.spend_proof(old) is await spend_with_token(store, old) is Spending.UNKNOWN
    since = await store.proofs_since()
    assert since > NOW, "by more than clocks may be apart"
    assert await store.spend_proof(old) is Spending.UNKNOWN, "noted anew, it still may have been used"
    assert await store.spend_proof(made(since)) is Spending.FIRST


async def test_workers_that_notice_it_at_once_agree_and_later_ones_change_nothing(database: Database) -> None:
    said = await asyncio.gather(*(identity(database, NOW + timedelta(seconds=n)).proofs_since() for n in range(4)))
    earliest = min(said)
    assert await identity(database, NOW + timedelta(hours=1)).proofs_since() == earliest


async def test_what_was_noted_by_a_clock_that_ran_ahead_is_put_right(database: Database) -> None:
    wrong = await identity(database, NOW + timedelta(days=365)).proofs_since()
    assert await identity(database).proofs_since() < wrong
    assert await identity(database).spend_proof(made(NOW + timedelta(seconds=10))) is Spending.FIRST


async def test_a_token_without_a_proof_spends_none(database: Database) -> None:
    known = await identity(database).present("nobody", uuid4(), "a token", None)
    assert (known.enquirer, known.revoked, known.proof) == (None, False, None)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM spent_proof") == 0


async def test_no_commit_of_a_proof_waits_for_a_disk(database: Database) -> None:
    async with database.connection() as connection:
        kinds = await connection.fetch(
            "SELECT relpersistence FROM pg_class WHERE relname IN ('spent_proof', 'spent_proof_pkey', 'proof_memory')"
        )
    assert [kind["relpersistence"] for kind in kinds] == [b"u"] * 3


async def test_after_a_crash_of_the_database_no_proof_counts_that_may_have_been_used(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "state")
    url = await asyncio.to_thread(server.start)
    try:
        await asyncio.to_thread(migrations.upgrade, url)
        database = Database(url, pool_size=1)
        store = identity(database)
        proof = made(await store.proofs_since())
        assert await store.spend_proof(proof) is Spending.FIRST
        await database.close()
        await _crash(tmp_path / "state")
        database = Database(await asyncio.to_thread(server.start), pool_size=1)
        later = identity(database, NOW + timedelta(seconds=30))
        assert await later.spend_proof(proof) is Spending.UNKNOWN
        assert await later.spend_proof(made(await later.proofs_since())) is Spending.FIRST
        assert await later.spend_proof(proof) is Spending.UNKNOWN
        await database.close()
    finally:
        await asyncio.to_thread(server.stop)


async def _crash(state: Path) -> None:
    postmaster = int((state / "postgres/data/postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGQUIT)  # it leaves without a checkpoint
    with suppress(ProcessLookupError):
        async with asyncio.timeout(20):
            while True:
                os.kill(postmaster, 0)
                await asyncio.sleep(0.05)


async def captured(world: World) -> dict[str, str]:
    """The headers of a request that was made, as whoever reads along has them."""
    answer = await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))
    assert answer.status_code == 200
    return {name: answer.request.headers[name] for name in ("Authorization", "DPoP")}


@pytest.mark.rule("ENQ-3")
async def test_a_request_that_is_sent_again_is_refused_by_every_worker_and_recorded(
    world: World, database_url: str
) -> None:
    taken = await captured(world)
    other = main.create_app(world.settings, world.urls, clock=world.clock)
    async with (
        other.router.lifespan_context(other),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=other), base_url=BASE_URL) as http,
    ):
        for client in (world.http, http):
            again = await client.get(INBOX, headers=taken)
            assert again.status_code == 401
            assert again.headers["www-authenticate"].endswith('error="invalid_dpop_proof"')
    assert [entry["reason"] for entry in await world.log("access.refused")] == ["replayed", "replayed"]
    assert {entry["professional_id"] for entry in await world.log("access.refused")} == {world.members["kw-1"].id}


async def test_once_the_tables_are_empty_a_caller_goes_on_and_a_thief_does_not(world: World) -> None:
    taken = await captured(world)
    world.clock.advance(seconds=1)
    async with world.database.connection() as connection:
        await connection.execute("TRUNCATE spent_proof, proof_memory")
    told = await world.http.get(INBOX, headers=taken)
    assert told.status_code == 401
    assert told.headers["www-authenticate"].endswith('error="use_dpop_nonce"')
    assert told.headers["dpop-nonce"]
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 200
    assert (await world.http.get(INBOX, headers=taken)).status_code == 401
    assert await world.log("access.refused") == [], "nothing is known against anybody"


@pytest.mark.rule("ENQ-2")
async def test_while_proofs_cannot_be_stored_nobody_is_answered(world: World) -> None:
    await world.token("officer-1", "enquiry")
    async with world.database.connection() as connection:
        await connection.execute("ALTER TABLE spent_proof ADD CONSTRAINT none CHECK (false) NOT VALID")
    refused = await world.ask("officer-1", question())
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    form = world.signers["hospital-system"].token_form("nurse-1", "enquiry")
    assert (await world.request_token(form)).status_code == 503
    assert await world.log("enquiry.received") == []


@pytest.mark.rule("ENQ-3")
async def test_a_revoked_token_is_worth_nothing_from_the_next_request_on(world: World) -> None:
    token = await world.token("kw-1", "casework")
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 200
    jti = world.app.state.auth.verifier.verify(token).jti
    async with world.database.connection() as connection:
        await connection.execute(
            "INSERT INTO revoked_token (jti, expires_at) VALUES ($1, $2)", jti, world.clock() + timedelta(minutes=5)
        )
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 401
    (noted,) = await world.log("access.refused")
    assert (noted["reason"], noted["professional_id"]) == ("revoked", world.members["kw-1"].id)


async def test_who_asks_is_established_in_one_round_trip(world: World) -> None:
    sent: list[str] = []

    def note(query: Any) -> None:
        sent.append(query.query)

    await world.token("kw-1", "casework")
    async with AsyncExitStack() as lent:
        pool = world.app.state.database
        for _ in range(world.settings.pool_size):
            (await lent.enter_async_context(pool.connection())).add_query_logger(note)
    assert (await world.http.get(INBOX, auth=world.auth("kw-1", "casework"))).status_code == 200
    establishing = [sql for sql in sent if "proof" in sql or "revoked" in sql or "FROM client" in sql]
    assert len(establishing) == 1


async def test_housekeeping_forgets_what_has_expired(
    world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await captured(world)
    async with world.database.connection() as connection:
        await connection.execute("INSERT INTO revoked_token VALUES ('one', $1)", world.clock())
    world.clock.advance(hours=2)
    monkeypatch.setattr(housekeeping, "_EVERY_SECONDS", 0.01)
    worker = main.create_app(world.settings, world.urls, clock=world.clock)
    left = "SELECT (SELECT count(*) FROM spent_assertion) + (SELECT count(*) FROM spent_proof) + count(*)"
    async with asyncio.timeout(5), worker.router.lifespan_context(worker), world.database.connection() as connection:
        while await connection.fetchval(f"{left} FROM revoked_token"):  # noqa: ASYNC110 - it happens in the database
            await asyncio.sleep(0.02)
        assert await connection.fetchval("SELECT count(*) FROM proof_memory") == 1
