"""Guards every error of every route: a problem document in fixed words (RFC 9457), whatever goes wrong.

What is none is on a closed list: errors in the form that OAuth prescribes, pages of signing in, and what a probe reads.
Those of the guards around the application (too large, no such method) are problem documents everywhere.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from browsing import Browser
from builders import BASE_URL, World

from registry_api.kernel.db import Database
from registry_api.problems import MEDIA_TYPE
from tests.house.routes import DEVELOPMENT, EXAMPLES, GOVERNED, OPEN, SESSION, Key

OAUTH, PAGE, PROBE = "application/json (RFC 6749)", "text/html", "application/json"
OTHERWISE: dict[Key, dict[int, str]] = {
    ("GET", "/sign-in"): {503: PAGE},
    ("GET", "/sign-in/step-up"): {503: PAGE},
    ("GET", "/account"): {401: PAGE},
    ("GET", "/readyz"): {503: PROBE},
    ("POST", "/oauth2/introspect"): {403: OAUTH},
    ("POST", "/sign-in/back-channel"): dict.fromkeys((400, 503), OAUTH),
}
"""What a route answers an error with, where it is no problem document alone. Under ``/oauth2/`` it is
OAuth's."""
OF_OAUTH = {400, 401, 413, 415, 503}
EVERY = sorted(GOVERNED | SESSION | OPEN | DEVELOPMENT)


def _otherwise(key: Key) -> dict[int, str]:
    of_oauth = dict.fromkeys(OF_OAUTH, OAUTH) if key[1].startswith("/oauth2/") else {}
    return {**of_oauth, **OTHERWISE.get(key, {})}


def _path(key: Key) -> str:
    return re.sub(r"{(\w+)}", lambda name: EXAMPLES[name[1]], key[1])


def _is_problem(answer: httpx2.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    document = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:registry:problem:")
    assert document["request_id"] == answer.headers["x-request-id"]
    assert document["title"]
    assert document["detail"]
    assert answer.headers["cache-control"] == "no-store"


def test_every_error_that_is_described_is_a_problem_document_or_on_the_list(shared_world: World) -> None:
    for path, operations in shared_world.app.openapi()["paths"].items():
        for method, operation in operations.items():
            key = (method.upper(), path)
            for status, said in operation["responses"].items():
                if int(status) < 400:
                    continue
                other = {kind.partition(" ")[0] for at, kind in _otherwise(key).items() if at == int(status)}
                assert other <= said["content"].keys() <= other | {MEDIA_TYPE}, f"{key} {status}"


@pytest.fixture
async def broken(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """An application from which everything has been taken that it works with; it answers, instead of raising."""
    transport = httpx2.ASGITransport(app=world.app, raise_app_exceptions=False)
    kept = dict(world.app.state._state)
    world.app.state._state.clear()
    async with httpx2.AsyncClient(transport=transport, base_url=BASE_URL) as http:
        yield http
    world.app.state._state.update(kept)


async def test_what_nobody_foresaw_is_a_problem_document_that_says_nothing_of_it(
    broken: httpx2.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    for key in EVERY:
        answer = await broken.request(key[0], _path(key))
        if key in DEVELOPMENT and answer.status_code < 500:
            continue  # it keeps what it works with to itself
        else:
            _is_problem(answer, 500)
            assert answer.json()["title"] == "Something went wrong here"
            assert "AttributeError" not in answer.text
            assert "auth" not in answer.text


async def test_a_method_that_is_not_offered_is_a_problem_document_that_says_which_are(shared_world: World) -> None:
    for path in {_path(key) for key in EVERY}:
        answer = await shared_world.http.request("PATCH", path)
        _is_problem(answer, 405)
        assert answer.headers["allow"]


async def test_what_is_too_large_is_a_problem_document_everywhere(shared_world: World) -> None:
    for key in EVERY:
        answer = await shared_world.http.request(key[0], _path(key), content=b"x" * 70_000)
        _is_problem(answer, 413)


async def test_what_does_not_exist_is_a_problem_document(shared_world: World) -> None:
    for path in ("/", "/api", "/api/v1", "/api/v2/enquiries", "/docs", "/oauth2/authorize", "/.env"):
        _is_problem(await shared_world.http.get(path), 404)


async def test_while_the_database_is_away_every_route_says_so_in_its_form_and_when_to_come_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(world)
    await browser.sign_in("sm-1")
    for governed in GOVERNED.values():
        await world.token(governed.asker, governed.scope)

    async def away(self: Database) -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr(Database, "_checked_out", away)
    for key, governed in GOVERNED.items():
        answer = await world.http.request(
            key[0],
            _path(key),
            json=governed.body,
            headers=dict(governed.headers),
            auth=world.auth(governed.asker, governed.scope),
        )
        _is_problem(answer, 503)
        assert answer.headers["retry-after"]
    for key in SESSION:
        _is_problem(await browser.send(key[0], _path(key)), 503)
    for key in (("POST", "/oauth2/token"), ("GET", "/readyz")):
        answer = await world.http.request(*key)
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/json"
