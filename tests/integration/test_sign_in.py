"""Signing in, all of it: at the development provider, a session, the API with it, stepping up, signing out."""

import pytest
from browsing import COOKIE, Browser
from builders import World, entry, question

from policies.enquirer import CONSOLE
from registry_api.register.entry import PlanKind

ENQUIRY = {
    "child": question(),
    "reason": "injury",
    "reason_text": "Bruise on the upper arm.",
    "urgency": "urgent",
    "call_back_number": "01632 960321",
}


async def test_from_signing_in_to_signing_out(world: World) -> None:
    await world.add(entry(plan=PlanKind.FULL, key_worker=world.members["kw-1"].id))
    browser = Browser(world)
    answer = await browser.sign_in("kw-1")
    assert answer.status_code == 200
    (said,) = answer.headers.get_list("set-cookie")
    assert said.startswith(f"{COOKIE}=")
    assert said.endswith("; HttpOnly; Path=/; SameSite=strict; Secure")

    session = (await browser.get("/session")).json()
    assert (session["subject"], session["role"], session["assurance"]) == ("kw-1", "key_worker", 2)
    assert session["stepped_up_until"] is None

    assert (await browser.get("/api/v1/notifications")).status_code == 200
    enquiry = await browser.send("POST", "/api/v1/enquiries", json=ENQUIRY)
    assert enquiry.status_code == 200, enquiry.text
    assert enquiry.json()["outcome"] == "on_plan"

    held = browser.session
    out = await browser.send("POST", "/sign-out")
    assert out.status_code == 200
    assert browser.session is None
    browser.http.cookies.set(COOKIE, held or "", domain="register.test", path="/")
    assert (await browser.get("/api/v1/notifications")).status_code == 401

    kinds = [row["kind"] for row in await world.log() if row["client_id"] == CONSOLE]
    assert (kinds[0], kinds[-2:]) == ("session.opened", ["session.ended", "access.refused"])


async def test_stepping_up_gives_a_new_identifier_and_the_old_one_is_dead_at_once(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("sm-1", "aal1")
    first = browser.session
    assert first is not None
    expires = (await browser.get("/session")).json()["expires_at"]
    world.clock.advance(minutes=5)
    answer = await browser.sign_in("sm-1", "aal2", "/sign-in/step-up")
    assert answer.status_code == 200
    session = (await browser.get("/session")).json()
    assert session["stepped_up_until"] is not None
    assert session["expires_at"] == expires
    assert browser.session != first
    old = Browser(world)
    old.http.cookies.set(COOKIE, first, domain="register.test", path="/")
    assert (await old.get("/session")).status_code == 401
    world.clock.advance(minutes=11)
    assert (await browser.get("/session")).json()["stepped_up_until"] is None


@pytest.mark.rule("ENQ-3")
async def test_who_is_suspended_has_no_session_from_the_next_request_on(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("kw-1")
    async with world.database.connection() as connection:
        await connection.execute("UPDATE professional SET suspended_at = now() WHERE subject = 'kw-1'")
    assert (await browser.get("/api/v1/notifications")).status_code == 401
    last = (await world.log())[-1]
    assert (last["kind"], last["reason"]) == ("access.refused", "individual_suspended")
    assert (await Browser(world).sign_in("kw-1")).status_code == 403
    assert (await world.log())[-1]["kind"] == "sign_in.refused"
