"""Counts shared through Redis: the promises of the table, on a real server that is killed, frozen, full and locked."""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from builders import BASE_URL, World, question, running_world
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis_server import RedisServer, running

from registry_api.kernel import shared_window
from registry_api.kernel.errors import StoreUnavailable
from registry_api.kernel.redis_counts import RedisCounts
from registry_api.kernel.shared_window import SharedWindowStorage
from registry_api.main import create_app
from registry_api.problems import MEDIA_TYPE

MINUTE = 60 * 1_000_000
_SECRET = "not-to-be-told"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running() as server:
        yield server


class Time:
    """A clock that passes only when told."""

    def __init__(self) -> None:
        self.now = float(MINUTE)

    def __call__(self) -> float:
        return self.now


class Worker:
    """What one worker counts with."""

    def __init__(self, url: str, now: Time) -> None:
        self.counts = RedisCounts(url, timeout_seconds=5)
        self.storage = SharedWindowStorage(now=now, monotonic=now)

    async def share(self) -> None:
        await self.storage.synchronise(self.counts)


async def test_workers_add_up_and_lose_nothing(redis: RedisServer) -> None:
    now = Time()
    workers = [Worker(redis.url, now) for _ in range(4)]
    keys = [f"key {number:02}" for number in range(50)]
    for worker in workers:
        await worker.share()
    for _ in range(5):
        for worker in workers:
            for key in keys:
                worker.storage.incr(key, 60)
        await asyncio.gather(*(worker.share() for worker in workers))
    for worker in workers:
        await worker.share()
    assert {worker.storage.get(key) for worker in workers for key in keys} == {20}
    for worker in workers:
        await worker.counts.close()


async def test_whoever_watches_learns_what_others_count(redis: RedisServer) -> None:
    now = Time()
    one, other = Worker(redis.url, now), Worker(redis.url, now)
    await one.share()
    await other.share()
    one.storage.incr("key", 86_400, 3)
    await one.share()
    assert other.storage.watch("key", 86_400) is None
    await other.share()
    assert other.storage.watch("key", 86_400) == 3
    await one.counts.close()
    await other.counts.close()


async def test_nothing_is_kept_longer_than_its_window(redis: RedisServer) -> None:
    now = Time()
    worker = Worker(redis.url, now)
    await worker.share()
    for number in range(100):
        worker.storage.incr(f"key {number}", 60)
    worker.storage.incr("long", 600)
    worker.storage.watch("watched", 60)
    now.now += 20
    await worker.share()
    left = {name: redis.do("TTL", name) for name in redis.do("KEYS", "*")}
    assert left.pop("registry:counts:open") <= 60
    minute = MINUTE // 600 * 600
    assert left.keys() == {f"registry:counts:60:{MINUTE}", f"registry:counts:600:{minute}"}
    assert 95 <= left[f"registry:counts:60:{MINUTE}"] <= 100
    await worker.counts.close()


async def test_an_emptied_server_gives_nobody_a_fresh_start(redis: RedisServer) -> None:
    now = Time()
    worker = Worker(redis.url, now)
    await worker.share()
    worker.storage.incr("key", 60, 9)
    await worker.share()
    redis.do("FLUSHALL")
    await worker.share()
    assert worker.storage.get("key") == 9
    await worker.counts.close()


@pytest.mark.parametrize("why", ["full", "a replica", "locked", "away", "frozen"])
async def test_what_cannot_be_written_is_not_counted_on(redis: RedisServer, why: str) -> None:
    counts = RedisCounts(redis.url, timeout_seconds=1)
    await counts.add([("key", MINUTE, 60, 1)], MINUTE)
    match why:
        case "full":
            redis.do("CONFIG", "SET", "maxmemory", "1")
        case "a replica":
            redis.do("REPLICAOF", "127.0.0.1", "1")
        case "locked":
            redis.do("CONFIG", "SET", "requirepass", _SECRET)
            await counts.close()
            counts = RedisCounts(redis.url, timeout_seconds=1)
        case "away":
            redis.kill()
        case "frozen":
            redis.send(signal.SIGSTOP)
    for rows in ([("key", MINUTE, 60, 1)], [("key", MINUTE, 60, 0)], []):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await counts.add(rows, MINUTE)
        assert time.monotonic() - began < 4
    await counts.close()


async def test_after_a_freeze_no_answer_is_taken_for_another(redis: RedisServer) -> None:
    counts = RedisCounts(redis.url, timeout_seconds=1)
    assert await counts.add([("one", MINUTE, 60, 7)], MINUTE) == [("one", MINUTE, 7)]
    redis.send(signal.SIGSTOP)
    with pytest.raises(StoreUnavailable):
        await counts.add([("two", MINUTE, 60, 5)], MINUTE)
    redis.send(signal.SIGCONT)
    assert await counts.add([("one", MINUTE, 60, 0)], MINUTE) == [("one", MINUTE, 7)]
    await counts.close()


