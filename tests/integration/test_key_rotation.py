"""The signing key is rotated while two workers serve: nobody is refused for it, and the command says and records it."""

import asyncio
import base64
import inspect
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from builders import BASE_URL, World
from deployment import deployment, run
from fastapi import FastAPI

from auth.key_file import Replacement, load
from auth.rotation import SHORTEST_LEAD_SECONDS, only_new, with_next
from registry_api import main
from registry_api.cli import administration, signing
from registry_api.cli.output import Failure
from registry_api.kernel.clock import utc_now

INBOX = "/api/v1/notifications"
LEAD = timedelta(seconds=SHORTEST_LEAD_SECONDS)


@asynccontextmanager
async def another_worker(world: World, database_url: str) -> AsyncIterator[httpx2.AsyncClient]:
    app: FastAPI = main.create_app(world.settings, world.urls, clock=world.clock)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=BASE_URL) as http,
    ):
        yield http


def rotate(world: World, *, at_once: bool = False) -> None:
    path, now = world.settings.signing_keys_file, int(world.clock().timestamp())
    stamp, keys = load(path)
    following = only_new(now) if at_once else with_next(keys, now, SHORTEST_LEAD_SECONDS)
    assert Replacement(path, following, stamp).put_in_place()


async def published(http: httpx2.AsyncClient) -> list[str]:
    answer = await http.get("/.well-known/jwks.json")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert all("d" not in key for key in answer.json()["keys"])
    return [key["kid"] for key in answer.json()["keys"]]


async def issued(world: World, http: httpx2.AsyncClient) -> tuple[str, Any]:
    """A new token of one worker, by the key that it was signed with, and what sends requests with it."""
    world._asking.clear()
    asking = world.auth("kw-1", "casework")
    token = await asking.token_async(http)
    header, _, _ = token.partition(".")
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"], asking


async def test_two_workers_rotate_without_refusing_anybody(world: World, database_url: str) -> None:
    async with another_worker(world, database_url) as other:
        workers = (world.http, other)

        async def all_accept(asking: Any) -> None:
            for http in workers:
                assert (await http.get(INBOX, auth=asking)).status_code == 200

        old, asking = await issued(world, other)
        assert await published(world.http) == await published(other) == [old]

        rotate(world)
        world.clock.advance(seconds=1)
        for http in workers:
            (first, new) = await published(http)
            assert (first, new != old) == (old, True), "known to everybody before it signs"
        assert (await issued(world, world.http))[0] == old

        world.clock.advance(seconds=LEAD.total_seconds() - 2)
        last_of_old, asking = await issued(world, other)
        assert last_of_old == old
        world.clock.advance(seconds=1)
        by_new, asking_anew = await issued(world, world.http)
        assert by_new == new
        await all_accept(asking)
        await all_accept(asking_anew)
        assert await world.log("access.refused") == []

        world.clock.advance(minutes=6)
        assert await published(world.http) == await published(other) == [new], "the old one is dropped"


async def test_a_key_at_once_is_accepted_by_a_worker_that_has_not_read_it(world: World, database_url: str) -> None:
    async with another_worker(world, database_url) as other:
        old, asking = await issued(world, world.http)
        assert (await other.get(INBOX, auth=asking)).status_code == 200
        rotate(world, at_once=True)
        # The clock stands still: neither worker has looked at the file again.
        async with another_worker(world, database_url) as third:
            new, asking_anew = await issued(world, third)
        assert new != old
        assert (await other.get(INBOX, auth=asking_anew)).status_code == 200
        world.clock.advance(seconds=1)
        for http in (world.http, other):
            assert (await http.get(INBOX, auth=asking)).status_code == 401, "what the old key signed is worth nothing"


@pytest.fixture
def environment(database_url: str, world: World) -> dict[str, str]:
    """The settings of the world, for a command."""
    return deployment(world.settings.state_dir.parent) | {"REGISTRY_DATABASE_URL": database_url}


async def in_process(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, **how: Any) -> None:
    """Do what the command does, without the second that it takes to begin."""
    for name in ("REGISTRY_STATE_DIR", "REGISTRY_DATABASE_URL"):
        monkeypatch.setenv(name, environment[name])
    said = {"lead_minutes": 10, "at_once": False, "why": "It is time.", "by": None, **how}
    await asyncio.to_thread(lambda: signing.rotate(**said))


async def test_the_command_adds_a_key_says_from_when_on_and_records_it(
    world: World, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world.settings.signing_keys_file
    (before,) = load(path)[1].keys
    begun = utc_now().timestamp()
    done = run(["rotate-signing-key", "--why", "It is time.", "--by", "sm-1"], environment)
    assert done.returncode == 0, done.stderr
    old, new = load(path)[1].keys
    assert old.kid == before.kid
    assert 600 <= new.signs_from - begun < 700
    assert old.verifies_until == new.signs_from + 360
    assert done.stdout == ""
    assert new.kid in done.stderr
    assert old.kid in done.stderr
    assert path.stat().st_mode & 0o777 == 0o600
    assert [kept.name for kept in path.parent.iterdir() if "signing" in kept.name] == [path.name]
    (noted,) = await world.log("directory.changed")
    assert (noted["reference"], noted["reason"]) == (new.kid, "signing_key_added")
    assert noted["professional_id"] == world.members["sm-1"].id

    with pytest.raises(Failure, match="waits already"):
        await in_process(environment, monkeypatch)
    assert len(await world.log("directory.changed")) == 1


async def test_the_command_for_a_key_that_became_known(
    world: World, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world.settings.signing_keys_file
    (old,) = load(path)[1].keys
    await in_process(environment, monkeypatch, at_once=True)
    (new,) = load(path)[1].keys
    assert new.kid != old.kid
    noted = [(entry["reference"], entry["reason"]) for entry in await world.log("directory.changed")]
    assert noted == [(new.kid, "signing_key_added"), (old.kid, "signing_key_retired")]


@pytest.mark.parametrize("wrong", ["no file", "damaged", "open to others", "no reason", "nobody"])
async def test_where_it_cannot_be_the_keys_stay(
    world: World, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    path, why, by = world.settings.signing_keys_file, "It is time.", None
    match wrong:
        case "no file":
            path.unlink()
        case "damaged":
            path.write_text(path.read_text()[:-9])
        case "open to others":
            path.chmod(0o644)
        case "no reason":
            why = " "
        case _:
            by = "officer-1"
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(Failure):
        await in_process(environment, monkeypatch, why=why, by=by)
    assert (path.read_bytes() if path.exists() else None) == before
    assert [kept.name for kept in path.parent.iterdir() if "signing" in kept.name] == ([path.name] if before else [])
    assert await world.log("directory.changed") == []


async def test_what_another_command_did_meanwhile_stays(
    world: World, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, recorded = world.settings.signing_keys_file, signing.make_here

    def slowly(*arguments: Any, **options: Any) -> None:
        recorded(*arguments, **options)
        rotate(world, at_once=True)

    monkeypatch.setattr(signing, "make_here", slowly)
    with pytest.raises(Failure, match="Somebody else"):
        await in_process(environment, monkeypatch)
    (kept,) = load(path)[1].keys
    assert kept.signs_from == int(world.clock().timestamp())
    assert [one.name for one in path.parent.iterdir() if "signing" in one.name] == [path.name]


def test_the_shortest_lead_that_the_command_takes_is_long_enough() -> None:
    lead = inspect.signature(administration.rotate_signing_key, eval_str=True).parameters["lead"]
    (option,) = lead.annotation.__metadata__
    assert option.min * 60 >= SHORTEST_LEAD_SECONDS
    assert lead.default >= option.min
