"""A provider's keys are followed: over real TLS from a real server on this machine, which turns bad in every way."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from auth_doubles import Clock
from joserfc.jwk import ECKey
from key_server import KeyServer, key_server

from auth import outside, provider_keys
from auth.errors import InvalidToken, ProviderUnavailable, Reason
from auth.provider_keys import FollowedKeys, KeyAddress
from auth.providers import KeySource

OLD, NEW = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
for _key in (OLD, NEW):
    _key.ensure_kid()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[KeyServer]:
    with key_server(tmp_path) as server:
        server.serve(OLD)
        yield server


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that runs other tests as well may take its time."""
    monkeypatch.setattr(provider_keys, "_SECONDS", 60)
    monkeypatch.setattr(outside, "_ANSWERED", 60)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def keys(server: KeyServer, clock: Clock) -> AsyncIterator[FollowedKeys]:
    address = KeyAddress(KeySource(server.address, server.ca_file))
    yield FollowedKeys(address.fetch, clock)
    await address.close()


async def is_known(keys: FollowedKeys, key: Any) -> bool:
    """Whether the key is one of the provider's. ProviderUnavailable comes through."""
    try:
        found = await keys.key(key.kid, "ES256")
    except InvalidToken:
        return False
    assert found.thumbprint() == key.thumbprint()
    return True


async def test_a_key_is_fetched_once_and_kept(keys: FollowedKeys, server: KeyServer, clock: Clock) -> None:
    assert await is_known(keys, OLD)
    clock.forward(899)
    assert await is_known(keys, OLD)
    assert server.asked == ["/keys"]


async def test_a_new_key_is_followed_as_soon_as_it_is_used(keys: FollowedKeys, server: KeyServer, clock: Clock) -> None:
    assert await is_known(keys, OLD)
    server.serve(OLD, NEW)
    clock.forward(30)
    assert await is_known(keys, NEW)
    assert await is_known(keys, OLD), "both side by side"
    assert len(server.asked) == 2


async def test_a_key_that_is_gone_is_refused(keys: FollowedKeys, server: KeyServer, clock: Clock) -> None:
    assert await is_known(keys, OLD)
    server.serve(NEW)
    clock.forward(900)
    assert not await is_known(keys, OLD)
    assert await is_known(keys, NEW)


async def test_no_more_keys_at_all_is_an_answer_too(keys: FollowedKeys, server: KeyServer, clock: Clock) -> None:
    assert await is_known(keys, OLD)
    server.serve()
    clock.forward(900)
    assert not await is_known(keys, OLD)


async def test_made_up_key_names_do_not_make_us_ask_again_and_again(
    keys: FollowedKeys, server: KeyServer, clock: Clock
) -> None:
    for number in range(50):
        with pytest.raises(InvalidToken, match=Reason.KEY):
            await keys.key(f"made-up-{number}", "ES256")
    assert len(server.asked) == 1
    clock.forward(29)
    assert not await is_known(keys, NEW)
    assert await is_known(keys, OLD), "who is known is not held up by it"
    clock.forward(1)
    assert not await is_known(keys, NEW)
    assert len(server.asked) == 2


async def test_whoever_comes_at_once_asks_once(keys: FollowedKeys, server: KeyServer) -> None:
    assert all(await asyncio.gather(*(is_known(keys, OLD) for _ in range(50))))
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (302, {"Location": "/elsewhere"}, b""),
        (301, {"Location": "https://127.0.0.1:1/keys"}, b""),
        (307, {"Location": "/keys"}, b"{}"),
        (404, {}, None),
        (500, {}, None),
        (204, {}, b""),
        (200, {}, b""),
        (200, {}, b"{"),
        (200, {}, b"\xff\xfe"),
        (200, {}, b"[]"),
        (200, {}, b"null"),
        (200, {}, b'{"keys": null}'),
        (200, {}, b'{"keys": {"kid": "x"}}'),
        (200, {}, b'{"error": "try later"}'),
        (200, {}, b"[" * 100_000),
        (200, {}, b'{"keys": [' + b" " * 262_144 + b"]}"),
        (200, {"Content-Encoding": "gzip"}, gzip.compress(b'{"keys": []}', mtime=0)),
        (200, {"Content-Length": "1000"}, b'{"keys": []}'),
    ],
)
async def test_an_answer_to_no_purpose_is_none(
    keys: FollowedKeys, server: KeyServer, clock: Clock, status: int, headers: dict[str, str], body: bytes | None
) -> None:
    server.status, server.headers = status, headers
    server.body = server.body if body is None else body
    if headers.get("Content-Length"):
        server.headers = {**headers, "Connection": "close"}
    with pytest.raises(ProviderUnavailable):
        await is_known(keys, OLD)
    assert server.asked == ["/keys"], "nowhere else, whatever it says"
    server.serve(OLD)
    with pytest.raises(ProviderUnavailable):
        await is_known(keys, OLD)
    assert len(server.asked) == 1, "not again so soon"
    clock.forward(30)
    assert await is_known(keys, OLD)


