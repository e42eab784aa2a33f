"""Every route of the application, hammered: it refuses in time, as a problem document, and counts with the others."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from browsing import Browser
from builders import BASE_URL, World, question, running_world
from fastapi import FastAPI, Request
from starlette.routing import Mount

from registry_api.kernel.limits import UnlimitedRoute, require_on_every_route
from registry_api.kernel.shared_window import SqlCounts
from registry_api.main import create_app
from registry_api.problems import MEDIA_TYPE
from tests.house.routes import DEVELOPMENT, EXAMPLES, GOVERNED, OPEN, SESSION, Key

AMOUNT = 3
Hit = Callable[[httpx2.AsyncClient], Awaitable[httpx2.Response]]


@asynccontextmanager
async def two_workers(
    database_url: str, state: Path, **amounts: int
) -> AsyncIterator[tuple[World, httpx2.AsyncClient]]:
    """A world, and a client of another worker of the same register."""
    async with running_world(database_url, state, **amounts) as world:
        other = create_app(world.settings, world.urls, clock=world.clock)
        transport = httpx2.ASGITransport(app=other)
        async with (
            other.router.lifespan_context(other),
            httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as client,
        ):
            world.other = other  # type: ignore[attr-defined]
            yield world, client


async def share(world: World) -> None:
    """Have both workers tell and learn, as they do each second."""
    for app in (world.app, world.other, world.app):  # type: ignore[attr-defined]
        await app.state.limits.storage.synchronise(SqlCounts(world.database))


def hit_of(world: World, key: Key) -> Hit:
    """Return what makes a request to a route."""
    method, path = key
    url = re.sub(r"{(\w+)}", lambda name: EXAMPLES.get(name[1], EXAMPLES["alert_id"]), path)

    async def governed(client: httpx2.AsyncClient) -> httpx2.Response:
        by = GOVERNED[key]
        return await client.request(
            method, url, json=by.body, headers=dict(by.headers), auth=world.auth(by.asker, by.scope)
        )

    async def plainly(client: httpx2.AsyncClient) -> httpx2.Response:
        return await client.request(method, url)

    return governed if key in GOVERNED else plainly


def is_refusal(answer: httpx2.Response) -> bool:
    assert answer.status_code < 500, answer.text
    if answer.status_code != 429:
        return False
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    problem = answer.json()
    assert (problem["type"], problem["status"]) == ("urn:registry:problem:too-many-requests", 429)
    assert "telephone" in problem["detail"]
    return True


async def hammer(world: World, other: httpx2.AsyncClient, hit: Hit) -> list[bool]:
    """Hit a route at both workers until nothing is left, and once more at each; return which hits were refused."""
    world.clock.advance(minutes=1)
    await share(world)
    refused = [is_refusal(await hit(client)) for client in (other, world.http, world.http)]
    await share(world)
    return [*refused, is_refusal(await hit(other)), is_refusal(await hit(world.http))]


@pytest.mark.rule("ENQ-3")
@pytest.mark.parametrize("who", ["professional", "organisation"])
async def test_every_route_with_a_policy_refuses_what_is_too_much(database_url: str, tmp_path: Path, who: str) -> None:
    async with two_workers(database_url, tmp_path, **{f"enquiries_per_minute_{who}": AMOUNT}) as (world, other):
        found = {key: await hammer(world, other, hit_of(world, key)) for key in GOVERNED}
        assert found == dict.fromkeys(GOVERNED, [False] * AMOUNT + [True, True])
        refused = await world.log("request.refused")
        assert len([entry for entry in refused if entry["reason"] == "too-many-requests"]) == 2 * len(GOVERNED)


async def test_every_other_route_refuses_what_is_too_much(database_url: str, tmp_path: Path) -> None:
    async with two_workers(database_url, tmp_path, requests_per_minute_address=AMOUNT) as (world, other):
        routes = [key for key, by in (OPEN | DEVELOPMENT).items() if by == {"address"}]
        found = {key: await hammer(world, other, hit_of(world, key)) for key in routes}
        assert found == dict.fromkeys(routes, [False] * AMOUNT + [True, True])


async def test_every_route_of_a_session_refuses_what_is_too_much(database_url: str, tmp_path: Path) -> None:
    async with two_workers(database_url, tmp_path, requests_per_minute_address=AMOUNT) as (world, other):
        for key in SESSION:
            signed_in = []
            for subject in ("kw-1", "kw-2", "kw-3", "duty-1", "duty-2"):  # each for one hit: some end all of one's own
                world.clock.advance(minutes=1)
                signed_in.append(Browser(world))
                await signed_in[-1].sign_in(subject)
            method, path = key
            url = re.sub(r"{\w+}", EXAMPLES["alert_id"], path)
            browsers = iter(signed_in)

            async def hit(
                client: httpx2.AsyncClient, *, method: str = method, url: str = url, browsers: Any = browsers
            ) -> httpx2.Response:
                browser: Browser = next(browsers)
                browser.http._transport = client._transport
                return await browser.send(method, url)

            assert await hammer(world, other, hit) == [False] * AMOUNT + [True, True], key


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
async def test_a_worker_s_health_is_limited_by_itself_and_told_without_any_store(
    database_url: str, tmp_path: Path, path: str
) -> None:
    async with two_workers(database_url, tmp_path, health_checks_per_minute_address=2) as (world, other):
        assert await hammer(world, other, hit_of(world, ("GET", path))) == [False] * AMOUNT + [False, True]
        world.clock.advance(minutes=1)
        world.app.state.limits.storage._synchronised_at = float("-inf")  # as when its store has long been away
        answer = await world.http.get(path)
        assert answer.status_code == {"/livez": 200, "/readyz": 503}[path]
        assert (await other.get(path)).status_code == 200


async def test_an_urgent_enquiry_sent_again_for_want_of_an_answer_is_still_the_same_one(
    database_url: str, tmp_path: Path
) -> None:
    async with running_world(database_url, tmp_path, enquiries_per_minute_professional=2) as world:
        first = await world.ask("officer-1", question(), key="the-same-request", urgency="immediate")
        assert first.status_code == 200
        assert (await world.ask("officer-1", question(), key="the-same-request", urgency="immediate")).json()[
            "reference"
        ] == first.json()["reference"]
        refused = await world.ask("officer-1", question(), key="the-same-request", urgency="immediate")
        assert is_refusal(refused)
        world.clock.advance(seconds=int(refused.headers["retry-after"]))
        again = await world.ask("officer-1", question(), key="the-same-request", urgency="immediate")
        assert (again.status_code, again.json()["reference"]) == (200, first.json()["reference"])
        async with world.database.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM enquiry") == 1


async def test_an_application_with_an_unlimited_route_does_not_begin_to_serve(world: World) -> None:
    app = create_app(world.settings, world.urls, clock=world.clock)

    @app.get("/added")
    async def added(request: Request) -> None: ...

    with pytest.raises(UnlimitedRoute, match="/added"):
        async with app.router.lifespan_context(app):
            pytest.fail("it serves")


def test_what_cannot_carry_a_limit_is_refused_too() -> None:
    with pytest.raises(UnlimitedRoute, match=r"/openapi\.json"):
        require_on_every_route(FastAPI().routes)  # the framework's own
    with pytest.raises(UnlimitedRoute, match="/within"):
        require_on_every_route([Mount("/within", FastAPI(openapi_url=None))])
    require_on_every_route([])