async def test_with_a_password_and_no_word_of_it(redis: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    redis.do("ACL", "SETUSER", "registry", "on", f">{_SECRET}", "~registry:*", "+@all")
    redis.do("CONFIG", "SET", "requirepass", "another")
    path = redis.url.removeprefix("unix://")
    good = RedisCounts(f"unix://registry:{_SECRET}@{path}")
    assert await good.add([("key", MINUTE, 60, 1)], MINUTE) == [("key", MINUTE, 1)]
    await good.close()
    bad = RedisCounts(f"unix://registry:{_SECRET}-wrong@{path}")
    with caplog.at_level(logging.DEBUG), pytest.raises(StoreUnavailable) as refused:
        await bad.add([], MINUTE)
    assert _SECRET not in caplog.text + repr(refused.value) + repr(refused.value.__cause__)
    await bad.close()


def _certificate(folder: Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis of a test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return str(folder / "cert.pem"), str(folder / "key.pem")


async def test_over_tls_to_the_server_that_was_meant_and_no_other(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--tls-port", str(port), "--bind", "127.0.0.1", "--tls-cert-file", certificate, "--tls-key-file", key)
    with running(*options, "--tls-auth-clients", "no"):
        good = RedisCounts(f"rediss://localhost:{port}?ssl_ca_certs={certificate}")
        assert await good.add([("key", MINUTE, 60, 2)], MINUTE) == [("key", MINUTE, 2)]
        await good.close()
        for url in (f"rediss://localhost:{port}", f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}"):
            other = RedisCounts(url)
            with pytest.raises(StoreUnavailable):
                await other.add([("key", MINUTE, 60, 2)], MINUTE)
            await other.close()


async def until(world: World, path: str, status: int) -> float:
    """Ask until the answer has that status; return the seconds that the longest answer took."""
    longest = 0.0
    async with asyncio.timeout(30):
        while True:
            began = time.monotonic()
            answer = await world.http.get(path)
            longest = max(longest, time.monotonic() - began)
            if answer.status_code == status:
                return longest
            await asyncio.sleep(0.05)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell and learn more often, and close sooner, than is worth waiting for in a test."""
    monkeypatch.setattr(shared_window, "SYNCHRONISE_SECONDS", 0.2)
    monkeypatch.setattr(shared_window, "CLOSED_AFTER_SECONDS", 3.0)


@pytest.mark.parametrize("how", ["killed", "frozen"])
@pytest.mark.usefixtures("impatient")
async def test_when_redis_goes_the_service_says_so_in_time_and_comes_back_with_it(
    redis: RedisServer, database_url: str, tmp_path: Path, how: str
) -> None:
    async with running_world(database_url, tmp_path, redis_url=redis.url) as world:
        await world.token("officer-1", "enquiry")
        assert (await world.ask("officer-1", question())).status_code == 200
        redis.kill() if how == "killed" else redis.send(signal.SIGSTOP)
        longest = await until(world, "/readyz", 503)
        began = time.monotonic()
        refused = await world.ask("officer-1", question())
        longest = max(longest, time.monotonic() - began)
        assert longest < 5  # a Redis that is frozen would answer never
        assert (refused.status_code, refused.headers["content-type"]) == (503, MEDIA_TYPE)
        assert refused.headers["retry-after"] == "1"
        assert (await world.http.get("/livez")).status_code == 200
        redis.start() if how == "killed" else redis.send(signal.SIGCONT)
        await until(world, "/readyz", 200)
        assert (await world.ask("officer-1", question())).status_code == 200
        async with world.database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM rate_count") == 0


@pytest.mark.usefixtures("impatient")
async def test_a_service_that_is_started_without_redis_waits_for_it(
    redis: RedisServer, database_url: str, tmp_path: Path
) -> None:
    redis.kill()
    async with running_world(database_url, tmp_path, redis_url=redis.url) as world:
        assert (await world.http.get("/.well-known/jwks.json")).status_code == 503
        redis.start()
        await until(world, "/.well-known/jwks.json", 200)


async def test_two_workers_share_a_limit_through_redis(redis: RedisServer, database_url: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"redis_url": redis.url, "requests_per_minute_address": 3}
    path = "/.well-known/jwks.json"
    async with running_world(database_url, tmp_path, **settings) as world:
        other = create_app(world.settings, world.urls, clock=world.clock)
        transport = httpx2.ASGITransport(app=other)
        async with (
            other.router.lifespan_context(other),
            httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client,
        ):
            assert [(await http.get(path)).status_code for http in (client, world.http, world.http)] == [200] * 3
            counts = RedisCounts(redis.url)
            for app in (world.app, other, world.app):
                await app.state.limits.storage.synchronise(counts)
            await counts.close()
            assert [(await http.get(path)).status_code for http in (client, world.http)] == [429, 429]
