"""Failures to show who is asking, by network address: shut out before anything is verified, and nobody beside them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from browsing import COOKIE, Browser
from builders import BASE_URL, World, question, running_world

from auth.client import ProofSigner
from auth.staff.sessions import new_identifier
from auth.tokens import TokenVerifier
from registry_api import admission
from registry_api.kernel.shared_window import SqlCounts
from registry_api.main import create_app
from registry_api.problems import MEDIA_TYPE

pytestmark = pytest.mark.rule("ENQ-3")
AMOUNT = 3
URL = "/api/v1/notifications"
FORCE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@asynccontextmanager
async def watched(database_url: str, state: Path) -> AsyncIterator[World]:
    async with running_world(database_url, state, failed_authentications_per_minute_address=AMOUNT) as world:
        come_from(world, FORCE)
        yield world


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    async with watched(database_url, tmp_path / "state") as world:
        yield world


def come_from(world: World, address: str, app: Any = None) -> None:
    """Have what follows come from a network address, at one of the workers."""
    world.http._transport = httpx2.ASGITransport(app=app or world.app, client=(address, 1))


async def share(*apps: Any, world: World) -> None:
    for app in (*apps, *apps):
        await app.state.limits.storage.synchronise(SqlCounts(world.database))


async def forged(world: World, number: int = 0) -> httpx2.Response:
    """Send a token that was issued to the police, with another signature."""
    head, body, signature = (await world.token("officer-1", "enquiry")).split(".")
    return await world.http.get(URL, headers={"Authorization": f"DPoP {head}.{body}.{number:04}{signature[4:]}"})


def is_shut(answer: httpx2.Response) -> bool:
    if answer.status_code != 429:
        return False
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.json()["type"] == "urn:registry:problem:too-many-requests"
    return True


async def test_past_the_amount_nothing_is_verified(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    come_from(world, ELSEWHERE)
    for _ in range(AMOUNT):
        assert (await world.http.get(URL, headers={"Authorization": "DPoP guessed"})).status_code == 401

    def verify(*_: object) -> None:
        pytest.fail("it was looked at")

    with monkeypatch.context() as looked:
        looked.setattr(TokenVerifier, "verify", verify)
        looked.setattr("auth.server.TokenEndpoint.respond", verify)
        assert is_shut(await world.http.get(URL, headers={"Authorization": "DPoP guessed"}))
        assert is_shut(await world.http.get(URL, headers={"Authorization": "DPoP another"}))
        assert is_shut(await world.http.get(URL))
        assert is_shut(await world.http.post("/oauth2/token", data={"grant_type": "password"}))
    world.clock.advance(minutes=1)
    assert (await world.http.get(URL)).status_code == 401


async def test_a_health_check_is_answered_whatever_has_failed(world: World) -> None:
    for _ in range(AMOUNT):
        await world.http.get(URL)
    assert is_shut(await world.http.get(URL))
    assert [(await world.http.get(path)).status_code for path in ("/livez", "/readyz")] == [200, 200]


async def test_behind_one_address_a_broken_device_shuts_out_nobody_but_itself(world: World) -> None:
    broken = {"Authorization": f"DPoP {await world.token('officer-1', 'enquiry')}"}  # and never a proof
    assert (await world.ask("officer-1", question())).status_code == 200
    answers = [await world.http.get(URL, headers=broken) for _ in range(5 * AMOUNT)]
    assert [answer.status_code for answer in answers] == [401] * AMOUNT + [429] * 4 * AMOUNT
    urgent = await world.ask("officer-2", question(), urgency="immediate")  # with a token that is yet to be had
    assert urgent.status_code == 200
    assert (await world.ask("officer-1", question(), urgency="immediate")).status_code == 429  # the broken token itself


async def test_at_midnight_not_everybody_is_forgotten(world: World) -> None:
    world.clock.advance(hours=13.99)  # half a minute to midnight (UTC)
    await world.ask("officer-1", question())
    world.clock.advance(minutes=1)
    for _ in range(AMOUNT):
        await world.http.get(URL, headers={"Authorization": "DPoP guessed"})
    assert is_shut(await world.http.get(URL))
    assert (await world.ask("officer-2", question())).status_code == 200


async def test_a_device_that_cannot_get_a_token_shuts_out_nobody_but_itself(world: World) -> None:
    assert (await world.ask("officer-1", question())).status_code == 200
    answers = []
    for _ in range(3 * AMOUNT):
        form = dict(world.signers["police-system"].token_form("nobody-of-ours", "enquiry"))
        answers.append((await world.request_token(form)).status_code)
    assert answers == [400] * AMOUNT + [429] * 2 * AMOUNT
    assert (await world.ask("officer-2", question(), urgency="immediate")).status_code == 200


async def test_who_tries_out_one_thing_after_another_is_shut_out_whomever_they_name(world: World) -> None:
    assert (await world.ask("officer-1", question())).status_code == 200  # known, but not there
    come_from(world, ELSEWHERE)
    guesses = [await forged(world, number) for number in range(AMOUNT + 5)]
    assert [answer.status_code for answer in guesses] == [401] * AMOUNT + [429] * 5
    come_from(world, FORCE)
    assert (await world.ask("officer-1", question())).status_code == 200


async def test_somebody_within_the_force_who_names_its_client_comes_to_an_end_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "FORGIVEN", 2)
    assert (await world.ask("officer-1", question())).status_code == 200
    guesses = [await forged(world, number) for number in range(3 * AMOUNT)]
    assert [answer.status_code for answer in guesses] == [401] * 2 * AMOUNT + [429] * AMOUNT


async def test_a_client_that_was_never_seen_there_waits_for_the_next_minute(world: World) -> None:
    for _ in range(AMOUNT):
        await world.http.get(URL)
    form = dict(world.signers["police-system"].token_form("officer-1", "enquiry"))
    first, again = [await world.request_token(form) for _ in range(2)]
    assert is_shut(first)
    assert first.headers["retry-after"] == "1"  # another worker may know it
    assert is_shut(again)
    world.clock.advance(seconds=int(again.headers["retry-after"]))
    form = dict(world.signers["police-system"].token_form("officer-1", "enquiry"))
    assert (await world.request_token(form)).status_code == 200


Failing = Callable[[World, int], Any]


async def _without_a_token(world: World, _: int) -> httpx2.Response:
    return await world.http.get(URL)


async def _no_form(world: World, _: int) -> httpx2.Response:
    return await world.http.post("/oauth2/token", json={})


async def _unknown_client(world: World, number: int) -> httpx2.Response:
    form = dict(world.signers["police-system"].token_form("officer-1", "enquiry"))
    return await world.request_token(form | {"client_assertion": form["client_assertion"][:-6] + f"{number:06}"})


async def _unknown_individual(world: World, number: int) -> httpx2.Response:
    return await world.request_token(dict(world.signers["police-system"].token_form(f"nobody-{number}", "enquiry")))


async def _wrong_proof(world: World, _: int) -> httpx2.Response:
    form = dict(world.signers["police-system"].token_form("officer-1", "enquiry"))
    return await world.http.post("/oauth2/token", data=form, headers={"DPoP": "no proof"})


async def _forged_session(world: World, _: int) -> httpx2.Response:
    return await world.http.get("/session", headers={"Cookie": f"{COOKIE}={new_identifier()}"})


async def _forged_session_on_a_page(world: World, _: int) -> httpx2.Response:
    return await world.http.get("/account", headers={"Cookie": f"{COOKIE}={new_identifier()}"})


async def _sign_in_not_begun(world: World, _: int) -> httpx2.Response:
    return await world.http.get("/sign-in/callback", params={"code": "guessed", "state": "guessed"})


async def _forged_logout(world: World, _: int) -> httpx2.Response:
    return await world.http.post("/sign-in/back-channel", data={"logout_token": "a.b.c"})


@pytest.mark.parametrize(
    ("fail", "status"),
    [
        (_without_a_token, 401),
        (_no_form, 415),
        (_unknown_client, 400),
        (_unknown_individual, 400),
        (_wrong_proof, 400),
        (_forged_session, 401),
        (_forged_session_on_a_page, 401),
        (_sign_in_not_begun, 400),
        (_forged_logout, 400),
    ],
)
async def test_every_way_to_fail_counts(world: World, fail: Failing, status: int) -> None:
    statuses = [(await fail(world, number)).status_code for number in range(AMOUNT)]
    assert {one // 100 for one in statuses} == {status // 100}
    assert is_shut(await fail(world, AMOUNT))
    come_from(world, ELSEWHERE)
    assert not is_shut(await fail(world, AMOUNT))


async def test_steps_on_the_way_are_no_failures(world: World) -> None:
    for _ in range(2 * AMOUNT):
        proofs = ProofSigner(clock=world.clock)  # without a nonce
        headers = {"DPoP": proofs.proof("POST", f"{BASE_URL}/oauth2/token")}
        form = dict(world.signers["police-system"].token_form("officer-1", "enquiry"))
        challenged = await world.http.post("/oauth2/token", data=form, headers=headers)
        assert challenged.json()["error"] == "use_dpop_nonce"
        assert (await world.http.get("/account")).status_code == 401  # has not signed in yet
    signer = world.auth("officer-1", "enquiry")
    token = await world.token("officer-1", "enquiry")
    for _ in range(2 * AMOUNT):
        signer._signer.proofs.nonce = None
        challenged = await world.http.get(URL, headers=signer.headers("GET", f"{BASE_URL}{URL}", token))
        assert "use_dpop_nonce" in challenged.headers["www-authenticate"]
    refused = await world.http.get(URL, auth=world.auth("officer-1", "enquiry"))
    assert refused.status_code == 403  # is shown, and may not: no failure either
    for _ in range(2 * AMOUNT):
        assert (await world.http.get(URL, auth=world.auth("officer-1", "enquiry"))).status_code == 403


async def test_staff_who_have_signed_in_go_on_beside_a_browser_that_has_gone_astray(world: World) -> None:
    browser = Browser(world)
    browser.http._transport = world.http._transport
    assert (await browser.sign_in("kw-1")).status_code == 200
    for _ in range(AMOUNT):
        assert (await _forged_session(world, 0)).status_code == 401
    assert is_shut(await _without_a_token(world, 0))
    assert (await browser.get(URL)).status_code == 200
    colleague = Browser(world)
    colleague.http._transport = world.http._transport
    assert (await colleague.sign_in("kw-2")).status_code == 200


async def test_failures_and_who_is_known_are_shared_between_workers(world: World, database_url: str) -> None:
    other = create_app(world.settings, world.urls, clock=world.clock)
    async with other.router.lifespan_context(other):
        assert (await world.ask("officer-1", question())).status_code == 200
        come_from(world, FORCE, other)
        assert (await world.http.get(URL)).status_code == 401
        come_from(world, FORCE)
        for _ in range(AMOUNT - 1):
            assert (await world.http.get(URL)).status_code == 401
        await share(world.app, other, world=world)
        come_from(world, FORCE, other)
        assert is_shut(await world.http.get(URL))
        first = await world.ask("officer-1", question())
        assert is_shut(first)
        assert first.headers["retry-after"] == "1"
        await share(world.app, other, world=world)
        assert (await world.ask("officer-1", question())).status_code == 200


async def test_where_the_count_cannot_be_kept_nobody_is_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TokenVerifier, "verify", lambda *_: pytest.fail("it was looked at"))
    world.app.state.limits.storage._synchronised_at = float("-inf")  # as when the store has long been away
    for answer in (await world.http.get(URL), await world.http.post("/oauth2/token", data={})):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"] == MEDIA_TYPE


async def test_a_failure_that_cannot_be_counted_is_not_answered_as_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = world.app.state.limits.storage
    real = storage.incr

    def closing(*given: Any) -> int:
        storage._synchronised_at = float("-inf")
        return int(real(*given))

    monkeypatch.setattr(storage, "incr", closing)
    answer = await world.http.get(URL)
    assert (answer.status_code, answer.headers["content-type"]) == (503, MEDIA_TYPE)
    assert "www-authenticate" not in answer.headers


async def test_neither_addresses_nor_clients_stand_in_the_counts(world: World) -> None:
    assert (await world.ask("officer-1", question())).status_code == 200
    await forged(world)
    await share(world.app, world=world)
    async with world.database.connection() as connection:
        keys = [row["key"] for row in await connection.fetch("SELECT key FROM rate_count")]
    assert len(keys) >= 5
    assert not [key for key in keys if FORCE in key or "police" in key]
