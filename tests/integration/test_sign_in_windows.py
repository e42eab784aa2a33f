"""Sessions over the real database: several windows and browsers, limits to the second, and ending them by oneself.

Also what a person's browser is shown in place of a problem document.
"""

import asyncio

import pytest
from browsing import COOKIE, PROVIDER, Browser
from builders import BASE_URL, World

from registry_api.problems import MEDIA_TYPE


async def _with(world: World, identifier: str | None) -> Browser:
    browser = Browser(world)
    browser.http.cookies.set(COOKIE, identifier or "", domain="register.test", path="/")
    return browser


async def test_two_windows_of_one_browser_leave_one_session(world: World) -> None:
    browser = Browser(world)
    one, two = await browser.begin(), await browser.begin()
    await browser.get(await browser.choose(one, "kw-1"))
    first = browser.session
    await browser.get(await browser.choose(two, "kw-1"))
    assert browser.session != first
    assert len((await browser.get("/sessions")).json()["sessions"]) == 1
    assert (await (await _with(world, first)).get("/session")).status_code == 401


async def test_two_windows_that_step_up_leave_one_session_that_is_stepped_up(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("sm-1")
    one, two = await browser.begin("/sign-in/step-up"), await browser.begin("/sign-in/step-up")
    for window in (one, two):
        assert (await browser.get(await browser.choose(window, "sm-1"))).status_code == 200
    assert (await browser.get("/session")).json()["stepped_up_until"] is not None
    assert len((await browser.get("/sessions")).json()["sessions"]) == 1


async def test_a_step_up_that_was_overtaken_by_another_person_steps_nobody_up(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("sm-1")
    stepping = await browser.begin("/sign-in/step-up")
    await browser.sign_in("kw-1")
    assert (await browser.get(await browser.choose(stepping, "sm-1"))).status_code == 400
    session = (await browser.get("/session")).json()
    assert (session["subject"], session["stepped_up_until"]) == ("kw-1", None)


async def test_two_step_ups_at_the_same_moment_leave_one_session(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("sm-1")
    backs = [await browser.choose(await browser.begin("/sign-in/step-up"), "sm-1") for _ in range(3)]
    answers = await asyncio.gather(*(browser.get(back) for back in backs))
    assert {answer.status_code for answer in answers} <= {200, 400}
    async with world.database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM staff_session WHERE ended_at IS NULL") == 1


@pytest.mark.parametrize(("seconds", "status"), [(1200, 200), (1201, 401)])
async def test_the_idle_limit_holds_to_the_second(world: World, seconds: int, status: int) -> None:
    browser = Browser(world)
    await browser.sign_in("kw-1")
    world.clock.advance(seconds=seconds)
    assert (await browser.get("/session")).status_code == status
    world.clock.advance(seconds=1200)  # a use that was one is noted, and one that came too late is not
    assert (await browser.get("/session")).status_code == status


async def test_the_absolute_limit_holds_to_the_second(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("kw-1")
    for _ in range(35):
        world.clock.advance(minutes=17)
        assert (await browser.get("/session")).status_code == 200
    world.clock.advance(minutes=4, seconds=59)
    assert (await browser.get("/session")).status_code == 200
    world.clock.advance(seconds=1)
    assert (await browser.get("/session")).status_code == 401
    assert (await world.log())[-1]["reason"] == "session_expired"


async def test_ones_own_sessions_are_ended_one_by_one_or_all_and_nobody_elses(world: World) -> None:
    mine, also_mine, other = Browser(world), Browser(world), Browser(world)
    await mine.sign_in("kw-1")
    await also_mine.sign_in("kw-1")
    await other.sign_in("kw-2")
    (foreign,) = (await other.get("/sessions")).json()["sessions"]
    assert (await mine.send("DELETE", f"/sessions/{foreign['id']}")).status_code == 404
    assert (await other.get("/session")).status_code == 200

    listed = (await mine.get("/sessions")).json()["sessions"]
    assert sorted(session["this_one"] for session in listed) == [False, True]
    (elsewhere,) = (session["id"] for session in listed if not session["this_one"])
    assert (await mine.send("DELETE", f"/sessions/{elsewhere}")).status_code == 204
    assert (await also_mine.get("/session")).status_code == 401
    assert (await mine.send("DELETE", f"/sessions/{elsewhere}")).status_code == 404

    await also_mine.sign_in("kw-1")
    assert (await mine.send("DELETE", "/sessions")).status_code == 204
    assert mine.session is None
    for browser in (mine, also_mine):
        assert (await browser.get("/session")).status_code == 401
    assert [row["reason"] for row in await world.log("session.ended")] == ["ended_by_owner"] * 3


async def test_ending_the_present_one_takes_its_cookie_along(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("kw-1")
    (session,) = (await browser.get("/sessions")).json()["sessions"]
    assert (await browser.send("DELETE", f"/sessions/{session['id']}")).status_code == 204
    assert browser.session is None


async def test_signing_out_everywhere_by_a_form(world: World) -> None:
    here, there = Browser(world), Browser(world)
    await here.sign_in("kw-1")
    await there.sign_in("kw-1")
    assert "1 other session" in (await here.get("/account")).text
    form = {"csrf_token": here.csrf_token, "everywhere": "yes"}
    answer = await here.http.post("/sign-out", data=form, headers={"Origin": BASE_URL})
    assert answer.status_code == 200
    assert (await there.get("/session")).status_code == 401


async def test_who_is_suspended_gets_no_session_back_with_the_end_of_it(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("kw-1")
    for suspended_at in ("now()", "NULL"):
        async with world.database.connection() as connection:
            await connection.execute(f"UPDATE professional SET suspended_at = {suspended_at} WHERE subject = 'kw-1'")
        assert (await browser.get("/session")).status_code == 401
    assert [row["reason"] for row in await world.log("access.refused")] == ["individual_suspended", "session_ended"]


async def test_whose_role_has_changed_has_the_new_one_from_the_next_request_on(world: World) -> None:
    browser = Browser(world)
    await browser.sign_in("sm-1")
    async with world.database.connection() as connection:
        await connection.execute("UPDATE professional SET role = 'key_worker' WHERE subject = 'sm-1'")
    assert (await browser.get("/session")).json()["role"] == "key_worker"
    assert (await browser.get("/api/v1/considerations")).status_code == 403


PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/sign-in/step-up", 401), ("POST", "/sign-out", 401), ("GET", "/nowhere", 404), ("PUT", "/account", 405)],
)
async def test_a_person_is_shown_a_page_and_a_program_a_problem(
    world: World, method: str, path: str, status: int
) -> None:
    shown = await world.http.request(method, path, headers=PAGE)
    assert (shown.status_code, shown.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert "/account" in shown.text or "/sign-in" in shown.text
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
    assert shown.headers["cache-control"] == "no-store"
    told = await world.http.request(method, path)
    assert (told.status_code, told.headers["content-type"]) == (status, MEDIA_TYPE)


async def test_the_api_gives_problems_to_everybody(world: World) -> None:
    answer = await world.http.get("/api/v1/notifications", headers=PAGE)
    assert (answer.status_code, answer.headers["content-type"]) == (401, MEDIA_TYPE)


@pytest.mark.parametrize("kind", ["asked+jwt", "request+jwt", "JWT"])
async def test_a_code_of_the_development_provider_cannot_be_made_of_another_token(world: World, kind: str) -> None:
    browser = Browser(world)
    back = await browser.choose(await browser.begin(), "kw-1")
    provider = world.app.state.development_provider
    code = code_in(back)
    claims = await provider.read(code, "code+jwt")
    forged = provider.sign({**claims, "sub": "sm-1"}, kind, 60)
    answer = await browser.get(back.replace(code, forged))
    assert answer.status_code == 400
    assert browser.session is None


async def test_the_development_provider_redeems_for_its_client_alone(world: World) -> None:
    browser = Browser(world)
    code = code_in(await browser.choose(await browser.begin(), "kw-1"))
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": f"{BASE_URL}/sign-in/callback"}
    for auth in (None, ("console", ""), ("console", "guess"), ("other", "guess")):
        answer = await world.http.post(f"{PROVIDER}/token", data=form, auth=auth)
        assert (answer.status_code, answer.json()) == (400, {"error": "invalid_client"})


def code_in(back: str) -> str:
    """The code in the address with which the provider sends a browser back."""
    return back.partition("code=")[2].partition("&")[0]