async def test_a_provider_that_is_down_stops_nobody_who_is_known_for_an_hour(
    keys: FollowedKeys, server: KeyServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert await is_known(keys, OLD)
    server.status = 503
    for _ in range(5):
        clock.forward(719)
        assert await is_known(keys, OLD)
    assert "could not be had" in caplog.text
    with pytest.raises(ProviderUnavailable):
        await is_known(keys, NEW)
    clock.forward(5)
    with pytest.raises(ProviderUnavailable):
        await is_known(keys, OLD)
    server.serve(NEW)
    clock.forward(30)
    assert await is_known(keys, NEW)
    assert not await is_known(keys, OLD)


async def test_a_server_that_is_not_there_is_down(tmp_path: Path, clock: Clock) -> None:
    with key_server(tmp_path) as gone:
        pass
    address = KeyAddress(KeySource(gone.address, gone.ca_file))
    with pytest.raises(ProviderUnavailable):
        await FollowedKeys(address.fetch, clock).key("any", "ES256")
    await address.close()


async def test_a_server_that_nobody_vouches_for_is_not_believed(server: KeyServer, clock: Clock) -> None:
    address = KeyAddress(KeySource(server.address))
    with pytest.raises(ProviderUnavailable):
        await FollowedKeys(address.fetch, clock).key(OLD.kid, "ES256")
    assert server.asked == []
    await address.close()


async def test_no_proxy_of_the_environment_is_asked(
    keys: FollowedKeys, server: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    address = KeyAddress(KeySource(server.address, server.ca_file))
    assert (await address.fetch())["keys"]
    await address.close()


async def test_a_provider_that_hangs_is_not_waited_for(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "_ANSWERED", 0.5)

    async def never() -> dict[str, Any]:
        async with outside.answered_in_time():
            await asyncio.sleep(60)
        raise AssertionError

    keys = FollowedKeys(never, clock)
    begun = asyncio.get_running_loop().time()
    results = await asyncio.gather(*(keys.key("any", "ES256") for _ in range(20)), return_exceptions=True)
    assert {type(result) for result in results} == {ProviderUnavailable}
    assert asyncio.get_running_loop().time() - begun < 5


async def test_while_somebody_asks_a_known_key_is_there_at_once(clock: Clock) -> None:
    going_on, asked = asyncio.Event(), asyncio.Event()
    answers = 0

    async def fetch() -> dict[str, Any]:
        nonlocal answers
        answers += 1
        if answers > 1:
            asked.set()
            await going_on.wait()
        return {"keys": [OLD.as_dict(private=False)]}

    keys = FollowedKeys(fetch, clock)
    assert await is_known(keys, OLD)
    clock.forward(900)
    first = asyncio.create_task(is_known(keys, OLD))
    await asked.wait()
    assert await asyncio.wait_for(is_known(keys, OLD), 1)
    going_on.set()
    assert await first
    assert answers == 2


async def test_who_gives_up_halfway_leaves_nothing_behind(clock: Clock) -> None:
    begun = asyncio.Event()
    hang = True

    async def fetch() -> dict[str, Any]:
        begun.set()
        if hang:
            await asyncio.sleep(60)
        return {"keys": [OLD.as_dict(private=False)]}

    keys = FollowedKeys(fetch, clock)
    asking = asyncio.create_task(keys.key(OLD.kid, "ES256"))
    await begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    with pytest.raises(ProviderUnavailable):
        await is_known(keys, OLD)
    hang = False
    clock.forward(30)
    assert await is_known(keys, OLD)
