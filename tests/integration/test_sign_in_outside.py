"""Signing in at a provider outside: the real application and database, and a provider that is a server of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from browsing import COOKIE, OutsideBrowser, identity_file
from builders import World, running_world
from external_provider import CLIENT_ID, ExternalProvider, Given, new_key, running

from auth.client import generate_client_key
from policies.enquirer import CONSOLE

PRIVATE, PUBLIC = generate_client_key()


@asynccontextmanager
async def _world(database_url: str, folder: Path, provider: ExternalProvider) -> AsyncIterator[World]:
    provider.client_key = PUBLIC
    with running(provider):
        file = identity_file(folder, provider, private_jwk=PRIVATE)
        async with running_world(database_url, folder / "state", identity_file=file) as world:
            provider.clock = world.clock
            yield world


@pytest.fixture
def outside() -> ExternalProvider:
    return ExternalProvider()


@pytest.fixture
async def house(database_url: str, tmp_path: Path, outside: ExternalProvider) -> AsyncIterator[World]:
    async with _world(database_url, tmp_path, outside) as world:
        yield world


@pytest.fixture
def browser(house: World) -> OutsideBrowser:
    return OutsideBrowser(house)


async def test_all_the_way_in_and_out(house: World, outside: ExternalProvider, browser: OutsideBrowser) -> None:
    assert (await browser.sign_in("kw-1", path="/sign-in?return_to=/api/v1/notifications")).status_code == 200
    assert len(outside.paths("/par")) == 1
    session = (await browser.get("/session")).json()
    assert (session["subject"], session["role"], session["assurance"]) == ("kw-1", "key_worker", 2)
    assert (await browser.get("/api/v1/notifications")).status_code == 200
    out = await browser.send("POST", "/sign-out", headers={"Accept": "text/html"})
    assert f"{outside.issuer}/end?client_id={CLIENT_ID}" in out.text
    assert (await browser.get("/session")).status_code == 401
    assert "/development" not in str(house.app.routes)
    assert (await browser.get("/development/provider/jwks.json")).status_code == 404


async def test_without_pushed_requests(database_url: str, tmp_path: Path) -> None:
    provider = ExternalProvider(pushes=False, names_itself=False)
    async with _world(database_url, tmp_path, provider) as world:
        assert (await OutsideBrowser(world).sign_in("kw-1")).status_code == 200
    assert provider.paths("/par") == []


async def test_a_rotated_key_is_followed(house: World, outside: ExternalProvider) -> None:
    assert (await OutsideBrowser(house).sign_in("kw-1")).status_code == 200
    outside.signing = new_key("second")
    assert (await OutsideBrowser(house).sign_in("kw-1")).status_code == 400  # asked for the keys a moment ago
    house.clock.advance(seconds=31)
    assert (await OutsideBrowser(house).sign_in("kw-1")).status_code == 200


async def test_stepping_up_and_the_old_identifier(
    house: World, outside: ExternalProvider, browser: OutsideBrowser
) -> None:
    outside.said = {"acr": "one-factor"}
    await browser.sign_in("kw-1")
    first = browser.session or ""
    refused = await browser.sign_in("kw-1", path="/sign-in/step-up")
    assert refused.status_code == 400
    assert (await browser.get("/session")).json()["stepped_up_until"] is None
    outside.said = {"acr": "two-factor"}
    assert (await browser.sign_in("kw-1", path="/sign-in/step-up")).status_code == 200
    assert (await browser.get("/session")).json()["stepped_up_until"] is not None

    old = OutsideBrowser(house)
    old.http.cookies.set(COOKIE, first, domain="register.test", path="/")
    assert (await old.get("/session")).status_code == 401
    assert [row["reason"] for row in (await house.log())[-1:]] == ["session_ended"]
    assert [row["reason"] for row in await house.log("sign_in.refused")] == ["step_up_not_shown"]
    assert [row["reason"] for row in await house.log("session.opened")] == [None, "step_up"]


async def test_the_provider_ends_a_session_from_its_side(
    house: World, outside: ExternalProvider, browser: OutsideBrowser
) -> None:
    await browser.sign_in("kw-1")
    other = OutsideBrowser(house)
    outside.person = "kw-2"
    await other.sign_in("kw-2")
    outside.person = "kw-1"
    token = outside.logout_token()

    async def sent(**form: Any) -> int:
        answer = await house.http.post("/sign-in/back-channel", **form)
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        return answer.status_code

    for form in (
        {"data": {"logout_token": outside.logout_token(iss="https://attacker.example")}},
        {"data": {"logout_token": outside.logout_token(nonce="n")}},
        {"data": {"logout_token": outside.logout_token(events=None)}},
        {"data": {"logout_token": [token, token]}},
        {"data": {"token": token}},
        {"json": {"logout_token": token}},
        {"content": f"logout_token={token}"},
        {"params": {"logout_token": token}},
        {"data": {"logout_token": "ä"}},
    ):
        assert await sent(**form) == 400
    assert (await browser.get("/session")).status_code == 200
    assert await sent(data={"logout_token": token}) == 200
    assert (await browser.get("/session")).status_code == 401
    assert (await other.get("/session")).status_code == 200
    assert await sent(data={"logout_token": token}) == 400
    assert [row["reason"] for row in await house.log("session.ended")] == ["ended_by_provider"]


async def test_a_provider_that_is_down_is_said_to_be_and_why_is_logged(
    house: World, outside: ExternalProvider, browser: OutsideBrowser, capsys: pytest.CaptureFixture[str]
) -> None:
    outside.instead["/.well-known/openid-configuration"] = Given(302, b"", (("Location", "http://127.0.0.1:9/"),))
    answer = await browser.get("/sign-in")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert "telephone" in answer.text
    assert "set-cookie" not in answer.headers
    assert "provider_unavailable" in capsys.readouterr().out
    told = await house.http.post("/sign-in/back-channel", data={"logout_token": outside.logout_token()})
    assert (told.status_code, told.headers["retry-after"]) == (503, "30")
    # And the rest of the service goes on.
    assert (await house.http.get("/api/v1/notifications", auth=house.auth("kw-1", "casework"))).status_code == 200


async def test_an_answer_that_comes_twice_at_once_makes_one_session(house: World, browser: OutsideBrowser) -> None:
    back = await browser.choose(await browser.begin())
    answers = await asyncio.gather(*(browser.get(back) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert len(await house.log("session.opened")) == 1


async def test_login_csrf_a_victim_cannot_be_signed_in_as_somebody_else(
    house: World, outside: ExternalProvider, browser: OutsideBrowser
) -> None:
    attacker = OutsideBrowser(house)
    back = await attacker.choose(await attacker.begin())
    for victim in (browser, OutsideBrowser(house)):
        if victim is browser:
            await victim.begin()  # has an attempt of their own
        refused = await victim.get(back)
        assert refused.status_code == 400
        assert COOKIE not in refused.headers.get("set-cookie", "")
        assert victim.session is None
    assert await house.log() == []


async def test_what_the_person_or_the_provider_says_never_shows_on_a_page(
    house: World, outside: ExternalProvider, browser: OutsideBrowser
) -> None:
    markup = "<script>alert(1)</script>"
    outside.answer = {"error": markup, "error_description": markup, "code": None}
    answer = await browser.get(await browser.choose(await browser.begin(f"/sign-in?return_to=/{markup}")))
    assert answer.status_code == 400
    assert "script" not in answer.text
    outside.answer = {}
    answer = await browser.get(await browser.choose(await browser.begin(f"/sign-in?return_to={markup}")))
    assert answer.status_code == 200
    assert "script" not in answer.text


async def test_nothing_that_would_let_a_thief_of_the_database_in_is_kept(house: World, browser: OutsideBrowser) -> None:
    await browser.sign_in("kw-1")
    await browser.begin()
    async with house.database.connection() as connection:
        rows = [dict(row) for row in await connection.fetch("SELECT * FROM staff_session")]
        rows += [dict(row) for row in await connection.fetch("SELECT * FROM sign_in_attempt")]
    assert len(rows) == 2
    kept = str(rows)
    for secret in browser.http.cookies.jar:
        assert secret.value
        assert secret.value not in kept
    assert [row["client_id"] for row in await house.log()] == [CONSOLE]
